/**
 * What is there in the archive's folders. Enters: a path. Leaves: names, a size, yes or no. "Cannot read" is thrown, and never becomes
 * "nothing there".
 */
import { access, readdir, stat } from 'node:fs/promises';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';

/** null when there is no such file. @throws LastgoodError `REPOSITORY_UNREADABLE` */
export async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (cause) {
    if (isMissing(cause)) return null;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}'`, { cause });
  }
}

/**
 * The names in a folder.
 *
 * @param whenMissing for a folder that is not there, or is a file; without it that is an error
 * @throws LastgoodError `REPOSITORY_UNREADABLE`
 */
export async function readFolder(path: string, whenMissing?: string[]): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (cause) {
    if (whenMissing !== undefined && isMissing(cause)) return whenMissing;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read folder '${path}'`, { cause });
  }
}

/** @throws LastgoodError `REPOSITORY_UNREADABLE` when that cannot be told */
export async function exists(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}'`, { cause });
  }
}

/** True where something else than a folder is at `path`, or on the way to it. @throws LastgoodError `REPOSITORY_UNREADABLE` when that cannot be told */
export async function isNoFolder(path: string): Promise<boolean> {
  try {
    return !(await stat(path)).isDirectory();
  } catch (cause) {
    if (isMissing(cause)) return hasCode(cause, 'ENOTDIR');
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}'`, { cause });
  }
}

/** Only a missing file is "nothing there"; anything else is "cannot read". */
function isMissing(error: unknown): boolean {
  return hasCode(error, 'ENOENT', 'ENOTDIR');
}
