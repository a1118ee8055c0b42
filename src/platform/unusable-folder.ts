import { LastgoodError } from './errors.ts';
import { whyNoFolder } from './folder-way.ts';

/**
 * The error for a folder to be filled whose path leads to no folder, or where this user may not look: `TARGET_NOT_EMPTY`. What is not
 * of the file system comes back as it is.
 */
export function unusableFolder(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || !('code' in cause) || !('syscall' in cause)) return cause;
  return cause.code === 'ENOTDIR' ? notAFolder(path, cause) : refused(path, `cannot be read: ${cause.message}`, cause);
}

/** The error for a folder to be filled that is something else, or is below something else. */
export function notAFolder(path: string, cause?: unknown): LastgoodError {
  return refused(path, whyNoFolder(path), cause);
}

function refused(path: string, why: string, cause: unknown): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', `'${path}' ${why}`, { cause, details: { path } });
}
