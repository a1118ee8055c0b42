/** More than the characters that are kept of a statement, whatever their size. */
const MOST_KEPT = 4 * 4096 + 4;

/** Only a LOAD DATA with REPLACE deletes rows. Comments before the first word are passed over. */
const REPLACES = /^(?:\s|\/\*(?!M?!)[^*]*(?:\*(?!\/)[^*]*)*\*\/)*(?:replace|load)\b/i;
const REPLACES_BYTES = 1024;

/** Bytes of somebody else's buffer, or of an own one. */
interface Place {
  bytes: Buffer;
  from: number;
  to: number;
}

const NOTHING = Buffer.alloc(0);

/**
 * Remembers the text of that statement of a group which changed most rows. Where it stands is noted; it is copied only
 * if the buffer is about to be overwritten before the group has ended.
 */
export class StatementBytes {
  /** Of the statement that is being read, and of the one with most rows so far. */
  readonly #open: Place = { bytes: NOTHING, from: 0, to: 0 };
  readonly #most: Place = { bytes: NOTHING, from: 0, to: 0 };
  #openRows = 0;
  #mostRows = 0;
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
    this.#openRows = 0;
    this.#isForeign = true;
  }

  /** The statement changed so many more rows. */
  count(rows: number): void {
    this.#openRows += rows;
    if (this.#openRows <= this.#mostRows) return;
    this.#mostRows = this.#openRows;
    set(this.#most, this.#open.bytes, this.#open.from, this.#open.to);
  }

  /** The text with most rows, or its first bytes; empty when there is none. Valid until {@link begin}. */
  get bytes(): Buffer {
    return textOf(this.#most);
  }

  /** The buffers are about to be overwritten. */
  keep(): void {
    if (!this.#isForeign) return;
    this.#isForeign = false;
    own(this.#open);
    own(this.#most);
  }

  clear(): void {
    this.#openRows = 0;
    this.#mostRows = 0;
    this.#replaces = null;
    if (this.#most.to === 0 && this.#open.to === 0) return;
    set(this.#open, NOTHING, 0, 0);
    set(this.#most, NOTHING, 0, 0);
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
