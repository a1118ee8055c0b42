import { COLUMN_TYPE as T, INTEGER_BITS, isNumeric } from './column-type.ts';
import { FIELD } from './definition-of-log.ts';
import { writeLength, type MappedColumn, type MappedTable } from './mapped-table.ts';

/** A type and its metadata, as a TABLE_MAP event writes them. */
interface ServedColumn {
  readonly type: number;
  readonly metadata: readonly number[];
}

const BINARY_COLLATION = 63;
const ALL_UNSIGNED = 0xff;

/**
 * What the row decoder is told of a column: a type with the same bytes in row images whose values it hands over whole. It would
 * cut the hours of a TIME from 100 on, forget a geometry's SRID, fill up a CHAR with zero bytes, and turn text
 * of some character sets into question marks. null: no type will do.
 */
function servedColumn({ type, size, scale }: MappedColumn): ServedColumn | null {
  return INTEGER_BITS.has(type) ? asItIs(type)(size, scale) : (SERVED.get(type)?.(size, scale) ?? null);
}

type Serve = (size: number, scale: number) => ServedColumn;

function asItIs(type: number): Serve {
  return () => ({ type, metadata: [] });
}

function sized(type: number): Serve {
  return (size) => ({ type, metadata: [size] });
}

function long(type: number): Serve {
  return (size) => ({ type, metadata: [size & 0xff, size >> 8] });
}

/** So many bytes as they are. */
function bytes(count: number): ServedColumn {
  return { type: T.BIT, metadata: [0, count] };
}

/** By type; integers are served as they are. */
const SERVED: ReadonlyMap<number, Serve> = new Map([
  ...entries([T.DATE, T.DATETIME, T.TIMESTAMP, T.YEAR], asItIs),
  ...entries([T.FLOAT, T.DOUBLE, T.DATETIME2, T.TIMESTAMP2, T.BLOB_COMPRESSED], sized),
  ...entries([T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB, T.BLOB], () => sized(T.BLOB)),
  ...entries([T.GEOMETRY, T.VECTOR, T.JSON], () => sized(T.BLOB)),
  ...entries([T.VARCHAR, T.STRING], () => long(T.VARCHAR)),
  ...entries([T.ENUM, T.SET], () => bytes),
  ...entries([T.VARCHAR_COMPRESSED], long),
  ...entries([T.NEWDECIMAL], (type) => (size, scale) => ({ type, metadata: [size, scale] })),
  ...entries([T.BIT], (type) => (size) => ({ type, metadata: [size % 8, size >> 3] })),
  ...entries([T.TIME], () => () => bytes(3)),
  ...entries([T.TIME2], () => (size) => bytes(3 + Math.ceil(size / 2))),
]);

function entries(types: readonly number[], serve: (type: number) => Serve): [number, Serve][] {
  return types.map((type) => [type, serve(type)]);
}

/** The body of the TABLE_MAP event that the row decoder gets; its columns are called '0', '1', ... null: a column has no type for it. */
export function servedTableMap(table: MappedTable): Buffer | null {
  const columns: ServedColumn[] = [];
  for (const column of table.columns) {
    const served = servedColumn(column);
    if (served === null) return null;
    columns.push(served);
  }
  const metadata = Buffer.from(columns.flatMap((column) => column.metadata));
  return Buffer.concat([
    table.head,
    Buffer.from(columns.map(({ type }) => type)),
    writeLength(metadata.length),
    metadata,
    table.nullable,
    ...optionalFields(columns),
  ]);
}

/** Numbers unsigned, text binary, names known: then the decoder asks no server for the table's definition. */
function optionalFields(columns: readonly ServedColumn[]): Buffer[] {
  const numeric = columns.filter(({ type }) => isNumeric(type)).length;
  const names = columns.map((_, index) => Buffer.from(String(index)));
  return [
    field(FIELD.SIGNEDNESS, Buffer.alloc(Math.ceil(numeric / 8), ALL_UNSIGNED)),
    field(FIELD.DEFAULT_CHARSET, writeLength(BINARY_COLLATION)),
    field(FIELD.COLUMN_NAME, Buffer.concat(names.flatMap((name) => [writeLength(name.length), name]))),
  ];
}

function field(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type]), writeLength(value.length), value]);
}
