import type { Flavor } from '../../binlog/gtid.ts';
import type { StatementError } from '../../server/statement-results.ts';

/** Words for one and the same. Source: MariaDB 10.11 sql/log_event_server.cc, test_if_equal_repl_errors. */
const DUPLICATE = new Set([1022, 1062, 1467, 1586]);
/** Lock wait, deadlock, and one in an XA transaction: what waited on the source need not wait here. */
const CONCURRENCY = new Set([1205, 1213, 1614]);
/**
 * The statement was killed half done, or its connection or server ended: how much of it was done nobody knows.
 * Source: MariaDB 10.11 sql/log_event_server.cc, check_expected_error and unexpected_error_code.
 */
const BROKEN_OFF = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1184, 1317, 1927]);

/** A statement is to fail as on the source, or not; null when it does. @returns what is not as it should be */
export function judge(expected: number, error: StatementError | null): string | null {
  const actual = error?.errno ?? 0;
  if (actual === expected || (DUPLICATE.has(actual) && DUPLICATE.has(expected))) return null;
  if (actual === 0 && CONCURRENCY.has(expected)) return null;
  if (error === null) return `on its source it failed with error ${expected}, here it did not`;
  return expected === 0 ? says(error) : `${says(error)}; on its source it failed with error ${expected}`;
}

/** True for the error of a statement that its source broke off: executing it would do more than was done there. */
export function isBrokenOff(expected: number): boolean {
  return BROKEN_OFF.has(expected);
}

const NO_SUCH_TABLE = 1051;
const BRANCH_ROLLED_BACK = 1402;

/**
 * True when an applier passes over the error, or would not have it. MariaDB logs a DROP TABLE of tables that are partly missing as if it
 * had not failed; the others are dropped. An XA transaction that changed nothing is prepared, and logged, as any other, but gone
 * once the session that prepared it is. Source: MariaDB manual, "slave_ddl_exec_mode"; both seen on 10.11.19.
 */
export function isHarmless(flavor: Flavor, text: Buffer, { errno }: StatementError): boolean {
  const harmless = HARMLESS.get(errno);
  return flavor === 'mariadb' && harmless?.test(text.toString('latin1', 0, 64)) === true;
}

const HARMLESS = new Map([
  [NO_SUCH_TABLE, /^\s*DROP\s+(?:TEMPORARY\s+)?TABLES?\b/i],
  [BRANCH_ROLLED_BACK, /^\s*XA\s+(?:COMMIT|ROLLBACK)\b/i],
]);

const PARSE_ERROR = 1064;

/** A parser repeats the statement from where it stopped: a password may stand there. */
function says({ errno, message }: StatementError): string {
  return `error ${errno}: ${errno === PARSE_ERROR ? message.replace(/ near '.*$/s, '') : message}`;
}
