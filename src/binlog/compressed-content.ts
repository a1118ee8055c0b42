import { constants, inflateSync } from 'node:zlib';

/** Unless told otherwise: one event could take a gigabyte of memory, because deflate packs 1000 to 1. */
const MAX_INFLATED_BYTES = 16 * 1024 * 1024;
const PACKED_HEAD_BYTES = 16 * 1024;

/** What an event holds, or only its first bytes. */
export interface Content {
  readonly bytes: Buffer;
  readonly truncated: boolean;
}

/** 0x80, the algorithm (0 is zlib) times 16, and the count of length bytes. */
const ALWAYS_BITS = 0xf8;
const ZLIB_MARK = 0x80;

/**
 * Inflates what MariaDB's log_bin_compress packed: a mark, the plain length (big-endian), a zlib stream.
 * Source: MariaDB 10.11 sql/log_event.cc, binlog_buf_compress and binlog_get_uncompress_len.
 *
 * @param limit bytes; of longer content only the head is inflated
 * @returns null when it is damaged
 */
export function inflateContent({ bytes: packed, truncated }: Content, limit = MAX_INFLATED_BYTES): Content | null {
  const mark = packed[0] ?? 0;
  const lengthBytes = mark & 7;
  if ((mark & ALWAYS_BITS) !== ZLIB_MARK || lengthBytes < 1 || lengthBytes > 4) return null;
  if (packed.length <= 1 + lengthBytes) return null;
  const length = packed.readUIntBE(1, lengthBytes);
  const stream = packed.subarray(1 + lengthBytes);
  const cut = truncated || length > limit;
  try {
    const bytes = inflateSync(cut ? stream.subarray(0, PACKED_HEAD_BYTES) : stream, {
      finishFlush: constants.Z_SYNC_FLUSH, // a stream that is cut gives what it holds
      maxOutputLength: Math.max(length, 1),
    });
    return cut || bytes.length === length ? { bytes, truncated: cut } : null;
  } catch {
    return null; // damaged: the caller reports it with the event's offset
  }
}
