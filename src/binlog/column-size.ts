/**
 * How a column's value is stored in a row image: always `fixed` bytes, or behind a length of `prefix` bytes
 * (little-endian). One of the two is 0.
 */
export interface ColumnSize {
  readonly fixed: number;
  readonly prefix: number;
}

/** The column type that PARTIAL_UPDATE_ROWS events may store as a list of changes. */
export const JSON_COLUMN = 245;

/**
 * Bytes of metadata that a TABLE_MAP event has for a column type.
 * Source: MariaDB 10.11 sql/rpl_utility_server.cc and sql/field.h, save_field_metadata; MySQL 9 sql/rpl_utility.cc.
 */
export function metadataBytes(type: number): number {
  return COLUMNS[type]?.metadata ?? 0;
}

/** How values of a type with this metadata (low byte first) are stored; null for a type that is not known. */
export function columnSize(type: number, metadata: number): ColumnSize | null {
  return COLUMNS[type]?.size(metadata) ?? null;
}

interface ColumnType {
  readonly metadata: number;
  size(metadata: number): ColumnSize | null;
}

const fixed = (bytes: number): ColumnSize => ({ fixed: bytes, prefix: 0 });
const behindLength = (prefix: number): ColumnSize => ({ fixed: 0, prefix });

/** A type without metadata. */
const plain = (bytes: number): ColumnType => ({ metadata: 0, size: () => fixed(bytes) });

/** Its metadata is the value's own size. */
const sized: ColumnType = { metadata: 1, size: (bytes) => fixed(bytes) };

/** Its metadata is the size of its length. */
const blob: ColumnType = { metadata: 1, size: (prefix) => (prefix >= 1 && prefix <= 4 ? behindLength(prefix) : null) };

/** Its metadata is the most bytes it can have, which tell the size of its length. */
const varchar: ColumnType = { metadata: 2, size: (longest) => behindLength(longest > 255 ? 2 : 1) };

/** With so many bytes for whole seconds; its metadata is the count of decimals. */
const fractional = (bytes: number): ColumnType => ({
  metadata: 1,
  size: (decimals) => fixed(bytes + Math.ceil(decimals / 2)),
});

/** ENUM and SET as such: the second byte is their size. */
const choice: ColumnType = { metadata: 2, size: (metadata) => fixed(metadata >> 8) };

const ENUM = 247;
const SET = 248;

/**
 * By type number. Types that stand in no file (NULL, the TINY, MEDIUM and LONG BLOBs, DECIMAL of MySQL 4) are left out, or
 * are as their family is.
 * Source: MySQL 9 include/field_types.h; libs/mysql/binlog/event/binary_log_funcs.cpp, max_display_length_for_field and
 * calc_field_size; MariaDB 10.11 sql/log_event.cc, calc_field_event_length.
 */
const COLUMNS: Readonly<Record<number, ColumnType>> = {
  1: plain(1), // TINYINT
  2: plain(2), // SMALLINT
  3: plain(4), // INT
  4: sized, // FLOAT
  5: sized, // DOUBLE
  7: plain(4), // TIMESTAMP before 5.6
  8: plain(8), // BIGINT
  9: plain(3), // MEDIUMINT
  10: plain(3), // DATE
  11: plain(3), // TIME before 5.6
  12: plain(8), // DATETIME before 5.6
  13: plain(1), // YEAR
  14: plain(3), // DATE
  15: varchar,
  16: { metadata: 2, size: (metadata) => fixed((metadata >> 8) + ((metadata & 255) === 0 ? 0 : 1)) }, // BIT
  17: fractional(4), // TIMESTAMP
  18: fractional(5), // DATETIME
  19: fractional(3), // TIME
  140: blob, // MariaDB: BLOB COMPRESSED
  141: varchar, // MariaDB: VARCHAR COMPRESSED
  242: blob, // MySQL: VECTOR
  [JSON_COLUMN]: blob,
  246: { metadata: 2, size: (metadata) => fixed(decimalBytes(metadata & 255, metadata >> 8)) },
  [ENUM]: choice,
  [SET]: choice,
  249: blob,
  250: blob,
  251: blob,
  252: blob,
  253: varchar,
  254: { metadata: 2, size: stringSize }, // CHAR, BINARY, ENUM, SET, MariaDB's UUID and INET6
  255: blob, // GEOMETRY
};

/**
 * The first byte is the real type; of a CHAR longer than 255 bytes, two of its bits hold the length's high bits, inverted.
 * Source: MySQL 9 sql/field.cc, Field_string::do_save_field_metadata.
 */
function stringSize(metadata: number): ColumnSize {
  const type = metadata & 255;
  const low = metadata >> 8;
  if (type === ENUM || type === SET) return fixed(low);
  const length = (type & 0x30) === 0x30 ? low : low | (((type & 0x30) ^ 0x30) << 4);
  return behindLength(length > 255 ? 2 : 1);
}

/** Nine digits take four bytes; the digits left over take these. Source: strings/decimal.c, dig2bytes. */
const BYTES_OF_DIGITS = [0, 1, 1, 2, 2, 3, 3, 4, 4, 4];

function decimalBytes(precision: number, scale: number): number {
  return digitBytes(precision - scale) + digitBytes(scale);
}

function digitBytes(digits: number): number {
  const rest = Math.max(0, digits);
  return 4 * Math.floor(rest / 9) + (BYTES_OF_DIGITS[rest % 9] ?? 0);
}
