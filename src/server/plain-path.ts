import { resolve } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';

/** All but letters and digits of every script, and the signs that mean nothing in a shell's unquoted word. */
const SUSPICIOUS = /[^\p{L}\p{M}\p{N}_@%+=:,./~-]/u;

/**
 * Refuses a data folder that the install program, a shell script, would take for another or for several: it runs
 * `chown $user $dir` unquoted, so that as root a blank, a wildcard or a backslash changes the owner of foreign files.
 *
 * Source: MariaDB 10.11 scripts/mysql_install_db.sh, the loop over "$ldata".
 *
 * @returns the whole path
 * @throws LastgoodError `PREFLIGHT_FAILED`
 */
export function requirePlainPath(datadir: string): string {
  const path = resolve(datadir);
  const [sign] = SUSPICIOUS.exec(path) ?? [];
  if (sign === undefined) return path;
  throw new LastgoodError('PREFLIGHT_FAILED', `cannot install a server in '${path}': the path holds ${nameOf(sign)}`, {
    details: { datadir: path },
    hint: 'Choose a path without blanks and shell signs; for a temporary folder, set TMPDIR to one.',
  });
}

function nameOf(sign: string): string {
  return /\s/u.test(sign) ? 'a blank' : `'${sign}'`;
}
