import { EVENT, EVENT_FLAG } from './event-type.ts';
import type { EventView } from './event-view.ts';

/** What an event does to the open group; 0: it is inside one and ends nothing. */
export const ROLE = {
  INSIDE: 0,
  GTID: 1,
  QUERY: 2,
  COMMIT: 3,
  PREPARE: 4,
  BETWEEN: 6,
  INCIDENT: 7,
  PAYLOAD: 8,
  /** Inside, and says which rows change. */
  ROWS: 9,
  COMPRESSED_ROWS: 10,
  /** May say which rows change, in a way that nobody here can read. */
  UNKNOWN: 11,
} as const;

/** By event type: one look-up for each of millions of events. */
export const ROLES = new Uint8Array(256);
const assign = (role: number, ...types: readonly number[]): void => {
  for (const type of types) ROLES[type] = role;
};
assign(ROLE.GTID, EVENT.MARIADB_GTID, EVENT.GTID, EVENT.GTID_TAGGED, EVENT.ANONYMOUS_GTID);
assign(ROLE.QUERY, EVENT.QUERY, EVENT.QUERY_COMPRESSED, EVENT.EXECUTE_LOAD_QUERY);
assign(ROLE.COMMIT, EVENT.XID);
assign(ROLE.PAYLOAD, EVENT.TRANSACTION_PAYLOAD);
assign(ROLE.ROWS, EVENT.TABLE_MAP, EVENT.ANNOTATE_ROWS, EVENT.ROWS_QUERY, 23, 24, 25, 30, 31, 32, 39);
assign(ROLE.COMPRESSED_ROWS, 166, 167, 168, 169, 170, 171);
assign(ROLE.PREPARE, EVENT.XA_PREPARE);
assign(ROLE.BETWEEN, EVENT.FORMAT_DESCRIPTION, EVENT.ROTATE, EVENT.STOP, EVENT.PREVIOUS_GTIDS, EVENT.GTID_LIST);
assign(ROLE.BETWEEN, EVENT.BINLOG_CHECKPOINT, EVENT.START_ENCRYPTION, EVENT.HEARTBEAT, EVENT.HEARTBEAT_V2);
assign(ROLE.INCIDENT, EVENT.INCIDENT);

/** By event type, 1 for none. */
export const NO_TYPES = new Uint8Array(256);

/**
 * What stands inside groups: what comes before a statement, the parts of LOAD DATA, rows. A type that is not known is
 * none of them: some servers write events of their own, which belong to no transaction.
 */
export const INSIDERS: ReadonlySet<number> = new Set([
  ...[EVENT.INTVAR, EVENT.RAND, EVENT.USER_VAR, EVENT.TABLE_MAP, EVENT.ANNOTATE_ROWS, EVENT.ROWS_QUERY],
  ...[6, 8, EVENT.APPEND_BLOCK, 10, EVENT.DELETE_FILE, 12, EVENT.BEGIN_LOAD_QUERY],
  ...[20, 21, 22, 23, 24, 25, 30, 31, 32, 39],
  ...[36, 37], // group replication
  ...[166, 167, 168, 169, 170, 171, 172], // MariaDB: compressed and partial rows
]);

/** Rows of MySQL 5.1 before its release, and the pieces that MariaDB 12.3 cuts large ones into. */
const UNREAD_ROWS: ReadonlySet<number> = new Set([20, 21, 22, 172]);
/** With which Aurora fills its files up, inside groups too. */
const PADDING = 100;
for (const [type, role] of ROLES.entries())
  if (role === ROLE.INSIDE && type !== PADDING && (UNREAD_ROWS.has(type) || !INSIDERS.has(type)))
    ROLES[type] = ROLE.UNKNOWN;

/** Without a GTID or BEGIN before them, these still end with a COMMIT or XID. */
export const ROWS_OPENERS: ReadonlySet<number> = new Set([EVENT.TABLE_MAP, EVENT.ANNOTATE_ROWS, EVENT.ROWS_QUERY]);

/** True for what a reader that does not know its type may pass over. */
export function isIgnorable({ flags }: Pick<EventView, 'flags'>): boolean {
  return (flags & EVENT_FLAG.IGNORABLE) !== 0;
}

/** What is said of an event whose type is not known: what it did in its group, nobody can say. */
export function notKnown(type: number): string {
  return `an event of type ${type} inside a transaction group cannot be read`;
}
