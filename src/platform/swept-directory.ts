import { randomUUID } from 'node:crypto';
import { lstat, readdir, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LastgoodError } from './errors.ts';
import { markHeld, readLock } from './lock.ts';
import { isNamedByProcess } from './other-processes.ts';
import { ownUserId } from './own-user.ts';
import { makeTempDirectory, type TempDirectory } from './temp-dir.ts';

/** Says who made the folder; one without it is never swept. */
const MAKER_LOCK = '.lastgood.lock';
const BEGINNING = 'lastgood-';

/**
 * As `makeTempDirectory`, for what nobody is to find again, passwords among it: should this process be killed, the next one that
 * makes such a folder removes this one. Files beside `.lastgood.lock` in it are the caller's.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when there is no temporary folder, or it takes nothing; `STORAGE_FAILED` when it is full
 */
export async function makeSweptDirectory(prefix: `lastgood-${string}`): Promise<TempDirectory> {
  await sweepLeftDirectories();
  const folder = await makeTempDirectory(prefix);
  try {
    await markHeld(join(folder.path, MAKER_LOCK), 'temporary folder'); // goes with the folder
    return folder;
  } catch (error) {
    await folder[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * Removes this user's folders whose maker was killed, unless a process still works with one: a server outlives who started it. What
 * cannot be removed keeps nobody from their work. What another container has left goes after the next start of the machine.
 */
export async function sweepLeftDirectories(): Promise<void> {
  const folders = await ownTempFolders(BEGINNING).catch(() => []);
  for (const folder of folders) await sweep(folder).catch(() => undefined);
}

async function sweep(folder: string): Promise<void> {
  if (!(await isMakerGone(folder)) || isNamedByProcess(folder)) return;
  // Another one may have come to sweep it as well: of two that rename a folder one finds it gone.
  const claimed = `${folder}.${randomUUID()}`;
  await rename(folder, claimed);
  if (await isMakerGone(claimed)) await removeLockLast(claimed);
  else await rename(claimed, folder); // the name was given out again in between
}

async function isMakerGone(folder: string): Promise<boolean> {
  return (await readLock(join(folder, MAKER_LOCK)))?.gone === true;
}

/** Killed in the middle, it leaves a folder that still says whose it is. */
async function removeLockLast(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name !== MAKER_LOCK) await rm(join(folder, name), { recursive: true, force: true, maxRetries: 3 });
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
}

/**
 * Lists the folders in the system's temporary folder that begin so and are this user's: anybody may make one of that name there,
 * or a link.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when the temporary folder cannot be read
 */
export async function ownTempFolders(beginning: string): Promise<string[]> {
  const names = (await readTemporaryFolder()).filter((name) => name.startsWith(beginning));
  const folders: string[] = [];
  for (const name of names) {
    const path = join(tmpdir(), name);
    const found = await lstat(path).catch(() => null);
    if (found?.isDirectory() === true && found.uid === ownUserId()) folders.push(path);
  }
  return folders;
}

async function readTemporaryFolder(): Promise<string[]> {
  try {
    return await readdir(tmpdir());
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('PREFLIGHT_FAILED', `cannot read the temporary folder '${tmpdir()}': ${why}`, { cause });
  }
}
