/**
 * Column types by their numbers in a TABLE_MAP event.
 * Source: MySQL 9 include/field_types.h and MariaDB 10.11 include/mysql_com.h, enum_field_types.
 */
export const COLUMN_TYPE = {
  TINY: 1,
  SHORT: 2,
  LONG: 3,
  FLOAT: 4,
  DOUBLE: 5,
  TIMESTAMP: 7,
  LONGLONG: 8,
  INT24: 9,
  DATE: 10,
  TIME: 11,
  DATETIME: 12,
  YEAR: 13,
  VARCHAR: 15,
  BIT: 16,
  TIMESTAMP2: 17,
  DATETIME2: 18,
  TIME2: 19,
  BLOB_COMPRESSED: 140,
  VARCHAR_COMPRESSED: 141,
  VECTOR: 242,
  JSON: 245,
  NEWDECIMAL: 246,
  ENUM: 247,
  SET: 248,
  TINY_BLOB: 249,
  MEDIUM_BLOB: 250,
  LONG_BLOB: 251,
  BLOB: 252,
  VAR_STRING: 253,
  STRING: 254,
  GEOMETRY: 255,
} as const;

const T = COLUMN_TYPE;

/** Integers and how many bits they have. */
export const INTEGER_BITS: ReadonlyMap<number, number> = new Map([
  [T.TINY, 8],
  [T.SHORT, 16],
  [T.INT24, 24],
  [T.LONG, 32],
  [T.LONGLONG, 64],
]);

/** What the SIGNEDNESS field has a bit for. Source: MySQL 9 sql/log_event.cc, is_numeric_type. */
const NUMERIC: ReadonlySet<number> = new Set([...INTEGER_BITS.keys(), T.FLOAT, T.DOUBLE, T.NEWDECIMAL, T.YEAR]);

/** What the charset fields have an entry for. Source: MySQL 9 sql/log_event.cc, is_character_type. */
const CHARACTER: ReadonlySet<number> = new Set([
  ...[T.STRING, T.VAR_STRING, T.VARCHAR, T.VARCHAR_COMPRESSED, T.BLOB_COMPRESSED],
  ...[T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB, T.BLOB],
]);

export function isNumeric(type: number): boolean {
  return NUMERIC.has(type);
}

export function isCharacter(type: number): boolean {
  return CHARACTER.has(type);
}
