import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { MariadbGtid } from './mariadb-gtid.ts';

/**
 * What a group is in something that takes two groups, with others between them, maybe in another file: a prepared XA
 * transaction, or an ALTER that is announced when it begins. The first half takes effect, or not, with the second one.
 */
export interface GroupPhase {
  readonly step: 'begun' | 'commit' | 'rollback';
  /** The same in both halves: `XA X'616263',X'',1` as XA statements name it, or `ALTER 0-26`: domain and sequence of the first half. */
  readonly key: string;
}

/** Source: MariaDB 10.11 and 11.8 sql/log_event.h, Gtid_log_event: flags2 and flags_extra, in this order in the event. */
const FL_GROUP_COMMIT_ID = 2;
const FL_XA = 64 | 128;
const EXTRA_MULTI_ENGINE = 1;
const EXTRA_START_ALTER = 2;
const EXTRA_COMMIT_ALTER = 4;
const EXTRA_ROLLBACK_ALTER = 8;
/** From MariaDB 11.5 on. */
const EXTRA_THREAD_ID = 16;
const FLAGS2_AT = 12;

/** What a MariaDB GTID event, which was parsed before, says of its group beside the GTID. */
export function gtidExtras(
  view: EventView,
  bodyEnd: number,
  gtid: MariadbGtid,
): { readonly phase: GroupPhase | undefined; readonly threadId: number | null } {
  const at = extraFlagsAt(view, bodyEnd);
  if (at >= bodyEnd || view.data.getUint8(at) === 0) return NO_EXTRAS; // as of nearly all groups before 11.5
  return { phase: alterPhase(view, bodyEnd, gtid), threadId: gtidThread(view, bodyEnd) };
}

const NO_EXTRAS = { phase: undefined, threadId: null };

/** The half of a two-phase ALTER that a MariaDB GTID event begins; undefined for all others. The event was parsed before. */
export function alterPhase(
  view: EventView,
  bodyEnd: number,
  { domain, sequence }: MariadbGtid,
): GroupPhase | undefined {
  const { data } = view;
  const at = extraFlagsAt(view, bodyEnd);
  const extra = at < bodyEnd ? data.getUint8(at) : 0;
  if ((extra & (EXTRA_START_ALTER | EXTRA_COMMIT_ALTER | EXTRA_ROLLBACK_ALTER)) === 0) return undefined;
  if ((extra & EXTRA_START_ALTER) !== 0) return { step: 'begun', key: `ALTER ${domain}-${sequence}` };
  const firstAt = at + 1 + ((extra & EXTRA_MULTI_ENGINE) === 0 ? 0 : 1);
  if (firstAt + 8 > bodyEnd) return undefined;
  const first = data.getBigUint64(firstAt, true);
  return { step: (extra & EXTRA_COMMIT_ALTER) === 0 ? 'rollback' : 'commit', key: `ALTER ${domain}-${first}` };
}

/** The connection that the event names; null when it names none. */
function gtidThread(view: EventView, bodyEnd: number): number | null {
  const { data } = view;
  const flagsAt = extraFlagsAt(view, bodyEnd);
  const extra = flagsAt < bodyEnd ? data.getUint8(flagsAt) : 0;
  if ((extra & EXTRA_THREAD_ID) === 0) return null;
  const engines = (extra & EXTRA_MULTI_ENGINE) === 0 ? 0 : 1;
  const firstHalf = (extra & (EXTRA_COMMIT_ALTER | EXTRA_ROLLBACK_ALTER)) === 0 ? 0 : 8;
  const at = flagsAt + 1 + engines + firstHalf;
  return at + 4 > bodyEnd ? null : data.getUint32(at, true) || null;
}

/** Where the flags stand that say what else the event has: behind a commit id of 8 bytes, and an XA id: format 4, lengths 1 and 1, parts. */
function extraFlagsAt({ data, at: event }: EventView, bodyEnd: number): number {
  const flagsAt = event + EVENT_HEADER_BYTES + FLAGS2_AT;
  const flags = data.getUint8(flagsAt);
  const at = flagsAt + 1 + ((flags & FL_GROUP_COMMIT_ID) === 0 ? 0 : 8);
  if ((flags & FL_XA) === 0 || at + 6 > bodyEnd) return at;
  return at + 6 + data.getUint8(at + 4) + data.getUint8(at + 5);
}

/** Both parts of an XA id have at most so many bytes. Source: MySQL 8.4 sql/xa.h, MAXGTRIDSIZE and MAXBQUALSIZE. */
const MAX_XID_PART_BYTES = 64;

/** True for the XA_PREPARE event that is an `XA COMMIT ... ONE PHASE`. Source: MySQL 8.4 sql/log_event.cc, XA_prepare_log_event. */
export function isOnePhase({ data, at }: EventView, bodyEnd: number): boolean {
  const body = at + EVENT_HEADER_BYTES;
  return body < bodyEnd && data.getUint8(body) !== 0;
}

/**
 * The half that an XA_PREPARE event ends: one phase 1, format 4, lengths 4 and 4, the two parts of the id.
 * Source: MySQL 8.4 libs/mysql/binlog/event/control_events.h, XA_prepare_event; the same bytes seen on MariaDB 10.11.19.
 *
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 */
export function preparedPhase({ buffer, data, at }: EventView, bodyEnd: number): GroupPhase | undefined {
  const body = at + EVENT_HEADER_BYTES;
  const idAt = body + 13;
  if (idAt > bodyEnd) return undefined;
  const [format, global, branch] = [1, 5, 9].map((offset) => data.getUint32(body + offset, true)) as [
    number,
    number,
    number,
  ];
  const end = idAt + global + branch;
  if (global > MAX_XID_PART_BYTES || branch > MAX_XID_PART_BYTES || end > bodyEnd) return undefined;
  const hex = (from: number, to: number): string => buffer.toString('hex', from, to);
  return { step: 'begun', key: xaKey(hex(idAt, idAt + global), hex(idAt + global, end), String(format)) };
}

/** Servers write the ids themselves, in hexadecimal, however the client gave them. Seen on MariaDB 10.11.19. */
const XA_ENDING = /^XA\s+(COMMIT|ROLLBACK)\s+X'([\da-f]*)',\s*X'([\da-f]*)',\s*(\d+)/i;
/** The longest there is: two words, two parts in hexadecimal, a number. */
const XA_ENDING_BYTES = 320;
const LETTER_X = 0x78;

/** The half that a statement of its own is: `XA COMMIT` or `XA ROLLBACK` of a prepared transaction; undefined for all others. */
export function xaEndingPhase(text: Buffer): GroupPhase | undefined {
  if (((text[0] ?? 0) | 0x20) !== LETTER_X) return undefined;
  const [, word, global = '', branch = '', format = ''] =
    XA_ENDING.exec(text.toString('latin1', 0, XA_ENDING_BYTES)) ?? [];
  if (word === undefined) return undefined;
  return { step: word.toUpperCase() === 'COMMIT' ? 'commit' : 'rollback', key: xaKey(global, branch, format) };
}

function xaKey(global: string, branch: string, format: string): string {
  return `XA X'${global.toLowerCase()}',X'${branch.toLowerCase()}',${format}`;
}
