import { crc32, deflateSync } from 'node:zlib';
import { BINLOG_MAGIC, EVENT, EVENT_FLAG, EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';
import type { GroupEnding } from '../../src/binlog/group.ts';

/** One event without its header: what differs from type to type. */
export interface RawEvent {
  readonly type: number;
  readonly body: Buffer;
  readonly flags?: number;
}

/** A group as the builder knows it, without having read a byte. */
export interface BuiltGroup {
  readonly start: number;
  readonly end: number;
  readonly gtid: string | null;
  readonly time: number;
  readonly serverId: number;
  readonly threadId: number | null;
  readonly events: number;
  readonly ending: GroupEnding;
}

/** Where an event stands, [start, end) in bytes of the file. */
export interface BuiltEvent {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export interface BinlogOptions {
  readonly version?: string;
  readonly checksum?: 'crc32' | 'none';
  readonly serverId?: number;
  /** Of the first event, seconds since 1970; each group is a second later. */
  readonly time?: number;
  /** The flag that a server clears when it closes the file. */
  readonly inUse?: boolean;
  /** A replica's own copy: its end positions count in the primary's file. */
  readonly relayLog?: boolean;
  /** Added to end positions, as if so many bytes stood before. */
  readonly positionsFrom?: number;
  /** false: no FORMAT_DESCRIPTION is written. */
  readonly format?: boolean;
}

const MARIADB = '10.11.19-MariaDB-log';
export const MYSQL = '8.0.36';
/** Without checksums and GTIDs. */
export const MYSQL_55 = '5.5.62-log';
export const THREAD = 7;
const TEN_O_CLOCK = Date.UTC(2026, 10, 22, 10) / 1000;

/** How many event types a server knows: its FORMAT_DESCRIPTION has a byte for each. Read off real files. */
const KNOWN_TYPES: readonly (readonly [RegExp, number])[] = [
  [/mariadb/i, 171],
  [/^5\.[15]\./, 27],
  [/^5\.6\./, 35],
  [/^5\.7\./, 38],
  [/^/, 42],
];

/** Writes a binary log file as a server would, and keeps what a reader should find in it. */
export class BinlogBuilder {
  readonly events: BuiltEvent[] = [];
  readonly groups: BuiltGroup[] = [];
  /** Offsets at which no group is open, ascending: where a file may be cut. */
  readonly boundaries: number[] = [0];
  readonly version: string;
  readonly checksum: 'crc32' | 'none';
  readonly serverId: number;
  time: number;
  readonly #pieces: Buffer[] = [];
  readonly #positionsFrom: number;
  #size = 0;

  constructor(options: BinlogOptions = {}) {
    this.version = options.version ?? MARIADB;
    this.checksum = options.checksum ?? 'crc32';
    this.serverId = options.serverId ?? 101;
    this.time = options.time ?? TEN_O_CLOCK;
    this.#positionsFrom = options.positionsFrom ?? (options.relayLog === true ? 4711 : 0);
    if (options.format === false) return;
    this.#push(BINLOG_MAGIC);
    this.between(formatDescription(this.version, this.checksum), {
      flags:
        (options.inUse === true ? EVENT_FLAG.BINLOG_IN_USE : 0) |
        (options.relayLog === true ? EVENT_FLAG.RELAY_LOG : 0),
    });
  }

  get size(): number {
    return this.#size;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Adds an event that is in no group: after it the file may be cut. */
  between(event: RawEvent, { flags = 0 } = {}): this {
    this.#add({ ...event, flags: (event.flags ?? 0) | flags });
    this.boundaries.push(this.#size);
    return this;
  }

  /** Adds the events of one group. `gtid`, `threadId` and `ending` are what a reader should say of it. */
  group(
    events: readonly RawEvent[],
    is: { gtid?: string | null; threadId?: number | null; ending: GroupEnding },
  ): this {
    this.time += 1;
    const start = this.#size;
    for (const event of events) this.#add(event);
    const { gtid = null, threadId = THREAD, ending } = is;
    this.groups.push({
      start,
      end: this.#size,
      gtid,
      threadId,
      ending,
      time: this.time,
      serverId: this.serverId,
      events: events.length,
    });
    this.boundaries.push(this.#size);
    return this;
  }

  /** Adds events of a group that does not end. */
  unfinished(events: readonly RawEvent[]): this {
    for (const event of events) this.#add(event);
    return this;
  }

  /** The last offset at or before `cut` at which no group is open. */
  boundaryBefore(cut: number): number {
    return this.boundaries.findLast((offset) => offset <= cut) ?? 0;
  }

  /** Where the event starts that holds this byte; 0 for the magic number. */
  eventAt(offset: number): BuiltEvent {
    const found = this.events.find(({ start, end }) => start <= offset && offset < end);
    return found ?? { type: 0, start: 0, end: BINLOG_MAGIC.length };
  }

  #add(event: RawEvent): void {
    const start = this.#size;
    const { time, serverId, checksum } = this;
    this.#push(encodeEvent(event, { time, serverId, checksum, position: this.#positionsFrom + start }));
    this.events.push({ type: event.type, start, end: this.#size });
  }

  #push(bytes: Buffer): void {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
  }
}

/** A whole event: header, body and, where the file has them, its CRC. */
export function encodeEvent(
  { type, body, flags = 0 }: RawEvent,
  o: {
    time: number;
    serverId?: number;
    checksum: 'crc32' | 'none';
    /** Where it says that it stands; without it, it says that it ends at 0, as events do that are made for a stream. */
    position?: number;
  },
): Buffer {
  const isFormat = type === EVENT.FORMAT_DESCRIPTION;
  // A FORMAT_DESCRIPTION brings room for its own CRC, whatever the algorithm.
  const ownChecksum = isFormat && body.length > NO_CHECKSUM_FORMAT_BYTES;
  const length = EVENT_HEADER_BYTES + body.length + (o.checksum === 'crc32' && !isFormat ? 4 : 0);
  const event = Buffer.alloc(length);
  event.writeUInt32LE(o.time, 0);
  event.writeUInt8(type, 4);
  event.writeUInt32LE(o.serverId ?? 101, 5);
  event.writeUInt32LE(length, 9);
  event.writeUInt32LE(o.position === undefined ? 0 : (o.position + length) % 2 ** 32, 13);
  event.writeUInt16LE(flags & ~EVENT_FLAG.BINLOG_IN_USE, 17);
  body.copy(event, EVENT_HEADER_BYTES);
  if (ownChecksum || (o.checksum === 'crc32' && !isFormat))
    event.writeUInt32LE(crc32(event.subarray(0, -4)), length - 4);
  event.writeUInt16LE(flags, 17);
  return event;
}

/** Fixed part and 27 event types. */
const NO_CHECKSUM_FORMAT_BYTES = 57 + 27;

export function formatDescription(version: string, checksum: 'crc32' | 'none'): RawEvent {
  const types = KNOWN_TYPES.find(([pattern]) => pattern.test(version))?.[1] ?? 0;
  const aware = types > 27;
  const body = Buffer.alloc(57 + types + (aware ? 5 : 0));
  body.writeUInt16LE(4, 0);
  body.write(version, 2, 'latin1');
  body.writeUInt8(EVENT_HEADER_BYTES, 56);
  if (aware) body.writeUInt8(checksum === 'crc32' ? 1 : 0, 57 + types);
  return { type: EVENT.FORMAT_DESCRIPTION, body };
}

export interface QueryParts {
  readonly schema?: string;
  readonly threadId?: number;
  readonly errorCode?: number;
  /** Status variables, as bytes. */
  readonly variables?: Buffer;
}

export function query(text: string | Buffer, parts: QueryParts = {}): RawEvent {
  return { type: EVENT.QUERY, body: queryBody(typeof text === 'string' ? Buffer.from(text) : text, parts) };
}

/** MariaDB's log_bin_compress: one byte with the count of length bytes, the length, a zlib stream. */
export function compressedQuery(text: string | Buffer, parts: QueryParts = {}): RawEvent {
  const plain = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(plain.length);
  const packed = Buffer.concat([Buffer.from([0x80 | 4]), length, deflateSync(plain)]);
  return { type: EVENT.QUERY_COMPRESSED, body: queryBody(packed, parts) };
}

function queryBody(text: Buffer, { schema = 'shop', threadId = THREAD, errorCode = 0, variables }: QueryParts): Buffer {
  const status = variables ?? Buffer.alloc(0);
  const name = Buffer.from(schema);
  const head = Buffer.alloc(13);
  head.writeUInt32LE(threadId, 0);
  head.writeUInt8(name.length, 8);
  head.writeUInt16LE(errorCode, 9);
  head.writeUInt16LE(status.length, 11);
  return Buffer.concat([head, status, name, Buffer.from([0]), text]);
}

/** @param options.transactional false: it changed a table that knows no transactions */
export function mariadbGtid(gtid: string, { standalone = false, flags = 0, transactional = true } = {}): RawEvent {
  const [domain = 0, , sequence = 0] = gtid.split('-').map(Number);
  const body = Buffer.alloc(19);
  body.writeBigUInt64LE(BigInt(sequence), 0);
  body.writeUInt32LE(domain, 8);
  body.writeUInt8((standalone ? 1 : transactional ? 4 : 0) | flags, 12);
  return { type: EVENT.MARIADB_GTID, body };
}

const ALTER_FLAGS = { start: 2, commit: 4, rollback: 8 } as const;

/**
 * Begins a half of a two-phase ALTER.
 *
 * @param first sequence number of the first half, in the second one
 * @param groupCommit MariaDB writes the id of a group commit before the flags
 */
export function alterGtid(
  gtid: string,
  half: { step: keyof typeof ALTER_FLAGS; first?: number; groupCommit?: boolean },
): RawEvent {
  const { step, first, groupCommit = false } = half;
  const { type, body } = mariadbGtid(gtid, { standalone: true, flags: 0x28 | (groupCommit ? 2 : 0) });
  const tail = Buffer.alloc(9);
  tail.writeUInt8(ALTER_FLAGS[step]);
  tail.writeBigUInt64LE(BigInt(first ?? 0), 1);
  const head = Buffer.concat([body.subarray(0, 13), Buffer.alloc(groupCommit ? 8 : 0, 0x5a)]);
  return {
    type,
    body: Buffer.concat([head, step === 'start' ? Buffer.concat([tail.subarray(0, 1), Buffer.alloc(5)]) : tail]),
  };
}

/** @param position `0-1-5,1-1-7`; '' is none */
export function gtidList(position: string): RawEvent {
  const gtids = position === '' ? [] : position.split(',');
  const body = Buffer.alloc(4 + 16 * gtids.length);
  body.writeUInt32LE(gtids.length, 0);
  gtids.forEach((gtid, index) => {
    const [domain = 0, server = 0, sequence = 0] = gtid.split('-').map(Number);
    body.writeUInt32LE(domain, 4 + 16 * index);
    body.writeUInt32LE(server, 8 + 16 * index);
    body.writeBigUInt64LE(BigInt(sequence), 12 + 16 * index);
  });
  return { type: EVENT.GTID_LIST, body };
}

export function mysqlGtid(gtid: string): RawEvent {
  const [uuid = '', number = '0'] = gtid.split(':');
  const body = Buffer.alloc(42);
  uuidBytes(uuid).copy(body, 1);
  body.writeBigUInt64LE(BigInt(number), 17);
  return { type: EVENT.GTID, body };
}

export const ANONYMOUS: RawEvent = { type: EVENT.ANONYMOUS_GTID, body: Buffer.alloc(42) };

/** Intervals `[first, end)` of one uuid. */
export interface UuidIntervals {
  readonly uuid: string;
  readonly intervals: readonly (readonly [first: number, end: number])[];
}

/** The untagged format. */
export function previousGtids(sets: readonly UuidIntervals[]): RawEvent {
  const count = Buffer.alloc(8);
  count.writeUInt32LE(sets.length);
  const parts = sets.map(({ uuid, intervals }) => {
    const numbers = [BigInt(intervals.length), ...intervals.flat().map(BigInt)];
    const bytes = Buffer.alloc(8 * numbers.length);
    numbers.forEach((number, index) => bytes.writeBigUInt64LE(number, 8 * index));
    return Buffer.concat([uuidBytes(uuid), bytes]);
  });
  return { type: EVENT.PREVIOUS_GTIDS, body: Buffer.concat([count, ...parts]), flags: EVENT_FLAG.IGNORABLE };
}

function uuidBytes(uuid: string): Buffer {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex');
}

export function annotateRows(text: string): RawEvent {
  return { type: EVENT.ANNOTATE_ROWS, body: Buffer.from(text) };
}

export function tableMap(schema: string, table: string): RawEvent {
  const head = Buffer.from([18, 0, 0, 0, 0, 0, 1, 0]);
  const body = Buffer.concat([head, pascalString(schema), pascalString(table), Buffer.from([1, 3, 0, 1])]);
  return { type: EVENT.TABLE_MAP, body };
}

function pascalString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes, Buffer.from([0])]);
}

const WRITE_ROWS_V1 = 23;

/** Rows of so many bytes; what is in them is of no meaning here. */
export function writeRows(rowBytes: number | Buffer): RawEvent {
  const rows = typeof rowBytes === 'number' ? Buffer.alloc(rowBytes, 0x5a) : rowBytes;
  return { type: WRITE_ROWS_V1, body: Buffer.concat([Buffer.from([18, 0, 0, 0, 0, 0, 1, 0, 1, 1]), rows]) };
}

export function xid(number = 1): RawEvent {
  const body = Buffer.alloc(8);
  body.writeUInt32LE(number);
  return { type: EVENT.XID, body };
}

export function intvar(value: number): RawEvent {
  const body = Buffer.alloc(9);
  body.writeUInt8(2);
  body.writeUInt32LE(value, 1);
  return { type: EVENT.INTVAR, body };
}

/** @param onePhase how MySQL logs XA COMMIT ... ONE PHASE */
export function xaPrepare(name: string, { onePhase = false } = {}): RawEvent {
  const head = Buffer.alloc(13);
  head.writeUInt8(onePhase ? 1 : 0);
  head.writeUInt32LE(1, 1);
  head.writeUInt32LE(name.length, 5);
  return { type: EVENT.XA_PREPARE, body: Buffer.concat([head, Buffer.from(name)]) };
}

export function rotate(file: string, position = 4): RawEvent {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(position));
  return { type: EVENT.ROTATE, body: Buffer.concat([head, Buffer.from(file)]) };
}

export const STOP: RawEvent = { type: EVENT.STOP, body: Buffer.alloc(0) };
export const INCIDENT: RawEvent = { type: EVENT.INCIDENT, body: Buffer.from([1, 0, 4, 0x6c, 0x6f, 0x73, 0x74]) };

export function checkpoint(file: string): RawEvent {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(file.length);
  return { type: EVENT.BINLOG_CHECKPOINT, body: Buffer.concat([length, Buffer.from(file)]) };
}

/** Of a MariaDB file that is encrypted on disk: scheme 1, key version 4, nonce 12. */
export function startEncryption({ inStream }: { inStream: boolean }): RawEvent {
  return {
    type: EVENT.START_ENCRYPTION,
    body: Buffer.alloc(17, 1),
    ...(inStream ? { flags: EVENT_FLAG.IGNORABLE } : {}),
  };
}
