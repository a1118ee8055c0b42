import { LastgoodError } from '../platform/errors.ts';

/** ER_UNKNOWN_STORAGE_ENGINE and ER_WARN_USING_OTHER_HANDLER, as a client prints warnings. Source: client/mysql.cc, print_warnings. */
const UNKNOWN = /^\w+ \(Code 1286\): (.*)$/;
const OTHER = /^\w+ \(Code 1266\): (.*)$/;
/** HA_WRONG_CREATE_OPTION, for a table that names a key. Seen on MariaDB 10.11.19. */
const NO_KEY = /^\w+ \(Code 140\): InnoDB: (ENCRYPTION_KEY_ID \d+ not available)/;
/** Of warnings nobody reads: a line that is longer is none of these. */
const LONGEST_LINE = 4096;

/**
 * Reads what a client says with `--show-warnings` while it loads a dump. A dump's own `sql_mode` lets a server take another engine where it
 * lacks the one that a table has: it would have all rows, count as restored, and be another table. And a table that is encrypted
 * only has wrong options for a server without its key.
 *
 * @returns takes the client's output piece by piece. @throws LastgoodError `PREFLIGHT_FAILED` at the first such table
 */
export function refuseSubstitutes(): (chunk: Buffer) => void {
  let rest = '';
  let unknown = '';
  return (chunk) => {
    const lines = (rest + chunk.toString('utf8')).split('\n');
    rest = (lines.pop() ?? '').slice(0, LONGEST_LINE);
    for (const line of lines) {
      unknown = UNKNOWN.exec(line)?.[1] ?? unknown;
      const [, other] = OTHER.exec(line) ?? [];
      if (other !== undefined) throw substituted(unknown, other);
      const [, noKey] = NO_KEY.exec(line) ?? [];
      if (noKey !== undefined) throw withoutKey(noKey);
    }
  };
}

function substituted(unknown: string, other: string): LastgoodError {
  const why = [unknown, other].filter((text) => text !== '').join('; ');
  return new LastgoodError('PREFLIGHT_FAILED', `the server lacks the storage engine of a table: ${why}`, {
    hint: 'Install the plugin with that engine where the server is to be, and run again.',
  });
}

function withoutKey(why: string): LastgoodError {
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `a table of the backup is encrypted, and the server has no key for it: ${why}`,
    {
      hint: 'Give a server that has the keys of the source: `lastgood restore TARGET --server FILE`.',
    },
  );
}
