import type { ColumnSize } from './column-size.ts';

/** How one row image is stored: a bitmap of NULLs, then the values of the columns that the event has. */
export interface ImageLayout {
  readonly nullBytes: number;
  /** The bits of the last byte of the bitmap that stand for columns: servers set the others. */
  readonly lastNullMask: number;
  /** Column by column, for images with NULLs. */
  readonly columns: readonly TableColumn[];
  /** The same for images without NULLs: fixed bytes before each length, and behind the last. */
  readonly gaps: readonly number[];
  readonly prefixes: readonly number[];
  readonly tail: number;
}

/** How the rows of one event are stored. */
export interface RowShape {
  /** Of what was there before: a DELETE's only image. At least one column. */
  readonly before: ImageLayout;
  /** Of what is there now; null in a DELETE. */
  readonly after: ImageLayout | null;
  /** Bytes that say which JSON columns of the new image are only changes; -1 where the event type has none of that. */
  readonly partialBytes: number;
  /** No row has fewer bytes. At least 1. */
  readonly leastBytes: number;
}

/** How a column is stored, and whether it may be NULL, which takes no bytes but a bit. */
export interface TableColumn extends ColumnSize {
  readonly nullable: boolean;
}

/** partial: an update whose new image may hold only the changes of JSON columns. */
export type ShapeKind = 'delete' | 'update' | 'partial';

/** Most tables are written with few sets of columns; with images of the changed columns alone there can be many. */
const MOST_KEPT = 64;

interface KeptShape {
  /** The bitmaps of columns, as the event has them. */
  readonly present: Buffer;
  readonly shape: RowShape | null;
}

/** How the rows of one table are stored. */
export class RowLayout {
  readonly columns: readonly TableColumn[];
  readonly #jsonColumns: number;
  readonly #kept: Readonly<Record<ShapeKind, KeptShape[]>> = { delete: [], update: [], partial: [] };

  constructor(columns: readonly TableColumn[], jsonColumns: number) {
    this.columns = columns;
    this.#jsonColumns = jsonColumns;
  }

  /** Bytes of the bitmaps that say which columns an event of this kind has. */
  bitmapBytes(kind: ShapeKind): number {
    const one = (this.columns.length + 7) >> 3;
    return kind === 'delete' ? one : 2 * one;
  }

  /** The shape of rows with the columns in the bitmaps at `bytes[at]`; null when they have no old image to walk over. */
  shape(kind: ShapeKind, bytes: Buffer, at: number): RowShape | null {
    const kept = this.#kept[kind];
    for (const { present, shape } of kept) if (isSame(present, bytes, at)) return shape;
    const present = Buffer.from(bytes.subarray(at, at + this.bitmapBytes(kind)));
    const shape = this.#shapeOf(kind, present);
    if (kept.length >= MOST_KEPT) kept.length = 0;
    kept.push({ present, shape });
    return shape;
  }

  #shapeOf(kind: ShapeKind, present: Buffer): RowShape | null {
    const one = (this.columns.length + 7) >> 3;
    const before = this.#image(present.subarray(0, one));
    if (before.columns.length === 0) return null;
    const after = kind === 'delete' ? null : this.#image(present.subarray(one));
    const leastBytes = leastOf(before) + (after === null ? 0 : leastOf(after)) + (kind === 'partial' ? 1 : 0);
    return { before, after, partialBytes: kind === 'partial' ? (this.#jsonColumns + 7) >> 3 : -1, leastBytes };
  }

  #image(present: Buffer): ImageLayout {
    return imageLayout(this.columns.filter((_, index) => hasBit(present, index)));
  }
}

/** Bit `index`, lowest first. */
export function hasBit(bitmap: Uint8Array, index: number): boolean {
  return ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

function isSame(present: Buffer, bytes: Buffer, at: number): boolean {
  for (let index = 0; index < present.length; index += 1) if (present[index] !== bytes[at + index]) return false;
  return true;
}

function leastOf({ nullBytes, columns }: ImageLayout): number {
  return columns.reduce((sum, { nullable, fixed, prefix }) => sum + (nullable ? 0 : fixed + prefix), nullBytes);
}

function imageLayout(columns: readonly TableColumn[]): ImageLayout {
  const gaps: number[] = [];
  const prefixes: number[] = [];
  let gap = 0;
  for (const { fixed, prefix } of columns) {
    gap += fixed;
    if (prefix === 0) continue;
    gaps.push(gap);
    prefixes.push(prefix);
    gap = 0;
  }
  const used = columns.length & 7;
  return {
    nullBytes: (columns.length + 7) >> 3,
    lastNullMask: used === 0 ? 255 : (1 << used) - 1,
    columns,
    gaps,
    prefixes,
    tail: gap,
  };
}
