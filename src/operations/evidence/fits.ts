import { hasBit } from '../../binlog/row-layout.ts';
import { COLUMN_TYPE as T } from './column-type.ts';
import type { MappedTable } from './mapped-table.ts';
import { hasSize } from './size-fits.ts';
import type { TableDefinition } from './table-definition.ts';

/** The first words of a type's definition, and what the log may map such a column as. */
const MAPPED_AS: Readonly<Record<string, readonly number[]>> = {
  tinyint: [T.TINY],
  bool: [T.TINY],
  smallint: [T.SHORT],
  mediumint: [T.INT24],
  int: [T.LONG],
  integer: [T.LONG],
  bigint: [T.LONGLONG],
  float: [T.FLOAT],
  double: [T.DOUBLE],
  real: [T.DOUBLE],
  decimal: [T.NEWDECIMAL],
  bit: [T.BIT],
  year: [T.YEAR],
  date: [T.DATE],
  time: [T.TIME, T.TIME2],
  datetime: [T.DATETIME, T.DATETIME2],
  timestamp: [T.TIMESTAMP, T.TIMESTAMP2],
  char: [T.STRING],
  binary: [T.STRING],
  uuid: [T.STRING],
  inet4: [T.STRING],
  inet6: [T.STRING],
  varchar: [T.VARCHAR, T.VARCHAR_COMPRESSED],
  varbinary: [T.VARCHAR, T.VARCHAR_COMPRESSED],
  enum: [T.ENUM],
  set: [T.SET],
  json: [T.JSON],
};

const TEXTS = /^(?:tiny|medium|long)?(?:text|blob)/i;
const SHAPES = /^(?:geometry|geometrycollection|geomcollection|(?:multi)?(?:point|linestring|polygon))$/i;

/**
 * Says why a definition cannot be that of the rows; null when it can. The table may have been altered between the two: then its
 * names would stand over the wrong values.
 */
export function misfit({ columns, nullable }: MappedTable, definition: TableDefinition): string | null {
  if (columns.length !== definition.columns.length) {
    return `it has ${definition.columns.length} columns, the rows have ${columns.length}`;
  }
  // What the log itself says is written beside the rows, without lengths.
  const isOfLog = definition.source === 'log';
  for (const [index, own] of definition.columns.entries()) {
    const { name, type } = own;
    const column = columns[index];
    if (column === undefined || !isMappedAs(type, column.type) || !(isOfLog || hasSize(own, column)))
      return `its column ${name} is ${type}, which the rows do not have there`;
    if (own.nullable !== undefined && own.nullable !== hasBit(nullable, index))
      return `its column ${name} ${own.nullable ? 'may' : 'cannot'} be NULL, unlike what the rows have there`;
  }
  return null;
}

function isMappedAs(definition: string, type: number): boolean {
  const word = /^[a-z0-9]+/i.exec(definition)?.[0].toLowerCase() ?? '';
  if (definition === 'unknown') return true;
  if (TEXTS.test(word))
    return [T.BLOB, T.BLOB_COMPRESSED, T.TINY_BLOB, T.MEDIUM_BLOB, T.LONG_BLOB].some((blob) => blob === type);
  if (SHAPES.test(word)) return type === T.GEOMETRY;
  return MAPPED_AS[word]?.includes(type) ?? true;
}
