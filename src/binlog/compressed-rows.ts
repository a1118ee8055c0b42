import { inflateContent } from './compressed-content.ts';
import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';

/** Event types of MariaDB with log_bin_compress. Source: MariaDB 10.11 sql/log_event.h, WRITE_ROWS_COMPRESSED_EVENT_V1. */
const FIRST = 166;
const FIRST_OF_VERSION_2 = 169;

/** What {@link FIRST} and {@link FIRST_OF_VERSION_2} are when they are not compressed. */
const PLAIN_FIRST = 23;
const PLAIN_FIRST_OF_VERSION_2 = 30;

/** Table id 6, flags 2. */
const FIXED_BYTES = 8;

/**
 * A rows event of MariaDB's log_bin_compress, types 166 to 171, as its source would have written it without, but for the checksum.
 * Where only its first rows are known, `available` is less than `length`.
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 * @param limit bytes of rows; see `inflateContent`
 * @returns null when it is damaged
 */
export function plainRows(view: EventView, bodyEnd: number, limit?: number): EventView | null {
  const rowsAt = findRows(view, bodyEnd);
  if (rowsAt === null) return null;
  const packed = { bytes: view.buffer.subarray(rowsAt, bodyEnd), truncated: view.available < view.length };
  const content = inflateContent(packed, limit);
  if (content === null) return null;
  const buffer = Buffer.concat([view.buffer.subarray(view.at, rowsAt), content.bytes]);
  const type =
    view.type < FIRST_OF_VERSION_2
      ? view.type - FIRST + PLAIN_FIRST
      : view.type - FIRST_OF_VERSION_2 + PLAIN_FIRST_OF_VERSION_2;
  return {
    ...view,
    buffer,
    data: new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
    at: 0,
    type,
    available: buffer.length,
    length: buffer.length + (content.truncated ? 1 : 0),
  };
}

/** Before its rows: extra data in version 2, the count of columns, a bitmap of them, of an UPDATE another one. */
function findRows({ buffer, at, type }: EventView, bodyEnd: number): number | null {
  let next = at + EVENT_HEADER_BYTES + FIXED_BYTES;
  if (type >= FIRST_OF_VERSION_2) {
    if (next + 2 > bodyEnd) return null;
    next += buffer.readUInt16LE(next);
  }
  if (next + 3 > bodyEnd) return null;
  const first = buffer.readUInt8(next);
  const columns = first < LONG_COUNT ? first : buffer.readUInt16LE(next + 1);
  const bitmaps = (type - FIRST) % 3 === UPDATE ? 2 : 1;
  next += (first < LONG_COUNT ? 1 : 3) + bitmaps * Math.ceil(columns / 8);
  return first > LONG_COUNT || next >= bodyEnd ? null : next;
}

/** A table has at most 4096 columns: two bytes follow. */
const LONG_COUNT = 252;
const UPDATE = 1;
