import { crc32 } from 'node:zlib';
import { BINLOG_MAGIC, EVENT, EVENT_HEADER_BYTES } from '../../src/binlog/event-type.ts';

/** The events of a file as byte strings, for taking apart and putting together again. */
export interface RawLog {
  readonly events: readonly Buffer[];
  readonly withChecksums: boolean;
}

const LENGTH_AT = 9;
const END_AT = 13;

/** @param bytes of an undamaged file */
export function takeApart(bytes: Buffer): RawLog {
  const events: Buffer[] = [];
  for (let at = BINLOG_MAGIC.length; at + EVENT_HEADER_BYTES <= bytes.length;) {
    const length = bytes.readUInt32LE(at + LENGTH_AT);
    events.push(Buffer.from(bytes.subarray(at, at + length)));
    at += length;
  }
  const last = events.at(-1);
  return { events, withChecksums: last !== undefined && hasRightChecksum(last) };
}

/** Writes the file anew: lengths, end positions and checksums are right, whatever its events hold. */
export function putTogether({ events, withChecksums }: RawLog): Buffer {
  let at = BINLOG_MAGIC.length;
  const pieces: Buffer[] = [BINLOG_MAGIC];
  for (const original of events) {
    const event = Buffer.from(original);
    at += event.length;
    event.writeUInt32LE(event.length, LENGTH_AT);
    event.writeUInt32LE(at % 2 ** 32, END_AT);
    if (withChecksums || event[4] === EVENT.FORMAT_DESCRIPTION) writeChecksum(event);
    pieces.push(event);
  }
  return Buffer.concat(pieces);
}

/** Index just after the body, checksum excluded. */
export function bodyEnd(event: Buffer, { withChecksums }: RawLog): number {
  return event.length - (withChecksums ? 4 : 0);
}

function writeChecksum(event: Buffer): void {
  if (event.length >= EVENT_HEADER_BYTES + 4) event.writeUInt32LE(crc32(event.subarray(0, -4)), event.length - 4);
}

function hasRightChecksum(event: Buffer): boolean {
  return crc32(event.subarray(0, -4)) === event.readUInt32LE(event.length - 4);
}
