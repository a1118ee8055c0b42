import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { hasCode } from './error-code.ts';

/**
 * On the way to `path`, or `path` itself: what is there and is no folder, so that no folder can be made there. null where there is no such
 * thing, or it cannot be told.
 */
export function partThatIsNoFolder(path: string): string | null {
  const folder = resolve(path);
  try {
    return statSync(folder).isDirectory() ? null : folder;
  } catch (error) {
    const goesOn = hasCode(error, 'ENOENT', 'ENOTDIR') && dirname(folder) !== folder;
    return goesOn ? partThatIsNoFolder(dirname(folder)) : null;
  }
}

/** What keeps a folder from being at `path`, in words. */
export function whyNoFolder(path: string): string {
  const part = partThatIsNoFolder(path);
  if (part === null || part === resolve(path)) return 'is not a folder';
  return `cannot be there: '${part}' is not a folder`;
}

/** `path`, or the nearest above it that is there, folder or not; whatever else the file system says is thrown as it is. */
export async function nearestThere(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    await stat(folder);
    return folder;
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'ENOTDIR') || dirname(folder) === folder) throw error;
    return await nearestThere(dirname(folder));
  }
}
