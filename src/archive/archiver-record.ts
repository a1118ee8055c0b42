/**
 * What an archiver notes of itself: `archiver-<name>.json`. The id under which it replicates, where nobody chose one, when it had all
 * that its source had, where it is run from time to time, and that it waits. No archived byte depends on it.
 */
import { readFile } from 'node:fs/promises';
import { writeFileDurably } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import { parseRecord, renderRecord } from './record-text.ts';

/** RFC 3339, UTC, oldest first. */
export type ArchiverRuns = readonly string[];

/** It runs and archives nothing: what keeps it from that has to end first. */
export interface ArchiverWait {
  /** RFC 3339, UTC. */
  readonly since: string;
  /** When it tries again. */
  readonly until: string;
  readonly why: string;
  /** What to do about it. */
  readonly hint: string;
}

/** The content of the file, as far as it can be read. */
export interface ArchiverRecord {
  readonly format: 1;
  /** Null where it was chosen, or where archiving began before there was such a record. */
  readonly serverId: number | null;
  /** When the last runs had all. */
  readonly current: ArchiverRuns;
  /** Null while it streams. One that was killed leaves it as it was. */
  readonly waiting: ArchiverWait | null;
}

const KEPT = 6;
const NOTHING: ArchiverRecord = { format: 1, serverId: null, current: [], waiting: null };

/** Reads the record; null of one that is there and cannot be read, or was edited. */
export async function readArchiverRecord(path: string): Promise<ArchiverRecord | null> {
  try {
    const { record, isEdited } = parseRecord(await readFile(path, 'utf8'));
    if (isEdited) return null;
    const { serverId, current, waiting } = record as Record<string, unknown>;
    return {
      format: 1,
      serverId: isServerId(serverId) ? serverId : null,
      current: Array.isArray(current) ? current.filter(isTime) : [],
      waiting: isWait(waiting) ? waiting : null,
    };
  } catch (error) {
    return hasCode(error, 'ENOENT') ? NOTHING : null;
  }
}

/** When the last runs had all, as far as it is known. */
export async function readArchiverRuns(path: string): Promise<ArchiverRuns> {
  return (await readArchiverRecord(path))?.current ?? [];
}

/** Adds a run that had all its source had. The caller holds the archiver's lock. @throws LastgoodError `STORAGE_FAILED` */
export async function addArchiverRun(path: string, at: Date): Promise<void> {
  const record = (await readArchiverRecord(path)) ?? NOTHING;
  await write(path, { ...record, current: [...record.current, at.toISOString()].slice(-KEPT) });
}

/** An archiver that stays: what was before says nothing of it. The caller holds its lock. @throws LastgoodError `STORAGE_FAILED` */
export async function forgetArchiverRuns(path: string): Promise<void> {
  const record = await readArchiverRecord(path);
  if (record === null || record.current.length > 0) await write(path, { ...(record ?? NOTHING), current: [] });
}

/** Keeps the id for all further runs. The caller holds the archiver's lock. @throws LastgoodError `STORAGE_FAILED` */
export async function keepServerId(path: string, serverId: number): Promise<void> {
  await write(path, { ...((await readArchiverRecord(path)) ?? NOTHING), serverId });
}

/** Notes that the archiver waits. The caller holds its lock. @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE` for a record that it would destroy */
export async function noteArchiverWait(path: string, waiting: ArchiverWait): Promise<void> {
  const record = await readArchiverRecord(path);
  if (record === null)
    throw new LastgoodError('REPOSITORY_UNREADABLE', `'${path}' cannot be read, or was edited`, { details: { path } });
  await write(path, { ...record, waiting });
}

/** It streams again. The caller holds the archiver's lock. @throws LastgoodError `STORAGE_FAILED` */
export async function forgetArchiverWait(path: string): Promise<void> {
  const record = await readArchiverRecord(path);
  if (record !== null && record.waiting !== null) await write(path, { ...record, waiting: null });
}

async function write(path: string, record: ArchiverRecord): Promise<void> {
  await writeFileDurably(path, renderRecord(record));
}

/** Somebody may have written the record by hand. */
function isServerId(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 0xffff_ffff;
}

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value));
}

function isWait(value: unknown): value is ArchiverWait {
  if (typeof value !== 'object' || value === null) return false;
  const { since, until, why, hint } = value as Record<string, unknown>;
  return isTime(since) && isTime(until) && typeof why === 'string' && typeof hint === 'string';
}
