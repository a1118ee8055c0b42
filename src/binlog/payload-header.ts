/** How a TRANSACTION_PAYLOAD event holds its events. */
export interface PayloadHeader {
  /** Index just after the fields: where the payload begins. */
  readonly end: number;
  readonly compression: 'zstd' | 'none';
  /** Of the payload, as it is stored. */
  readonly payloadBytes: number;
  /** Of the events in it; null where it does not say. */
  readonly plainBytes: number | null;
}

/** Source: MySQL 9 libs/mysql/binlog/event/codecs/binary.h, Transaction_payload::fields. */
const FIELD = { END: 0, PAYLOAD_BYTES: 1, COMPRESSION: 2, PLAIN_BYTES: 3 } as const;

/** Source: MySQL 9 libs/mysql/binlog/event/compression/base.h, enum type. */
const COMPRESSIONS: Readonly<Record<number, PayloadHeader['compression']>> = { 0: 'zstd', 255: 'none' };

/**
 * Reads the fields before the payload in `buffer[at, end)`: type, length, value each, all as the protocol's
 * length-encoded numbers; unknown fields are passed over, as a server does.
 * @returns what is wrong with them, when something is
 */
export function parsePayloadHeader(buffer: Buffer, at: number, end: number): PayloadHeader | string {
  const numbers = new NumberReader(buffer, at, end);
  const fields = new Map<number, number>();
  for (let type = numbers.next(); type !== FIELD.END; type = numbers.next()) {
    const next = numbers.next() + numbers.at;
    fields.set(type, numbers.next());
    if (numbers.overrun || next > end) return 'its fields are cut off';
    numbers.at = next;
  }
  const payloadBytes = fields.get(FIELD.PAYLOAD_BYTES);
  const algorithm = fields.get(FIELD.COMPRESSION);
  if (payloadBytes === undefined || algorithm === undefined || numbers.overrun) return 'its fields are cut off';
  const compression = COMPRESSIONS[algorithm];
  if (compression === undefined) return `compression ${algorithm} is not known`;
  return { end: numbers.at, compression, payloadBytes, plainBytes: fields.get(FIELD.PLAIN_BYTES) ?? null };
}

/** Bytes behind a first byte of this value. Source: MySQL 9 mysys/pack.cc, net_field_length_ll. */
const WIDTHS: Readonly<Record<number, number>> = { 252: 2, 253: 3, 254: 8 };
const LARGEST_SINGLE = 250;

class NumberReader {
  at: number;
  overrun = false;
  readonly #buffer: Buffer;
  readonly #end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.#buffer = buffer;
    this.at = at;
    this.#end = end;
  }

  /** 0 behind the end. Exact up to 2^53. */
  next(): number {
    const first = this.at < this.#end ? this.#buffer.readUInt8(this.at) : Infinity;
    const width = first <= LARGEST_SINGLE ? 0 : WIDTHS[first];
    if (width === undefined || this.at + 1 + width > this.#end) {
      this.overrun = true;
      return 0;
    }
    const value = this.at + 1;
    this.at = value + width;
    if (width === 0) return first;
    if (width < 8) return this.#buffer.readUIntLE(value, width);
    return Number(this.#buffer.readBigUInt64LE(value));
  }
}
