import { lstat, realpath } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import { notAFolder, unusableFolder } from '../platform/unusable-folder.ts';

/**
 * Nothing but the archive goes into its folder: `verify` would call it foreign, and whoever tidies up there may take an archived file.
 *
 * @param path a folder to be written to; need not exist
 * @throws LastgoodError `USAGE` when it is the repository's folder or in it, by whatever links; `TARGET_NOT_EMPTY` when no folder
 * can be there, `REPOSITORY_UNREADABLE`
 */
export async function refuseInside(repositoryPath: string, path: string): Promise<void> {
  const way = relative(await realRepository(repositoryPath), await realFolder(path));
  if (way === '..' || way.startsWith(`..${sep}`)) return;
  throw new LastgoodError('USAGE', `'${path}' is inside the repository '${repositoryPath}'`, {
    details: { path, repository: repositoryPath },
    hint: 'Give a folder outside of the repository; nothing was written.',
  });
}

async function realRepository(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (cause) {
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}'`, { cause });
  }
}

/** Links of the nearest folder above that is there are followed. */
async function realFolder(path: string): Promise<string> {
  const folder = resolve(path);
  try {
    return await realpath(folder);
  } catch (error) {
    const isMissing = hasCode(error, 'ENOENT');
    if (!isMissing || dirname(folder) === folder) throw unusableFolder(path, error);
    const parent = await realFolder(dirname(folder));
    if (await isLink(folder)) throw notAFolder(folder, error); // to nothing: no folder can be made in its place
    return join(parent, basename(folder));
  }
}

async function isLink(path: string): Promise<boolean> {
  return await lstat(path).then(
    (found) => found.isSymbolicLink(),
    () => false, // not there
  );
}
