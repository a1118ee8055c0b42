import { compress } from 'zstd-napi';
import { EVENT } from '../../src/binlog/event-type.ts';
import { encodeEvent, type RawEvent } from './binlog-builder.ts';

/** How a TRANSACTION_PAYLOAD event is written; what is left out is as a server writes it. */
export interface PayloadOptions {
  readonly compression?: 'zstd' | 'none' | number;
  /** The events' bytes are cut into so many frames. */
  readonly frames?: number;
  /** What the event says of its sizes, when that is not true; null: it does not say. */
  readonly payloadBytes?: number;
  readonly plainBytes?: number | null;
  /** Put between the fields, as a later server may. */
  readonly unknownField?: boolean;
}

const NUMBERS = { zstd: 0, none: 255 } as const;

/** The events as MySQL with binlog_transaction_compression=ON writes them: one event that holds all. */
export function transactionPayload(events: readonly RawEvent[], options: PayloadOptions = {}): RawEvent {
  return payloadOf(innerBytes(events), options);
}

/** The events one after the other, as they stand in a payload: without checksums, and with no place. */
export function innerBytes(events: readonly RawEvent[]): Buffer {
  return Buffer.concat(events.map((event) => encodeEvent(event, { time: 1, checksum: 'none' })));
}

/** Any bytes as a payload. */
export function payloadOf(plain: Buffer, options: PayloadOptions = {}): RawEvent {
  const { compression = 'zstd', frames = 1, plainBytes = plain.length } = options;
  const payload = compression === 'zstd' ? inFrames(plain, frames) : plain;
  return storedPayload(payload, { ...options, compression, plainBytes });
}

/** A payload whose stored bytes are given. */
export function storedPayload(payload: Buffer, options: PayloadOptions): RawEvent {
  const { compression = 'zstd', payloadBytes = payload.length, plainBytes = null } = options;
  const fields = [
    field(2, packedNumber(typeof compression === 'number' ? compression : NUMBERS[compression])),
    plainBytes === null ? Buffer.alloc(0) : field(3, packedNumber(plainBytes)),
    options.unknownField === true ? field(77, Buffer.from('something new')) : Buffer.alloc(0),
    field(1, packedNumber(payloadBytes)),
    packedNumber(0),
  ];
  return { type: EVENT.TRANSACTION_PAYLOAD, body: Buffer.concat([...fields, payload]) };
}

function inFrames(plain: Buffer, frames: number): Buffer {
  const size = Math.max(1, Math.ceil(plain.length / frames));
  const pieces = Array.from({ length: frames }, (_, index) => plain.subarray(index * size, (index + 1) * size));
  return Buffer.concat(pieces.map((piece) => compress(piece)));
}

function field(type: number, value: Buffer): Buffer {
  return Buffer.concat([packedNumber(type), packedNumber(value.length), value]);
}

/** The protocol's length-encoded number. */
function packedNumber(value: number): Buffer {
  if (value < 251) return Buffer.from([value]);
  const wide = Buffer.alloc(9);
  wide.writeBigUInt64LE(BigInt(value), 1);
  const [mark, bytes] = value < 2 ** 16 ? [252, 2] : value < 2 ** 24 ? [253, 3] : [254, 8];
  wide.writeUInt8(mark);
  return wide.subarray(0, 1 + bytes);
}
