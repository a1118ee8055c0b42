import { packedNumber } from '../../binlog/table-map.ts';
import { COLUMN_TYPE as T, INTEGER_BITS, isCharacter, isNumeric } from './column-type.ts';
import type { MappedColumn, MappedTable } from './mapped-table.ts';
import type { ColumnDefinition, TableDefinition } from './table-definition.ts';

/**
 * Fields of a TABLE_MAP event behind its null bits, written with binlog_row_metadata.
 * Source: MySQL 9 libs/mysql/binlog/event/rows_event.h, Optional_metadata_field_type.
 */
export const FIELD = {
  SIGNEDNESS: 1,
  DEFAULT_CHARSET: 2,
  COLUMN_CHARSET: 3,
  COLUMN_NAME: 4,
  SET_VALUES: 5,
  ENUM_VALUES: 6,
  PRIMARY_KEY: 8,
  PRIMARY_KEY_PREFIX: 9,
} as const;

const BINARY_COLLATION = 63;

/** The definition that the server wrote beside the rows; null unless binlog_row_metadata is FULL. */
export function definitionOfLog(table: MappedTable): TableDefinition | null {
  const fields = readFields(table.optional);
  const names = listTexts(fields.get(FIELD.COLUMN_NAME));
  if (fields.size === 0 || names.length !== table.columns.length) return null;
  const unsigned = signedness(table, fields.get(FIELD.SIGNEDNESS));
  const charsets = charsetsOf(table, fields);
  const values = valuesOf(table, fields);
  const columns = table.columns.map((column, index): ColumnDefinition => {
    const type = typeText(column, { unsigned: unsigned.has(index), values: values.get(index) ?? [] });
    return { name: names[index] ?? '', type, charset: charsets.get(index) ?? null, generated: null };
  });
  const primaryKey = primaryKeyOf(fields).map((index) => names[index] ?? '');
  return { source: 'log', from: 'the binary log (binlog_row_metadata=FULL)', columns, primaryKey };
}

function readFields(bytes: Buffer): Map<number, Buffer> {
  const fields = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length;) {
    const length = packedNumber(bytes, at + 1);
    fields.set(bytes.readUInt8(at), bytes.subarray(length.end, length.end + length.value));
    at = length.end + length.value;
  }
  return fields;
}

function listNumbers(bytes: Buffer = Buffer.alloc(0)): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, end } = packedNumber(bytes, at);
    numbers.push(value);
    at = end;
  }
  return numbers;
}

function listTexts(bytes: Buffer = Buffer.alloc(0)): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const { value, end } = packedNumber(bytes, at);
    texts.push(bytes.toString('utf8', end, end + value));
    at = end + value;
  }
  return texts;
}

function indexes({ columns }: MappedTable, is: (type: number) => boolean): number[] {
  return columns.flatMap(({ type }, index) => (is(type) ? [index] : []));
}

function signedness(table: MappedTable, bits: Buffer = Buffer.alloc(0)): Set<number> {
  const numeric = indexes(table, isNumeric);
  return new Set(numeric.filter((_, at) => ((bits[at >> 3] ?? 0) & (0x80 >> (at % 8))) !== 0));
}

/** One collation for all with exceptions, or one for each. */
function charsetsOf(table: MappedTable, fields: ReadonlyMap<number, Buffer>): Map<number, string | null> {
  const columns = indexes(table, isCharacter);
  const each = listNumbers(fields.get(FIELD.COLUMN_CHARSET));
  const [common, ...exceptions] = listNumbers(fields.get(FIELD.DEFAULT_CHARSET));
  const special = new Map<number, number>();
  for (let at = 0; at + 1 < exceptions.length; at += 2) special.set(exceptions[at] ?? 0, exceptions[at + 1] ?? 0);
  return new Map(
    columns.map((column, at) => [column, charsetOfCollation(each[at] ?? special.get(at) ?? common)] as const),
  );
}

/** Only what changes how values are written: what is neither binary, utf8, latin1 nor ascii is shown as bytes. */
function charsetOfCollation(id: number | undefined): string | null {
  if (id === BINARY_COLLATION) return null;
  const found = CHARSETS.find(([, ranges]) =>
    ranges.some(([low, high]) => id !== undefined && id >= low && id <= high),
  );
  return found?.[0] ?? 'unknown';
}

/** Source: information_schema.COLLATIONS of MariaDB 10.11 and MySQL 5.6; MySQL 8.0 adds those from 248 on. */
const CHARSETS: readonly (readonly [string, readonly (readonly [number, number])[]])[] = [
  [
    'utf8mb4',
    [
      [33, 33],
      [45, 46],
      [76, 76],
      [83, 83],
      [192, 215],
      [223, 247],
      [255, 330],
      [576, 610],
      [2048, 2559],
    ],
  ],
  [
    'latin1',
    [
      [5, 5],
      [8, 8],
      [15, 15],
      [31, 31],
      [47, 49],
      [94, 94],
    ],
  ],
  [
    'ascii',
    [
      [11, 11],
      [65, 65],
    ],
  ],
];

function valuesOf(table: MappedTable, fields: ReadonlyMap<number, Buffer>): Map<number, string[]> {
  const found = new Map<number, string[]>();
  for (const [field, type] of [[FIELD.ENUM_VALUES, T.ENUM] as const, [FIELD.SET_VALUES, T.SET] as const]) {
    const bytes = fields.get(field) ?? Buffer.alloc(0);
    let at = 0;
    for (const column of indexes(table, (own) => own === type)) {
      if (at >= bytes.length) break;
      const count = packedNumber(bytes, at);
      at = count.end;
      const values: string[] = [];
      for (let index = 0; index < count.value; index += 1) {
        const { value, end } = packedNumber(bytes, at);
        values.push(bytes.toString('utf8', end, end + value));
        at = end + value;
      }
      found.set(column, values);
    }
  }
  return found;
}

function primaryKeyOf(fields: ReadonlyMap<number, Buffer>): number[] {
  const prefixed = fields.get(FIELD.PRIMARY_KEY_PREFIX);
  if (prefixed !== undefined) return listNumbers(prefixed).filter((_, at) => at % 2 === 0);
  return listNumbers(fields.get(FIELD.PRIMARY_KEY));
}

function typeText({ type }: MappedColumn, o: { unsigned: boolean; values: readonly string[] }): string {
  const quoted = o.values.map((value) => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`).join(',');
  if (type === T.ENUM) return `enum(${quoted})`;
  if (type === T.SET) return `set(${quoted})`;
  const name = TYPE_NAMES.get(type) ?? 'unknown';
  return o.unsigned && INTEGER_BITS.has(type) ? `${name} unsigned` : name;
}

/** Names that stand for how a value is read; widths and decimals are in the map itself. */
const TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  ...([
    [T.TINY, 'tinyint'],
    [T.SHORT, 'smallint'],
    [T.INT24, 'mediumint'],
    [T.LONG, 'int'],
    [T.LONGLONG, 'bigint'],
  ] as const),
  ...([
    [T.TIMESTAMP, 'timestamp'],
    [T.TIMESTAMP2, 'timestamp'],
  ] as const),
  ...([
    [T.DATETIME, 'datetime'],
    [T.DATETIME2, 'datetime'],
  ] as const),
]);
