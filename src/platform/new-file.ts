import { access, constants, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { storageFailure } from './durable-file.ts';
import { hasCode } from './error-code.ts';
import { LastgoodError } from './errors.ts';
import { partThatIsNoFolder } from './folder-way.ts';

/**
 * Asks whether a new file can be made at `path`, before the work whose outcome it will hold. Writes nothing.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY` when something is there already; `STORAGE_FAILED` when its folder is not there, or takes nothing
 */
export async function requireNewFile(path: string): Promise<void> {
  if (await isThere(path)) throw alreadyThere(path);
  const folder = dirname(resolve(path));
  const part = partThatIsNoFolder(folder);
  if (part !== null) throw noPlace(path, `'${part}' is not a folder`);
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw hasCode(error, 'ENOENT') ? noPlace(path, `there is no folder '${folder}'`) : storageFailure(path, error);
  }
}

/** The error for a file that would replace another one. */
export function alreadyThere(path: string): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', `'${path}' exists already`, {
    details: { path },
    hint: 'Give the name of a file that does not exist yet; nothing was written.',
  });
}

function noPlace(path: string, why: string): LastgoodError {
  return new LastgoodError('STORAGE_FAILED', `cannot write '${path}': ${why}`, {
    details: { path },
    hint: 'Give the name of a file in a folder that is there; nothing was written.',
  });
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false, // why is told when its folder is looked at
  );
}
