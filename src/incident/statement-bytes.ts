/** More than the characters that are kept of a statement, whatever their size. */
const MOST_KEPT = 4 * 4096 + 4;

/** Only a LOAD DATA with REPLACE deletes rows. Comments before the first word are passed over. */
const REPLACES = /^(?:\s|\/\*(?!M?!)[^*]*(?:\*(?!\/)[^*]*)*\*\/)*(?:replace|load)\b/i;
const REPLACES_BYTES = 1024;

/** What was done to rows. */
export type Changed = 'deleted' | 'updated';

/** Bytes of somebody else's buffer, or of an own one. */
interface Place {
  bytes: Buffer;
  from: number;
  to: number;
}

const NOTHING = Buffer.alloc(0);

/** A statement, and how many rows it changed in one way. */
interface Counted extends Place {
  rows: number;
}

const nothing = (): Counted => ({ bytes: NOTHING, from: 0, to: 0, rows: 0 });

/**
 * Remembers the texts of those statements of a group which deleted most rows, and which updated most. Where they stand is noted; they
 * are copied only if the buffer is about to be overwritten before the group has ended.
 */
export class StatementBytes {
  /** The statement that is being read. */
  readonly #open: Place = { bytes: NOTHING, from: 0, to: 0 };
  readonly #openRows: Record<Changed, number> = { deleted: 0, updated: 0 };
  /** Those with most rows so far. */
  readonly #most: Readonly<Record<Changed, Counted>> = { deleted: nothing(), updated: nothing() };
  #isForeign = false;
  #replaces: boolean | null = null;

  /** True when the statement that is being read puts rows in the place of others: REPLACE, LOAD DATA ... REPLACE. */
  get replaces(): boolean {
    this.#replaces ??= REPLACES.test(textOf(this.#open).toString('latin1', 0, REPLACES_BYTES));
    return this.#replaces;
  }

  /** A statement with this text begins. */
  begin(bytes: Buffer, from: number, to: number): void {
    this.#replaces = null;
    set(this.#open, bytes, from, to);
    this.#openRows.deleted = 0;
    this.#openRows.updated = 0;
    this.#isForeign = true;
  }

  /** The statement changed so many more rows. */
  count(rows: number, changed: Changed): void {
    const open = (this.#openRows[changed] += rows);
    const most = this.#most[changed];
    if (open <= most.rows) return;
    most.rows = open;
    set(most, this.#open.bytes, this.#open.from, this.#open.to);
  }

  /** The text that changed most rows so, or its first bytes; empty when there is none. Valid until {@link begin}. */
  bytesOf(changed: Changed): Buffer {
    return textOf(this.#most[changed]);
  }

  /** The buffers are about to be overwritten. */
  keep(): void {
    if (!this.#isForeign) return;
    this.#isForeign = false;
    own(this.#open);
    own(this.#most.deleted);
    own(this.#most.updated);
  }

  clear(): void {
    const { deleted, updated } = this.#most;
    this.#openRows.deleted = 0;
    this.#openRows.updated = 0;
    deleted.rows = 0;
    updated.rows = 0;
    this.#replaces = null;
    if (deleted.to === 0 && updated.to === 0 && this.#open.to === 0) return;
    set(this.#open, NOTHING, 0, 0);
    set(deleted, NOTHING, 0, 0);
    set(updated, NOTHING, 0, 0);
  }
}

// The parts of a place are passed one by one: this runs for every statement of a log.
function set(place: Place, bytes: Buffer, from: number, to: number): void {
  place.bytes = bytes;
  place.from = from;
  place.to = to;
}

function textOf({ bytes, from, to }: Place): Buffer {
  return bytes.subarray(from, Math.min(to, from + MOST_KEPT));
}

function own(place: Place): void {
  const copy = Buffer.from(textOf(place));
  set(place, copy, 0, copy.length);
}
