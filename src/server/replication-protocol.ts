import { crc32 } from 'node:zlib';
import { CHECKSUM_BYTES } from '../binlog/checksum.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import { encodeEvent } from '../binlog/event-encoder.ts';
import { EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from '../binlog/event-type.ts';
import { parseFormatDescription } from '../binlog/format-description.ts';
import { parseGtidSet } from '../binlog/gtid-event.ts';
import type { GtidSet } from '../binlog/mysql-gtid.ts';

/** What a replica's COM_BINLOG_DUMP or COM_BINLOG_DUMP_GTID asks for. */
export interface DumpRequest {
  readonly file: string;
  /** Four bytes wide: the offset modulo 2^32. */
  readonly position: number;
  /** True when the client wants an end of data instead of waiting for more. */
  readonly nonBlocking: boolean;
  /** What a MySQL client with auto-position has already; then file and position mean nothing. null: it asks by these. */
  readonly gtids: GtidSet | null;
}

/**
 * Command bytes. Source: MariaDB 10.11 include/mysql_com.h, enum enum_server_command; COM_BINLOG_DUMP_GTID is of MySQL 5.6.
 */
export const COMMAND = {
  QUIT: 0x01,
  INIT_DB: 0x02,
  QUERY: 0x03,
  PING: 0x0e,
  BINLOG_DUMP: 0x12,
  REGISTER_SLAVE: 0x15,
  BINLOG_DUMP_GTID: 0x1e,
} as const;

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: the replica stops asking and shows our message. */
export const DUMP_ERROR = 1236;

const NON_BLOCK = 0x1;
const FILE_AT = 11;
const GTID_NAME_AT = 11;
const FLAGS_AT = 17;
const CREATED_AT = EVENT_HEADER_BYTES + 52;

/** Parses the payload of COM_BINLOG_DUMP: command 1, position 4, flags 2, server id 4, file name to the end or a zero. */
export function parseDumpRequest(payload: Buffer): DumpRequest {
  const zero = payload.indexOf(0, FILE_AT);
  return {
    position: payload.readUInt32LE(1),
    nonBlocking: (payload.readUInt16LE(5) & NON_BLOCK) !== 0,
    file: payload.toString('utf8', FILE_AT, zero < 0 ? payload.length : zero),
    gtids: null,
  };
}

/**
 * Parses the payload of COM_BINLOG_DUMP_GTID: command 1, flags 2, server id 4, name's length 4, name, position 8, set's
 * length 4, set. null when it contradicts itself.
 */
export function parseGtidDumpRequest(payload: Buffer): DumpRequest | null {
  const nameEnd = payload.length < GTID_NAME_AT ? Infinity : GTID_NAME_AT + payload.readUInt32LE(7);
  if (nameEnd + 12 > payload.length) return null;
  const setEnd = nameEnd + 12 + payload.readUInt32LE(nameEnd + 8);
  if (setEnd > payload.length) return null;
  const data = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const gtids = parseGtidSet({ data, buffer: payload }, nameEnd + 12, setEnd);
  if (gtids === null) return null;
  return {
    file: payload.toString('utf8', GTID_NAME_AT, nameEnd),
    position: Number(payload.readBigUInt64LE(nameEnd) % 2n ** 32n),
    nonBlocking: (payload.readUInt16LE(1) & NON_BLOCK) !== 0,
    gtids,
  };
}

export interface ArtificialEvent {
  readonly serverId: number;
  readonly file: string;
  readonly position: number;
  readonly withChecksum: boolean;
}

/** The ROTATE that stands in no file: it tells a replica which file the next events are from. */
export function artificialRotate({ serverId, file, position, withChecksum }: ArtificialEvent): Buffer {
  const body = Buffer.alloc(8 + Buffer.byteLength(file));
  body.writeBigUInt64LE(BigInt(position));
  body.write(file, 8);
  const header = { type: EVENT.ROTATE, serverId, endPosition: 0, flags: EVENT_FLAG.ARTIFICIAL };
  return encodeEvent(header, body, withChecksum);
}

/** Where a ROTATE sends its reader: position 8, then the name up to the checksum or the end. */
export function parseRotate(event: Buffer, withChecksum: boolean): Coordinates {
  const end = event.length - (withChecksum ? CHECKSUM_BYTES : 0);
  return {
    file: event.toString('utf8', EVENT_HEADER_BYTES + 8, end),
    position: Number(event.readBigUInt64LE(EVENT_HEADER_BYTES)),
  };
}

/** The sign of life on an idle stream. `position` must not be behind what was sent, or the replica gives up. */
export function heartbeat({ serverId, file, position, withChecksum }: ArtificialEvent): Buffer {
  return encodeEvent(
    { type: EVENT.HEARTBEAT, serverId, endPosition: position, flags: 0 },
    Buffer.from(file),
    withChecksum,
  );
}

/**
 * The FORMAT_DESCRIPTION as a server sends it before events from the middle of a file: end position 0, so that it
 * moves no coordinates, and creation time 0, so that the replica drops no temporary tables.
 * Source: MariaDB 10.11 sql/sql_repl.cc, send_format_descriptor_event.
 *
 * @param addedFlags set in the event's header besides its own
 */
export function formatForMiddle(formatEvent: Buffer, addedFlags = 0): Buffer {
  const event = Buffer.from(formatEvent);
  clearInUse(event, 0);
  event.writeUInt16LE(event.readUInt16LE(FLAGS_AT) | addedFlags, FLAGS_AT);
  event.writeUInt32LE(0, 13);
  event.writeUInt32LE(0, CREATED_AT);
  const end = event.length - CHECKSUM_BYTES;
  if (parseFormatDescription(event)?.checksumAware === true) event.writeUInt32LE(crc32(event.subarray(0, end)), end);
  return event;
}

/** A server never sends the flag that its file is open; it is not part of the event's checksum. */
export function clearInUse(buffer: Buffer, at: number): void {
  buffer.writeUInt16LE(buffer.readUInt16LE(at + FLAGS_AT) & ~EVENT_FLAG.BINLOG_IN_USE, at + FLAGS_AT);
}
