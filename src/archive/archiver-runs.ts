/**
 * When an archiver that is run from time to time had all that its source had: `archiver-<name>.json`. Nothing depends on it but
 * what is said of an archiver that does not run; a lost one costs a few runs until that is known again.
 */
import { readFile } from 'node:fs/promises';
import { writeFileDurably } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { parseRecord, renderRecord } from './record-text.ts';

/** RFC 3339, UTC, oldest first. */
export type ArchiverRuns = readonly string[];

const KEPT = 6;

/** Reads when the last runs ended; none where there is no record, or one that cannot be read or was edited. */
export async function readArchiverRuns(path: string): Promise<ArchiverRuns> {
  try {
    const { record, isEdited } = parseRecord(await readFile(path, 'utf8'));
    const { current } = record as { current?: unknown };
    return Array.isArray(current) && !isEdited ? current.filter(isTime) : [];
  } catch {
    return [];
  }
}

/** Adds a run that had all its source had. The caller holds the archiver's lock. @throws LastgoodError `STORAGE_FAILED` */
export async function addArchiverRun(path: string, at: Date): Promise<void> {
  const runs = [...(await readArchiverRuns(path)), at.toISOString()].slice(-KEPT);
  await write(path, runs);
}

/** An archiver that stays: what was before says nothing of it. The caller holds its lock. @throws LastgoodError `STORAGE_FAILED` */
export async function forgetArchiverRuns(path: string): Promise<void> {
  try {
    await readFile(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return;
  }
  await write(path, []);
}

async function write(path: string, current: ArchiverRuns): Promise<void> {
  await writeFileDurably(path, renderRecord({ format: 1, current }));
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}
