import type { ColumnSize } from './column-size.ts';
import type { ImageLayout, RowShape } from './row-layout.ts';

/** The rows of one event: `bytes[from, to)`. */
export interface RowRange {
  bytes: Buffer;
  from: number;
  to: number;
}

/** `exact`: the bytes end with the last row; otherwise there are at least so many. */
export interface RowCount {
  rows: number;
  exact: boolean;
}

/** What an unreadable image gives instead of its end. */
const BROKEN = -1;

/** New images with partial JSON begin with a number of options. Source: MySQL 9 sql/rpl_record.cc, start_partial_bits_reader. */
export const PARTIAL_JSON_OPTION = 1;

/** Counts rows by walking over them: one pass, nothing is made or copied for a row. */
export function countRows(shape: RowShape, range: RowRange, count: RowCount): void {
  const { before, after, partialBytes } = shape;
  const { bytes, to } = range;
  let at = range.from;
  let rows = 0;
  while (at < to) {
    const start = at;
    at = skipImage(before, bytes, at, to);
    if (after !== null && at !== BROKEN) {
      if (partialBytes >= 0) at = skipOptions(partialBytes, bytes, at, to);
      at = skipImage(after, bytes, at, to);
    }
    if (at === BROKEN || at > to || at === start) break;
    rows += 1;
  }
  count.rows = rows;
  count.exact = at === to;
}

// The parts of an image are passed one by one: an object for each image is what this file is there to avoid.
function skipImage(layout: ImageLayout, bytes: Buffer, from: number, to: number): number {
  const { nullBytes } = layout;
  const at = from + nullBytes;
  if (from < 0 || at > to) return BROKEN;
  if (nullBytes === 0) return at;
  let nulls = (bytes[at - 1] as number) & layout.lastNullMask;
  for (let index = from; index < at - 1; index += 1) nulls |= bytes[index] as number;
  return nulls === 0 ? skipFull(layout, bytes, at, to) : skipWithNulls(layout, bytes, at, to);
}

function skipFull({ gaps, prefixes, tail }: ImageLayout, bytes: Buffer, from: number, to: number): number {
  let at = from;
  for (let index = 0; index < prefixes.length; index += 1) {
    at += gaps[index] as number;
    const prefix = prefixes[index] as number;
    if (at + prefix > to) return BROKEN;
    at += prefix + (prefix === 1 ? (bytes[at] as number) : lengthAt(bytes, at, prefix));
  }
  return at + tail;
}

function skipWithNulls({ columns, nullBytes }: ImageLayout, bytes: Buffer, from: number, to: number): number {
  const nulls = from - nullBytes;
  let at = from;
  for (let index = 0; index < columns.length; index += 1) {
    if (((bytes[nulls + (index >> 3)] as number) & (1 << (index & 7))) !== 0) continue;
    const { fixed, prefix } = columns[index] as ColumnSize;
    if (at + prefix > to) return BROKEN;
    at += fixed + prefix + (prefix === 0 ? 0 : lengthAt(bytes, at, prefix));
  }
  return at;
}

/** A little-endian number of up to four bytes. */
export function lengthAt(bytes: Buffer, at: number, size: number): number {
  let length = 0;
  for (let index = size - 1; index >= 0; index -= 1) length = length * 256 + (bytes[at + index] as number);
  return length;
}

function skipOptions(partialBytes: number, bytes: Buffer, at: number, to: number): number {
  if (at >= to) return BROKEN;
  const options = bytes[at] as number;
  if (options > PARTIAL_JSON_OPTION) return BROKEN;
  return at + 1 + (options === PARTIAL_JSON_OPTION ? partialBytes : 0);
}
