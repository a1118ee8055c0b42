import { choicesOf } from './choices.ts';
import { COLUMN_TYPE as T } from './column-type.ts';
import type { MappedColumn } from './mapped-table.ts';
import type { ColumnDefinition } from './table-definition.ts';

type Sizes = (definition: ColumnDefinition, column: MappedColumn) => boolean;

/** False when a definition's length, digits or decimals are not those that the log has for the column. */
export function hasSize(definition: ColumnDefinition, column: MappedColumn): boolean {
  return SIZES.get(column.type)?.(definition, column) ?? true;
}

function numbersOf(type: string): number[] {
  const numbers = /^[a-z0-9 ]+\(([\d,]+)\)/i.exec(type)?.[1];
  return numbers?.split(',').map(Number) ?? [];
}

/** Bytes that a character may have; of a character set that is not listed it is not checked. */
const BYTES: Readonly<Record<string, number>> = { latin1: 1, ascii: 1, utf8: 3, utf8mb3: 3, utf8mb4: 4 };

function ofText({ type, charset }: ColumnDefinition, { size }: MappedColumn): boolean {
  const [length] = numbersOf(type);
  const bytes = charset === null ? 1 : BYTES[charset];
  return length === undefined || bytes === undefined || length * bytes === size;
}

function ofDecimal({ type }: ColumnDefinition, column: MappedColumn): boolean {
  const [digits, scale = 0] = numbersOf(type);
  return digits === undefined || (digits === column.size && scale === column.scale);
}

function ofBits({ type }: ColumnDefinition, { size }: MappedColumn): boolean {
  const [bits] = numbersOf(type);
  return bits === undefined || bits === size;
}

function ofTime({ type }: ColumnDefinition, { size }: MappedColumn): boolean {
  return (numbersOf(type)[0] ?? 0) === size;
}

const LENGTH_BYTES: Readonly<Record<string, number>> = { tiny: 1, '': 2, medium: 3, long: 4 };

function ofBlob({ type }: ColumnDefinition, { size }: MappedColumn): boolean {
  const [, prefix] = /^(tiny|medium|long|)(?:text|blob)/i.exec(type) ?? [];
  return prefix === undefined || LENGTH_BYTES[prefix.toLowerCase()] === size;
}

function ofEnum({ type }: ColumnDefinition, { size }: MappedColumn): boolean {
  return (choicesOf(type).length < 256 ? 1 : 2) === size;
}

/** Five to eight bytes are eight. */
function ofSet({ type }: ColumnDefinition, { size }: MappedColumn): boolean {
  const bytes = Math.ceil(choicesOf(type).length / 8);
  return (bytes > 4 ? 8 : bytes) === size;
}

const SIZES: ReadonlyMap<number, Sizes> = new Map<number, Sizes>([
  [T.STRING, ofText],
  [T.VARCHAR, ofText],
  [T.NEWDECIMAL, ofDecimal],
  [T.BIT, ofBits],
  [T.TIME2, ofTime],
  [T.DATETIME2, ofTime],
  [T.TIMESTAMP2, ofTime],
  [T.BLOB, ofBlob],
  [T.ENUM, ofEnum],
  [T.SET, ofSet],
]);
