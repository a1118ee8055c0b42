import { rmdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from './error-code.ts';
import { notAFolder, unusableFolder } from './unusable-folder.ts';

/**
 * The folder, then those above it, as far as they are not there yet: what making it makes.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY` where no folder can be
 */
export async function missingFolders(path: string): Promise<string[]> {
  try {
    if (!(await stat(path)).isDirectory()) throw notAFolder(path);
    return [];
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw unusableFolder(path, error);
    return [path, ...(await missingFolders(dirname(path)))];
  }
}

/** As far as that goes: why the work failed is what matters. A folder in which somebody else put something meanwhile stays. */
export async function removeEmptyFolders(folders: readonly string[]): Promise<void> {
  for (const folder of folders) await rmdir(folder).catch(() => undefined);
}
