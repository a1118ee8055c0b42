import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isBinlogFileName } from '../binlog/coordinates.ts';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { openSegment } from './read-segment.ts';
import { manifestName, readSegmentAt, type ArchivedSegment, type Repository } from './repository.ts';
import { isDamagedRecord } from './stored-records.ts';

/** What is under such a name was never finished. */
const UNFINISHED = /\.\d{6,}\.(?:zst|enc|json)\.partial$/;
const OTHER_FORMS = ['.zst', '.enc'];
const CHUNK_BYTES = 1024 * 1024;

/**
 * Puts right what a kill in the middle of sealing left in a lineage's folder: unfinished files go, a segment without manifest
 * is only its plain file, a sealed one only its stored form. The caller holds the archiver's lock.
 *
 * @throws LastgoodError `STORAGE_FAILED`, `REPOSITORY_UNREADABLE`
 */
export async function healSealing(repository: Repository, lineage: string): Promise<void> {
  const folder = repository.lineageFolder(lineage);
  const names = new Set(await namesIn(folder));
  await makeNamesDurable(folder);
  for (const name of names) if (UNFINISHED.test(name)) await remove(join(folder, name));
  for (const file of [...names].filter(isBinlogFileName)) {
    const segment = await readSegmentAt({ folder, lineage, file, keys: repository.keys }).catch(noneIfDamaged);
    if (segment === null) continue;
    if (segment.state === 'open') await removeOtherForms(segment, names);
    else if (segment.path !== join(folder, file) && (await isProven(segment))) await remove(join(folder, file));
  }
}

/** A killed archiver may not have come to the fsync behind its rename: a manifest counts, and a plain file goes for it, only once it is durable. */
async function makeNamesDurable(folder: string): Promise<void> {
  try {
    await syncDirectory(folder);
  } catch (error) {
    throw storageFailure(folder, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (cause) {
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read folder '${folder}'`, { cause });
  }
}

/** Of a segment whose manifest is damaged nothing is removed: nobody knows which of its files is the good one. */
function noneIfDamaged(error: unknown): null {
  if (isDamagedRecord(error)) return null;
  throw error;
}

/** Its manifest was not written yet: what is stored is made again. */
async function removeOtherForms({ path, file }: ArchivedSegment, names: ReadonlySet<string>): Promise<void> {
  if (names.has(manifestName(file))) return; // sealed since the names were read
  for (const form of OTHER_FORMS) if (names.has(`${file}${form}`)) await remove(`${path}${form}`);
}

/** A plain file may also be there because someone brought it back for a stored form that is damaged: then it stays. */
async function isProven(segment: ArchivedSegment): Promise<boolean> {
  try {
    return (await hashOf(segment)) === segment.manifest?.sha256;
  } catch (error) {
    if (isLastgoodError(error)) return false;
    throw error;
  }
}

async function hashOf(segment: ArchivedSegment): Promise<string> {
  const hash = createHash('sha256');
  const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
  await using source = await openSegment(segment);
  for (;;) {
    const got = await source.read(chunk, 0);
    if (got === 0) return hash.digest('hex');
    hash.update(chunk.subarray(0, got));
  }
}

async function remove(path: string): Promise<void> {
  try {
    await rm(path, { force: true });
  } catch (error) {
    throw storageFailure(path, error);
  }
}
