import { lengthAt } from './count-rows.ts';
import type { RowsEvent } from './group.ts';
import { hasBit, type RowLayout, type TableColumn } from './row-layout.ts';
import { ROWS_KINDS } from './rows-head.ts';
import { packedNumber } from './table-map.ts';

/** The image does not have the column. */
export const ABSENT = -2;
/** The column is NULL. */
export const NULL = -1;

/** Table id 6, flags 2. */
const FIXED_BYTES = 8;
/** Here and above, a list of extra data stands before the columns. */
const FIRST_OF_VERSION_2 = 30;
/** Its new images may hold changes of values in the place of values. */
const PARTIAL_UPDATE = 39;

/** Where the values of some columns lie in one row image; read again and again into the same object. */
export class ImageReader {
  /** By the wanted columns' order; `ABSENT`, `NULL`, or where the value begins. */
  readonly from: number[];
  readonly to: number[];
  readonly #wanted: readonly number[];
  #present: Buffer = Buffer.alloc(0);
  #columns: readonly (TableColumn & { readonly slot: number })[] = [];

  /** @param wanted indexes of columns */
  constructor(wanted: readonly number[]) {
    this.#wanted = wanted;
    this.from = wanted.map(() => ABSENT);
    this.to = wanted.map(() => ABSENT);
  }

  /** What follows are images of a table with the columns in this bitmap. */
  enter({ columns }: RowLayout, present: Buffer): void {
    if (this.#columns.length > 0 && this.#present.equals(present)) return;
    this.#present = Buffer.from(present);
    this.#columns = columns.flatMap((column, index) => {
      return hasBit(present, index) ? [{ ...column, slot: this.#wanted.indexOf(index) }] : [];
    });
    this.from.fill(ABSENT);
  }

  /** The table is defined anew. */
  forget(): void {
    this.#columns = [];
  }

  /** Reads the image at `bytes[at]`. @returns where it ends; -1 when that is behind `end` */
  read(bytes: Buffer, at: number, end: number): number {
    const nulls = at;
    let next = at + ((this.#columns.length + 7) >> 3);
    if (next > end) return -1;
    for (const [index, { fixed, prefix, slot }] of this.#columns.entries()) {
      const isNull = ((bytes[nulls + (index >> 3)] as number) & (1 << (index & 7))) !== 0;
      if (!isNull) {
        if (next + prefix > end) return -1;
        const from = next + prefix;
        next = from + (prefix === 0 ? fixed : lengthAt(bytes, next, prefix));
        if (slot >= 0) this.from[slot] = from;
        if (slot >= 0) this.to[slot] = next;
      } else if (slot >= 0) this.from[slot] = NULL;
    }
    return next > end || next === at ? -1 : next;
  }
}

/** Walks over the rows of events of one table. Nothing is made for a row. */
export class RowImages {
  readonly before: ImageReader;
  /** Of an update: what is there now. */
  readonly after: ImageReader;
  #layout: RowLayout | null = null;

  /** @param wanted indexes of the columns whose values are looked for */
  constructor(wanted: readonly number[]) {
    this.before = new ImageReader(wanted);
    this.after = new ImageReader(wanted);
  }

  /** Visits each row, with `before` and `after` set to it. @returns false when the rows cannot be read to the last */
  each(event: RowsEvent, visit: () => void): boolean {
    const layout = event.table?.layout ?? null;
    const isUpdate = ROWS_KINDS[event.type] === 'update';
    const start = layout === null || !event.isWhole ? null : startOf(event, layout, isUpdate);
    if (layout === null || start === null) return false;
    this.#enter(layout, start);
    const { bytes, to } = event;
    for (let next = start.rows; next < to;) {
      next = this.before.read(bytes, next, to);
      if (isUpdate && next >= 0) next = this.after.read(bytes, next, to);
      if (next < 0) return false;
      visit();
    }
    return true;
  }

  #enter(layout: RowLayout, { before, after }: RowsStart): void {
    if (layout !== this.#layout) for (const image of [this.before, this.after]) image.forget();
    this.#layout = layout;
    this.before.enter(layout, before);
    if (after !== null) this.after.enter(layout, after);
  }
}

interface RowsStart {
  /** Which columns the images have. */
  readonly before: Buffer;
  readonly after: Buffer | null;
  /** Index of the first row. */
  readonly rows: number;
}

/** What stands before the rows; null when it contradicts itself or the table, or the rows are not all values. */
function startOf({ type, bytes, from, to }: RowsEvent, layout: RowLayout, isUpdate: boolean): RowsStart | null {
  const fixed = from + FIXED_BYTES;
  if (type === PARTIAL_UPDATE || fixed + 3 > to) return null;
  const { value, end } = packedNumber(bytes, type < FIRST_OF_VERSION_2 ? fixed : fixed + bytes.readUInt16LE(fixed));
  const width = (value + 7) >> 3;
  const rows = end + (isUpdate ? 2 * width : width);
  if (value !== layout.columns.length || rows > to) return null;
  const before = bytes.subarray(end, end + width);
  return { before, after: isUpdate ? bytes.subarray(end + width, rows) : null, rows };
}
