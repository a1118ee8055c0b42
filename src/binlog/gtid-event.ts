import { EVENT, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { Gtid } from './gtid.ts';
import { GtidPosition, type MariadbGtid } from './mariadb-gtid.ts';
import { GtidSet, type MysqlGtid } from './mysql-gtid.ts';

const TWO_POW_32 = 0x100000000;

/** MariaDB: the group is this event and one statement. Source: MariaDB 10.11 sql/log_event.h, Gtid_log_event::FL_STANDALONE. */
const FL_STANDALONE = 1;
/** Same place, FL_TRANSACTIONAL: what the group changed can be rolled back. */
const FL_TRANSACTIONAL = 4;

/**
 * Reads a GTID event of any kind; null when it is damaged. As with all functions here, the result may be wrong, and
 * nothing is thrown, whatever the bytes are.
 *
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 */
export function parseGtidEvent(view: EventView, bodyEnd: number): Gtid | null {
  if (view.type === EVENT.MARIADB_GTID) return parseMariadbGtidEvent(view, bodyEnd);
  return view.type === EVENT.GTID_TAGGED ? parseTaggedGtidEvent(view, bodyEnd) : parseMysqlGtidEvent(view, bodyEnd);
}

/** sequence 8, domain 4, flags 1. The server id is the header's. */
function parseMariadbGtidEvent(view: EventView, bodyEnd: number): MariadbGtid | null {
  const body = view.at + EVENT_HEADER_BYTES;
  if (body + 13 > bodyEnd) return null;
  const { data, serverId } = view;
  return {
    flavor: 'mariadb',
    domain: data.getUint32(body + 8, true),
    server: serverId,
    sequence: readUint64(data, body),
  };
}

/** True when a MariaDB GTID event, which was parsed before, is for one statement alone. */
export function isStandalone({ data, at }: EventView): boolean {
  return (data.getUint8(at + EVENT_HEADER_BYTES + 12) & FL_STANDALONE) !== 0;
}

/** True when a MariaDB GTID event, which was parsed before, says that no table without transactions was changed. */
export function isTransactional({ data, at }: EventView): boolean {
  return (data.getUint8(at + EVENT_HEADER_BYTES + 12) & FL_TRANSACTIONAL) !== 0;
}

/** Reads a MariaDB GTID_LIST: count 4 (its high four bits are flags), then domain 4, server 4, sequence 8 each. */
export function parseGtidList(view: EventView, bodyEnd: number): GtidPosition | null {
  const { data } = view;
  const position = new GtidPosition();
  let at = view.at + EVENT_HEADER_BYTES;
  if (at + 4 > bodyEnd) return null;
  let count = data.getUint32(at, true) & 0x0fffffff;
  at += 4;
  if (at + 16 * count > bodyEnd) return null;
  for (; count > 0; at += 16, count -= 1) {
    const domain = data.getUint32(at, true);
    const server = data.getUint32(at + 4, true);
    position.add({ flavor: 'mariadb', domain, server, sequence: readUint64(data, at + 8) });
  }
  return position;
}

/** flags 1, uuid 16, number 8. */
function parseMysqlGtidEvent(view: EventView, bodyEnd: number): MysqlGtid | null {
  const body = view.at + EVENT_HEADER_BYTES;
  if (body + 25 > bodyEnd) return null;
  const uuid = formatUuid(view.buffer.subarray(body + 1, body + 17));
  return { flavor: 'mysql', uuid, tag: '', number: readUint64(view.data, body + 17) };
}

/**
 * The tagged form is a message of numbered fields, 0 flags, 1 uuid (16 numbers), 2 number, 3 tag.
 * Source: MySQL 9 libs/mysql/binlog/event/control_events.h, Gtid_event::define_fields; libs/mysql/serialization.
 */
function parseTaggedGtidEvent(view: EventView, bodyEnd: number): MysqlGtid | null {
  const reader = new VarlenReader(view.buffer, view.at + EVENT_HEADER_BYTES, bodyEnd);
  reader.next(); // message version
  reader.next(); // message size
  reader.next(); // last field that may not be ignored
  if (reader.next() !== 0) return null;
  reader.next(); // flags
  if (reader.next() !== 1) return null;
  const uuid = formatUuid(Buffer.from(Array.from({ length: 16 }, () => reader.next())));
  if (reader.next() !== 2) return null;
  const zigzag = reader.next();
  if (reader.next() !== 3) return null;
  const tag = reader.text(reader.next());
  return reader.overrun ? null : { flavor: 'mysql', uuid, tag, number: zigzag / 2 };
}

/** Reads a PREVIOUS_GTIDS event: a set, as `parseGtidSet` has it. */
export function parsePreviousGtids(view: EventView, bodyEnd: number): GtidSet | null {
  return parseGtidSet(view, view.at + EVENT_HEADER_BYTES, bodyEnd);
}

/**
 * Reads a set as servers exchange it: count 8, then uuid 16, (tagged format: tag), interval count 8, intervals of first 8
 * and end 8. The count's top byte is the format, 1 for tagged, which has the count one byte higher. null when it is damaged.
 * Source: MySQL 9 sql/rpl_gtid_set.cc, decode_nsids_format and add_gtid_encoding.
 */
export function parseGtidSet(
  { data, buffer }: Pick<EventView, 'data' | 'buffer'>,
  from: number,
  bodyEnd: number,
): GtidSet | null {
  const set = new GtidSet();
  let at = from;
  if (at + 8 > bodyEnd) return null;
  const tagged = data.getUint8(at + 7) === 1;
  let count = tagged ? data.getUint32(at + 1, true) : data.getUint32(at, true);
  for (at += 8; count > 0; count -= 1) {
    if (at + 24 > bodyEnd) return null;
    const uuid = formatUuid(buffer.subarray(at, at + 16));
    at += 16;
    const tagBytes = tagged ? data.getUint8(at) >> 1 : 0;
    const tag = tagged ? buffer.toString('latin1', at + 1, at + 1 + tagBytes) : '';
    at += tagged ? 1 + tagBytes : 0;
    if (at + 8 > bodyEnd) return null;
    let intervals = data.getUint32(at, true);
    if (at + 8 + 16 * intervals > bodyEnd) return null;
    for (at += 8; intervals > 0; intervals -= 1, at += 16) {
      set.addInterval({ uuid, tag, first: readUint64(data, at), end: readUint64(data, at + 8) });
    }
  }
  return set;
}

/** Exact up to 2^53. */
function readUint64(data: DataView, at: number): number {
  return data.getUint32(at, true) + data.getUint32(at + 4, true) * TWO_POW_32;
}

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** Numbers of one to nine bytes: as many one-bits at the bottom of the first byte as there are bytes behind it. */
class VarlenReader {
  overrun = false;
  readonly #buffer: Buffer;
  readonly #end: number;
  #at: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.#end = end;
  }

  next(): number {
    const first = this.#at < this.#end ? this.#buffer.readUInt8(this.#at) : 0xff;
    const width = Math.clz32(~first & 0xff) === 32 ? 9 : 32 - Math.clz32(~first & -~first);
    if (this.#at + width > this.#end) {
      this.overrun = true;
      return 0;
    }
    let value = 0n;
    for (let index = width - 1; index >= 0; index -= 1)
      value = (value << 8n) | BigInt(this.#buffer.readUInt8(this.#at + index));
    this.#at += width;
    return Number(width === 9 ? value >> 8n : value >> BigInt(width));
  }

  text(bytes: number): string {
    if (this.#at + bytes > this.#end) this.overrun = true;
    const text = this.#buffer.toString('latin1', this.#at, Math.min(this.#at + bytes, this.#end));
    this.#at += bytes;
    return text;
  }
}
