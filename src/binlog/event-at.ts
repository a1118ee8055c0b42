import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { ByteSource } from './read-binlog.ts';

const POSITIONS = 2 ** 32;

/** True when an event of a file begins where `source` stands, at the offset `from`. */
export async function hasEventAt(source: ByteSource, from: number): Promise<boolean> {
  const head = await readBytes(source, EVENT_HEADER_BYTES);
  return head !== null && saysItsEnd(head, from);
}

/** Every event says where it ends; those inside a transaction of MariaDB 11.4 say 0, and are no place to begin. */
export function saysItsEnd(head: Buffer, from: number): boolean {
  const length = head.readUInt32LE(9);
  return length >= EVENT_HEADER_BYTES && head.readUInt32LE(13) === (from + length) % POSITIONS;
}

/** The next bytes of the source; null when there are not so many. */
export async function readBytes(source: ByteSource, length: number): Promise<Buffer | null> {
  const bytes = Buffer.alloc(length);
  for (let filled = 0; filled < length;) {
    const read = await source.read(bytes, filled);
    if (read === 0) return null;
    filled += read;
  }
  return bytes;
}
