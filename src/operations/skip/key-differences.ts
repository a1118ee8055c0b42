import type { RowChange } from '../../binlog/group.ts';
import type { Key, KeyValue } from './row-keys.ts';

/** So many values of one key are held at once: about 300 MiB, however long they are. */
const MOST_KEYS = 1_000_000;

/** One unique key in one row of the log. */
export interface KeyedRow {
  readonly kind: RowChange['kind'];
  /** Of an insert, what comes. */
  readonly before: KeyValue;
  /** Of an update; `kept` where it is what it was, even if the log lacks it. */
  readonly after: KeyValue | 'kept';
}

/** A collision of one row with what skipping led to: with what it comes with (1062), or with what it changes (1032). */
export type Collision = 1062 | 1032;

/** Values of one unique key that differ. Found by what a collation may take for one; taken back only by the very same bytes. */
class KeyValues {
  /** By bytes: true where the skip that is asked about led to it, false for another one. */
  readonly #exact = new Map<string, boolean>();
  /** How many of the skip's own fold to a text, of those that are not that text themselves. */
  readonly #folded = new Map<string, number>();

  get size(): number {
    return this.#exact.size;
  }

  add({ exact, folded }: Key, isOwn: boolean): void {
    if (this.#exact.get(exact) === true) return;
    this.#exact.set(exact, isOwn);
    if (isOwn && exact !== folded) this.#count(folded, 1);
  }

  /** @returns whether it was there */
  delete({ exact, folded }: Key): boolean {
    if (exact !== folded && this.#exact.get(exact) === true) this.#count(folded, -1);
    return this.#exact.delete(exact);
  }

  /** True when one of the skip's own may be the same key. */
  has({ folded }: Key): boolean {
    return this.#exact.get(folded) === true || this.#folded.has(folded);
  }

  #count(folded: string, by: number): void {
    const count = (this.#folded.get(folded) ?? 0) + by;
    if (count > 0) this.#folded.set(folded, count);
    else this.#folded.delete(folded);
  }
}

/**
 * The values of one unique key that only the skipping server has, and those that only the source has, while rows go by in the
 * order of the log.
 */
export class KeyDifferences {
  readonly #isPrimary: boolean;
  readonly #extra = new KeyValues();
  readonly #absent = new KeyValues();
  /** True once a skipped group gave a row another key: the row itself may get a third one later. */
  isMoved = false;
  /** True once a key came back that was gone, or the other way round: its row may have other values than before. */
  isReplaced = false;
  /** Why values cannot be told any more; null while they can. */
  doubt: string | null = null;

  /** @param isPrimary rows are found by it */
  constructor(isPrimary: boolean) {
    this.#isPrimary = isPrimary;
  }

  /** A row that a skipped group changed: one of the skip that is asked about, or of another one, which may take back what it did. */
  skip({ kind, before, after }: KeyedRow, isOwn = true): void {
    if (kind === 'insert') this.#gone(before, isOwn);
    else if (kind === 'delete') this.#kept(before, isOwn);
    else if (after !== 'kept' && !isSame(before, after)) {
      this.isMoved = true;
      this.#kept(before, isOwn);
      this.#gone(after, isOwn);
    }
    if (this.#extra.size + this.#absent.size > MOST_KEYS) this.doubt ??= `more than ${MOST_KEYS} rows are skipped`;
  }

  /** A row that a later group changes; null when it does not collide. */
  meet(row: KeyedRow): Collision | null {
    const sought = row.kind === 'insert' || !this.#isPrimary ? null : row.before;
    const found = newKeyOf(row);
    if (found === undefined || sought === undefined) this.doubt ??= 'the log has not all columns of its rows';
    if (sought && this.#absent.has(sought)) return 1032;
    return found && this.#extra.has(found) ? 1062 : null;
  }

  /** The row stays where it is skipped. */
  #kept(value: KeyValue, isOwn: boolean): void {
    this.#move(value, { from: this.#absent, to: this.#extra, isOwn });
  }

  /** The row never comes where it is skipped. */
  #gone(value: KeyValue, isOwn: boolean): void {
    this.#move(value, { from: this.#extra, to: this.#absent, isOwn });
  }

  #move(value: KeyValue, { from, to, isOwn }: { from: KeyValues; to: KeyValues; isOwn: boolean }): void {
    if (value === undefined) this.doubt ??= 'the log has not all columns of the skipped rows';
    else if (value !== null && from.delete(value)) this.isReplaced = true;
    else if (value !== null) to.add(value, isOwn);
  }
}

/** The key that a row has and did not have before; null when there is none. */
function newKeyOf({ kind, before, after }: KeyedRow): KeyValue {
  if (kind === 'insert') return before;
  return kind === 'update' && after !== 'kept' && !isSame(before, after) ? after : null;
}

function isSame(one: KeyValue, other: KeyValue): boolean {
  return one === null ? other === null : one !== undefined && one.exact === other?.exact;
}
