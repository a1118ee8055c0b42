import { EVENT, EVENT_HEADER_BYTES } from '../../binlog/event-type.ts';
import { isStandalone, parseGtidEvent } from '../../binlog/gtid-event.ts';
import type { Gtid } from '../../binlog/gtid.ts';
import { alterPhase } from '../../binlog/group-phase.ts';
import type { LoggedEvent } from './logged-events.ts';

/** What the first event of a group says of the whole. */
export interface OpenGroup {
  readonly start: number;
  readonly gtid: Gtid | null;
  /** How it begins on the target; null when its next event says that. */
  readonly begin: string | null;
  /** True for a half of a two-phase ALTER that changes nothing: the announcement, and the one that takes it back. */
  readonly idle: boolean;
}

/** No statement of BEGIN: in sql_mode ORACLE that begins a block. */
export const BEGIN = 'START TRANSACTION';

/** Reads it from any event that a group can begin with. */
export function openGroup(event: LoggedEvent): OpenGroup {
  const { offset: start, type, bodyEnd } = event;
  const isGtid = type === EVENT.MARIADB_GTID || type === EVENT.GTID || type === EVENT.GTID_TAGGED;
  const gtid = isGtid ? parseGtidEvent(event, bodyEnd) : null;
  if (gtid?.flavor !== 'mariadb') return { start, gtid, begin: null, idle: false };
  const phase = alterPhase(event, bodyEnd, gtid);
  const idle = phase !== undefined && phase.step !== 'commit';
  if (isStandalone(event)) return { start, gtid, begin: null, idle };
  const xid = preparedXid(event);
  return { start, gtid, begin: xid === null ? BEGIN : `XA START ${xid}`, idle };
}

/** Sequence 8, domain 4. */
const FLAGS_AT = EVENT_HEADER_BYTES + 12;
const GROUP_COMMIT_ID = 2;
const PREPARED_XA = 64;

/**
 * The XA transaction that a MariaDB GTID event begins: format 4, lengths 1 and 1, the two parts of the id, behind the flags.
 * Source: MariaDB 10.11 sql/log_event.cc, Gtid_log_event.
 */
function preparedXid({ buffer, at, bodyEnd }: LoggedEvent): string | null {
  const flags = buffer.readUInt8(at + FLAGS_AT);
  if ((flags & PREPARED_XA) === 0) return null;
  const from = at + FLAGS_AT + 1 + ((flags & GROUP_COMMIT_ID) === 0 ? 0 : 8);
  if (from + 6 > bodyEnd) return null;
  const format = buffer.readUInt32LE(from);
  const globalEnd = from + 6 + buffer.readUInt8(from + 4);
  const end = globalEnd + buffer.readUInt8(from + 5);
  if (end > bodyEnd) return null;
  return `X'${buffer.toString('hex', from + 6, globalEnd)}',X'${buffer.toString('hex', globalEnd, end)}',${format}`;
}
