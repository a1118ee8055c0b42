import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatBytes } from './byte-size.ts';
import { isLastgoodError, LastgoodError } from './errors.ts';

/** Codes that mean: no room. Source: errno(3), SQLite result codes. A journal's index is made by ftruncate and fails in its own way. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'SQLITE_FULL', 'SQLITE_IOERR_SHMSIZE']);

/** The error for a file that cannot be written; for a full disk it says how much is free. */
export function cannotWrite(path: string, cause: Error & { readonly code?: unknown }, what = ''): LastgoodError {
  const full = typeof cause.code === 'string' && NO_ROOM.has(cause.code);
  const freeBytes = full ? freeBytesAt(dirname(path)) : null;
  const room = freeBytes === null ? '' : `; ${formatBytes(freeBytes)} are free there`;
  return new LastgoodError('STORAGE_FAILED', `cannot write ${what}'${path}': ${cause.message}${room}`, {
    ...{ cause, hint: hintFor(cause.code) },
    details: { path, full, freeBytes },
  });
}

/** What keeps a user from writing is not always the disk. */
function hintFor(code: unknown): string | undefined {
  if (code === 'EACCES' || code === 'EPERM') return 'May this user write there? Run as the user who owns it.';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'Is the path right? A folder on the way to it is not there.';
  return undefined;
}

/** True for a failure that ends by itself when there is room again. */
export function isDiskFull(error: unknown): error is LastgoodError {
  return isLastgoodError(error, 'STORAGE_FAILED') && error.details['full'] === true;
}

function freeBytesAt(folder: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return null; // only a help to the reader
  }
}
