/**
 * The JSON records of the archive, as they are read. Enters: paths. Leaves: what the good ones say and, of those that are there but
 * cannot be relied on, why: one bad file must not hide the others, and never counts as not there.
 */
import { readFile } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { parseRecord, type ReadRecord } from './record-text.ts';

/** Where a record is, and the id that it must have. */
export interface RecordPlace {
  readonly id: string;
  readonly path: string;
}

/** A record that is there and cannot be relied on. What it was about is not known, so it may have been about anything. */
export interface UnreadableRecord extends RecordPlace {
  /** `REPOSITORY_UNREADABLE`, with the next step as its hint. */
  readonly error: LastgoodError;
}

/** All records of one kind. */
export interface StoredRecords<R> {
  readonly records: readonly R[];
  readonly unreadable: readonly UnreadableRecord[];
}

/** Reads every record by itself. @param isPassed which failures do not end it; all of the records' own when not given */
export async function readEach<R>(
  places: readonly RecordPlace[],
  read: (place: RecordPlace) => Promise<R>,
  isPassed = isUnreadable,
): Promise<StoredRecords<R>> {
  const records: R[] = [];
  const unreadable: UnreadableRecord[] = [];
  for (const place of places) {
    try {
      records.push(await read(place));
    } catch (error) {
      if (!isPassed(error)) throw error;
      unreadable.push({ ...place, error });
    }
  }
  return { records, unreadable };
}

function isUnreadable(error: unknown): error is LastgoodError {
  return isLastgoodError(error, 'REPOSITORY_UNREADABLE');
}

/** True for a record whose text was read and is no record: reading it again would not help. */
export function isDamagedRecord(error: unknown): error is LastgoodError {
  return isUnreadable(error) && error.cause instanceof SyntaxError;
}

/** The record of this id; null when there is none. @throws LastgoodError `REPOSITORY_UNREADABLE` when it is the one that cannot be read */
export function findRecord<R extends { readonly id: string }>(stored: StoredRecords<R>, id: string): R | null {
  const unreadable = stored.unreadable.find((record) => record.id === id);
  if (unreadable !== undefined) throw unreadable.error;
  return stored.records.find((record) => record.id === id) ?? null;
}

/** Reads a JSON record of the archive, edited or not. @throws LastgoodError `REPOSITORY_UNREADABLE` */
export async function readRecord<R>(path: string): Promise<R> {
  return (await parseFile(path)).record as R;
}

/** What decisions rely on: edited by one letter, it is not used. @throws LastgoodError `REPOSITORY_UNREADABLE` */
export async function readWrittenRecord<R extends { readonly id: string }>({ id, path }: RecordPlace): Promise<R> {
  const { record, isEdited } = await parseFile(path);
  if (isEdited) throw notUsable(path, 'it is not as it was written');
  return ofPlace({ id, path }, record as R);
}

/** Paths are made from ids: a record of another place is not used. @throws LastgoodError `REPOSITORY_UNREADABLE` */
export function ofPlace<R extends { readonly id: string }>({ id, path }: RecordPlace, record: R): R {
  if (record.id !== id) throw notUsable(path, `its id is '${record.id}', not the name of its ${holderOf(path)}`);
  return record;
}

async function parseFile(path: string): Promise<ReadRecord> {
  try {
    return parseRecord(await readFile(path, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof SyntaxError) throw notUsable(path, why, cause);
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}': ${why}`, { cause, details: { path } });
  }
}

/** The error for a record that is there and says nothing that can be used. */
export function notUsable(path: string, why: string, cause?: unknown): LastgoodError {
  return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}': ${why}`, {
    ...{ cause, details: { path } },
    hint: [
      'The file is damaged. Keep it, put a good one from a second copy of the archive in its place, then run `lastgood verify`.',
      ...withoutOne(path),
    ].join(' '),
  });
}

/** How to go on where there is no second copy, without removing anything for good. */
export function withoutOne(path: string): string[] {
  if (basename(path) === 'backup.json')
    return [`Without one, move the folder '${dirname(path)}' out of the repository: restores take another backup.`];
  if (basename(dirname(path)) === 'rehearsals')
    return ['Without one, move the file out of the repository: only what this one restore has shown is lost.'];
  if (basename(path) === 'lineage.json')
    return [
      `Without one, move the folder '${dirname(path)}' out of the repository, and keep it: \`lastgood archive\` fetches again what the server still has.`,
    ];
  if (MANIFEST.test(basename(path)))
    return [
      'Without one, restores that need this file are refused, and all others work: take a new backup with `lastgood backup`.',
      `Where the archive ends with it, move it and the segment beside it out of '${dirname(path)}', and keep them: \`lastgood archive\` fetches the file again.`,
    ];
  if (/^archiver-.*\.json$/.test(basename(path)))
    return ['Without one, move the file out of the repository: the next runs of `lastgood archive` write another.'];
  return [];
}

/** Beside its segment. */
const MANIFEST = /\.\d{6,}\.json$/;

function holderOf(path: string): string {
  return basename(dirname(path)) === 'rehearsals' ? 'file' : 'folder';
}

/** A record that is not there, though what is written after it is: `others`, with their verb. */
export function recordGone(path: string, others: string): LastgoodError {
  return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}': it is not there, though ${others}`, {
    details: { path },
    hint: 'Put the file back from a second copy of the archive, then run `lastgood verify`.',
  });
}
