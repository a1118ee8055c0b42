import { COLUMN_TYPE as T, INTEGER_BITS } from './column-type.ts';
import type { MappedColumn } from './mapped-table.ts';
import { bytesFormat, textFormat } from './text-format.ts';
import type { ColumnDefinition } from './table-definition.ts';
import { clockFormat, packedTime, timestampFormat } from './time-format.ts';
import { choicesOf } from './choices.ts';
import { jsonFormat } from './json-format.ts';

/** How one column's values, as the row decoder gives them, are written. Values are never null here. */
export interface ColumnFormat {
  /** For people, CSV and JSON; times stand in UTC where the column is a TIMESTAMP. */
  text(value: unknown): string;
  /** A literal that gives the very same value, in a session as `SQL_PREAMBLE` sets it. */
  sql(value: unknown): string;
  /** True when the text is a number. */
  readonly isNumber?: true;
}

/** How the column's values are written; without a definition text may be shown as bytes. */
export function formatOf(column: MappedColumn, definition: ColumnDefinition | null): ColumnFormat {
  const bits = INTEGER_BITS.get(column.type);
  if (bits !== undefined) return integerFormat(bits, definition?.type.includes('unsigned') === true);
  return otherFormat(column, definition);
}

function otherFormat(column: MappedColumn, definition: ColumnDefinition | null): ColumnFormat {
  const { type, size } = column;
  const known = FORMATS.get(type);
  if (known !== undefined) return known;
  if (type === T.TIME2) return clockFormat((value) => packedTime(value as Buffer, size));
  if (type === T.ENUM || type === T.SET) return choiceFormat(type === T.SET, choicesOf(definition?.type ?? ''));
  // Of fixed width are only BINARY and what MariaDB stores like it.
  return definition?.charset === null ? bytesFormat(type === T.STRING ? size : 0) : textFormat(definition?.charset);
}

/** The decoder adds 1900 also to the zero that stands for the year 0000. */
const NO_YEAR = 1900;

function numberFormat(text: (value: unknown) => string): ColumnFormat {
  return { text, sql: text, isNumber: true };
}

/** The decoder gives every integer unsigned, from 2^53 on as text. */
function integerFormat(bits: number, unsigned: boolean): ColumnFormat {
  if (unsigned) return numberFormat(String);
  if (bits === 64) return numberFormat((value) => `${BigInt.asIntN(64, BigInt(value as number | string))}`);
  const half = 2 ** (bits - 1);
  return numberFormat((value) => {
    const number = Number(value);
    return String(number >= half ? number - 2 * half : number);
  });
}

function floatFormat(single: boolean): ColumnFormat {
  return {
    text: (value) => (single ? shortestSingle(value as number) : String(value)),
    sql: (value) => exactFloat(value as number),
    isNumber: true,
  };
}

/** With an exponent it is a float literal, whose digits here are enough to come back to the same bits. */
function exactFloat(value: number): string {
  if (Object.is(value, -0)) return '-0e0';
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
}

/** The fewest digits that a FLOAT cannot be confused by; nine always are enough. */
function shortestSingle(value: number): string {
  for (let digits = 6; digits < 9; digits += 1) {
    const text = Number(value.toPrecision(digits));
    if (Math.fround(text) === value) return String(text);
  }
  return String(Number(value.toPrecision(9)));
}

/** Written as numbers: an ENUM's place in its list, a SET's bits, whatever the values are called. */
function choiceFormat(several: boolean, names: readonly string[]): ColumnFormat {
  const number = (value: unknown): bigint =>
    BigInt(
      `0x${Buffer.from(value as Buffer)
        .reverse()
        .toString('hex')}`,
    );
  const name = (place: number): string => names[place - 1] ?? `#${place}`;
  const one = (value: unknown): string => (number(value) === 0n ? '' : name(Number(number(value))));
  const all = (value: unknown): string => {
    const digits = Array.from(number(value).toString(2)).reverse();
    return digits.flatMap((bit, place) => (bit === '1' ? [name(place + 1)] : [])).join(',');
  };
  return { text: several ? all : one, sql: (value) => String(number(value)) };
}

/** Types whose values need no more than themselves. */
const FORMATS: ReadonlyMap<number, ColumnFormat> = new Map([
  [T.FLOAT, floatFormat(true)],
  [T.DOUBLE, floatFormat(false)],
  [T.NEWDECIMAL, numberFormat(String)],
  [T.YEAR, clockFormat((value) => (value === NO_YEAR ? '0000' : String(value)))],
  [T.TIMESTAMP, timestampFormat],
  [T.TIMESTAMP2, timestampFormat],
  [T.DATE, clockFormat(String)],
  [T.DATETIME, clockFormat(String)],
  [T.DATETIME2, clockFormat(String)],
  [T.TIME, clockFormat((value) => packedTime(value as Buffer, null))],
  [T.BIT, numberFormat((value) => String(BigInt(`0x${(value as Buffer).toString('hex')}`)))],
  [T.JSON, jsonFormat],
  [T.GEOMETRY, bytesFormat(0)],
  [T.VECTOR, bytesFormat(0)],
]);
