import { columnSize, JSON_COLUMN, metadataBytes } from './column-size.ts';
import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import { hasBit, RowLayout, type TableColumn } from './row-layout.ts';

/** Table id 6, flags 2. */
const FIXED_BYTES = 8;

/** The table is the parent of foreign keys. Source: MySQL 9 libs/mysql/binlog/event/rows_event.h, TM_REFERRED_FK_DB_F. */
const REFERRED_FLAG = 0x2;

/** What a TABLE_MAP event says of the table that rows events after it change. */
export interface TableMap {
  readonly schema: string;
  readonly table: string;
  /** True when the server says that foreign keys lead to the table; MariaDB never says it. */
  readonly isReferred: boolean;
  /** null when a column has a type whose stored form is not known. */
  readonly layout: RowLayout | null;
  /** The event's own bytes, header and checksum excluded: equal ones say the same. */
  readonly body: Buffer;
}

/** A number that tells one table of a file from another: the low 48 bits of the id that the server counts up. */
export function tableIdOf({ data, at }: EventView): number {
  const body = at + EVENT_HEADER_BYTES;
  return data.getUint32(body, true) + data.getUint16(body + 4, true) * 2 ** 32;
}

/**
 * Reads a TABLE_MAP event; null when its lengths contradict each other.
 * Source: MySQL 9 libs/mysql/binlog/event/rows_event.h, Table_map_event.
 *
 * @param bodyEnd index in the view's buffer just after the body, checksum excluded
 */
export function parseTableMap({ buffer, at }: EventView, bodyEnd: number): TableMap | null {
  const body = Buffer.from(buffer.subarray(at + EVENT_HEADER_BYTES, bodyEnd));
  if (body.length < FIXED_BYTES + 4) return null;
  const schema = nameAt(body, FIXED_BYTES);
  const table = nameAt(body, schema.end);
  const count = packedNumber(body, table.end);
  const types = body.subarray(count.end, count.end + count.value);
  const length = packedNumber(body, count.end + count.value);
  if (types.length < count.value || length.end + length.value > body.length) return null;
  const metadata = body.subarray(length.end, length.end + length.value);
  return {
    schema: schema.name,
    table: table.name,
    isReferred: (body.readUInt16LE(6) & REFERRED_FLAG) !== 0,
    layout: layoutOf({ types, metadata, nullable: body.subarray(length.end + length.value) }),
    body,
  };
}

/** One byte of length, the name, a zero. */
function nameAt(body: Buffer, at: number): { name: string; end: number } {
  const end = at + 1 + (body[at] ?? 0);
  return { name: body.toString('utf8', at + 1, end), end: end + 1 };
}

/** One byte below 251, or 252 and two bytes, or 253 and three: no table and no event has more. */
export function packedNumber(bytes: Buffer, at: number): { value: number; end: number } {
  const first = bytes[at] ?? 0;
  const size = first < 251 ? 0 : first - 250;
  if (size === 0) return { value: first, end: at + 1 };
  if (first > 253 || at + 1 + size > bytes.length) return { value: Infinity, end: at + 1 };
  return { value: bytes.readUIntLE(at + 1, size), end: at + 1 + size };
}

function layoutOf(o: { types: Buffer; metadata: Buffer; nullable: Buffer }): RowLayout | null {
  const { types, metadata, nullable } = o;
  if (nullable.length < (types.length + 7) >> 3) return null;
  const columns: TableColumn[] = [];
  let at = 0;
  for (const [index, type] of types.entries()) {
    const bytes = metadataBytes(type);
    if (at + bytes > metadata.length) return null;
    const size = columnSize(type, bytes === 0 ? 0 : metadata.readUIntLE(at, bytes));
    if (size === null) return null;
    columns.push({ ...size, nullable: hasBit(nullable, index) });
    at += bytes;
  }
  return new RowLayout(columns, types.filter((type) => type === JSON_COLUMN).length);
}
