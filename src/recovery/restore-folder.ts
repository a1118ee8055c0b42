import { rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { makeDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { acquireLock, readLock, type Lock } from '../platform/lock.ts';
import { requirePlainPath } from '../server/plain-path.ts';
import { readRestoreNote, restoreNotePath, writeRestoreNote, type RestoreNote } from './restore-note.ts';
import { emptyFolder, FOLDER_LOCK, optionFilePath, requireEmpty } from './server-folder.ts';

/**
 * Makes an empty folder ours, until the lock is disposed of.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `LOCKED`, `PREFLIGHT_FAILED` for a path that no server takes; nothing was touched then
 */
export async function claimEmptyFolder(datadir: string): Promise<Lock> {
  requirePlainPath(datadir);
  await refuseLocked(datadir);
  await requireEmpty(datadir);
  await makeDirectory(datadir);
  const lock = await claimFolder(datadir);
  try {
    await requireEmpty(datadir); // another restore may have come, and gone, meanwhile
    return lock;
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

/** So that two restores never work in one folder. @throws LastgoodError `LOCKED` naming the process that does */
export async function claimFolder(datadir: string): Promise<Lock> {
  return await acquireLock(join(datadir, FOLDER_LOCK), 'restore');
}

/** Says so before anything else is said of what the folder holds. */
async function refuseLocked(datadir: string): Promise<void> {
  const holder = await readLock(join(datadir, FOLDER_LOCK)).catch(() => null);
  if (holder?.alive !== true) return;
  const { pid, host, startedAt } = holder;
  throw new LastgoodError('LOCKED', `process ${pid} on ${host} restores into '${datadir}', since ${startedAt}`, {
    details: { datadir, pid, host, startedAt },
  });
}

/**
 * Removes everything but the lock from a folder that is ours. Its note goes last, and says from the beginning that there is nothing
 * to go on from: who is killed meanwhile leaves no half of a server that looks like a whole one.
 *
 * @param next stays as the note of what begins anew
 */
export async function clearFolder(datadir: string, next: RestoreNote | null = null): Promise<void> {
  const path = restoreNotePath(datadir);
  const note = next ?? (await readRestoreNote(datadir));
  // On a full disk nothing can be said, and emptying it is the more needed.
  if (note !== null)
    await writeRestoreNote(datadir, { ...note, phase: 'loading', result: null }).catch(() => undefined);
  // What a person added to the option file is still to come into the next one.
  const kept = next === null ? [] : [basename(optionFilePath(datadir))];
  await emptyFolder(datadir, [FOLDER_LOCK, basename(path), ...kept]);
  if (next === null) await rm(path, { force: true });
}
