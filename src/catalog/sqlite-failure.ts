import Sqlite from 'better-sqlite3';
import { cannotWrite } from '../platform/disk-full.ts';
import { LastgoodError } from '../platform/errors.ts';

/** True when the file is no catalog: damaged, or something else under its name. */
export function isDamage(error: unknown): error is Error {
  return error instanceof Sqlite.SqliteError && /^SQLITE_(NOTADB|CORRUPT|ERROR)/.test(error.code);
}

/** Gives a failure of the catalog's file its place in the error table; what is no such failure stays as it is. */
export function sqliteFailure(path: string, cause: unknown): unknown {
  if (!(cause instanceof Error) || cause instanceof LastgoodError) return cause;
  const code = cause instanceof Sqlite.SqliteError ? cause.code : '';
  const options = { cause, details: { path } };
  if (/^SQLITE_(FULL|IOERR)/.test(code)) return cannotWrite(path, cause, 'catalog ');
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) {
    return new LastgoodError('LOCKED', `catalog '${path}' is in use by another process`, options);
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    const hint = 'Stop the archiver and run `lastgood catalog rebuild`: the archive itself is untouched.';
    return new LastgoodError('REPOSITORY_UNREADABLE', `catalog '${path}' is damaged`, { ...options, hint });
  }
  if (/^SQLITE_(CANTOPEN|READONLY|PERM|AUTH)/.test(code) || cause.message.startsWith('Cannot open database')) {
    return new LastgoodError('REPOSITORY_UNREADABLE', `cannot open catalog '${path}': ${cause.message}`, options);
  }
  return cause;
}
