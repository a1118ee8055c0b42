import { open, readdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { makeDirectory, storageFailure } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import { missingFolders, removeEmptyFolders } from '../platform/made-folders.ts';
import { unusableFolder } from '../platform/unusable-folder.ts';

/** Stands in the folder while it is filled: of two runs it lets in one, and it shows what a killed one left. */
const MARKER = '.lastgood-export';

/**
 * Lets `work` fill an empty folder. When it fails, what it wrote is removed again, and so is the folder when it was made for it: half of
 * an export looks like a whole one, and the next try wants an empty folder.
 *
 * @param path made with its parents when it is not there
 * @param work notes each file before it is there
 * @throws LastgoodError `TARGET_NOT_EMPTY` also for what is no folder or is filled by somebody else, `STORAGE_FAILED`; what `work` throws
 */
export async function fillFolder<T>(path: string, work: (note: (file: string) => void) => Promise<T>): Promise<T> {
  const folder = resolve(path);
  const made = await missingFolders(folder);
  const files: string[] = [];
  try {
    await makeDirectory(folder);
    files.push(await takeFolder(folder));
    if ((await namesIn(folder)).some((name) => name !== MARKER)) throw notEmpty(path, '');
    const result = await work((file) => files.push(file));
    await rm(join(folder, MARKER));
    return result;
  } catch (error) {
    await remove(files.toReversed(), made); // the marker last: until then the folder is ours
    throw error;
  }
}

/** @returns the marker's path */
async function takeFolder(folder: string): Promise<string> {
  const marker = join(folder, MARKER);
  try {
    await using _file = await open(marker, 'wx', 0o600);
    return marker;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw notEmpty(folder, `: '${MARKER}' is in it, as long as an export fills it`);
    throw storageFailure(marker, error);
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw unusableFolder(folder, error);
  }
}

function notEmpty(path: string, why: string): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', `folder '${path}' is not empty${why}`);
}

/** As far as that goes: why the work failed is what matters. A folder in which somebody else put something meanwhile stays. */
async function remove(files: readonly string[], folders: readonly string[]): Promise<void> {
  for (const file of files) await rm(file, { force: true }).catch(() => undefined);
  await removeEmptyFolders(folders);
}
