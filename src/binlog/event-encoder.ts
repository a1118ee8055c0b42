import { crc32 } from 'node:zlib';
import { CHECKSUM_BYTES } from './checksum.ts';
import { EVENT_HEADER_BYTES } from './event-type.ts';

/** What an event's header says of it; its length follows from the body. */
export interface EventHeader {
  readonly type: number;
  readonly serverId: number;
  /** Where it says that it ends; taken modulo 2^32. */
  readonly endPosition: number;
  readonly flags: number;
  /** Seconds since 1970; 0 when not given, as in events that are made for a stream. */
  readonly time?: number;
}

/** A whole event: header, body and, where the file has them, its CRC32. */
export function encodeEvent(header: EventHeader, body: Buffer, withChecksum: boolean): Buffer {
  const end = EVENT_HEADER_BYTES + body.length;
  const event = Buffer.alloc(end + (withChecksum ? CHECKSUM_BYTES : 0));
  event.writeUInt32LE(header.time ?? 0);
  event[4] = header.type;
  event.writeUInt32LE(header.serverId, 5);
  event.writeUInt32LE(event.length, 9);
  event.writeUInt32LE(header.endPosition >>> 0, 13);
  event.writeUInt16LE(header.flags, 17);
  body.copy(event, EVENT_HEADER_BYTES);
  if (withChecksum) event.writeUInt32LE(crc32(event.subarray(0, end)), end);
  return event;
}
