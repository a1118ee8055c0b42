import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { damageOfFailure, SECOND_COPY, type Damage } from './damage.ts';
import { parseRecord } from './record-text.ts';
import { withoutOne } from './stored-records.ts';
import { hasCode } from '../platform/error-code.ts';

/** A JSON record of the archive as it stands on disk, whether it is good or not. */
export interface StoredRecord<Content> {
  readonly path: string;
  /** Of the file's bytes: what the next manifest is chained to. */
  readonly sha256: string;
  /** What it says; null when it cannot be relied on. */
  readonly content: Content | null;
  /** True: an earlier version wrote it without its own hash, so a change would not show. */
  readonly isUnhashed: boolean;
  readonly damages: readonly Damage[];
}

/** Reads a record with everything wrong in it; null when there is no such file. */
export async function verifyRecord<Content>(path: string): Promise<StoredRecord<Content> | null> {
  try {
    return judge<Content>(path, await readFile(path));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null;
    return {
      path,
      sha256: '',
      content: null,
      isUnhashed: false,
      damages: [damageOfFailure(error, { check: 'record', path, offset: null })],
    };
  }
}

/** A record that cannot be relied on, and how to go on, also where there is no second copy. */
export function recordDamage(path: string, found: string, offset: number | null = null): Damage {
  return { check: 'record', path, offset, found, fix: [SECOND_COPY, ...withoutOne(path)].join(' ') };
}

function judge<Content>(path: string, bytes: Buffer): StoredRecord<Content> {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const bad = (found: string, offset: number | null): StoredRecord<Content> => {
    return { path, sha256, content: null, isUnhashed: false, damages: [recordDamage(path, found, offset)] };
  };
  const text = bytes.toString('utf8');
  try {
    const { record, intact } = parseRecord(text);
    // Bytes that are no UTF-8 would all read as the same letter.
    if (intact === false || !Buffer.from(text).equals(bytes))
      return bad('it is not as it was written: its hash over itself is another', null);
    return { path, sha256, content: record as Content, isUnhashed: intact === null, damages: [] };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const [, position] = /position (\d+)/.exec(error.message) ?? [];
    return bad(error.message, position === undefined ? null : Number(position));
  }
}
