import type { RowChange } from '../../binlog/group.ts';
import type { KeyValue } from './row-keys.ts';

/** So many keys of one table are held at once: about 100 MiB. */
const MOST_KEYS = 1_000_000;

/** One unique key in one row of the log. */
export interface KeyedRow {
  readonly kind: RowChange['kind'];
  /** Of an insert, what comes. */
  readonly before: KeyValue;
  /** Of an update only. */
  readonly after: KeyValue;
}

/** A collision of one row with what skipping led to: with what it comes with (1062), or with what it changes (1032). */
export type Collision = 1062 | 1032;

/**
 * The values of one unique key that only the skipping server has, and those that only the source has, while rows go by in the
 * order of the log.
 */
export class KeyDifferences {
  readonly #isPrimary: boolean;
  readonly #extra = new Set<string>();
  readonly #absent = new Set<string>();
  /** True once a skipped group gave a row another key: the row itself may get a third one later. */
  isMoved = false;
  /** Why values cannot be told any more; null while they can. */
  doubt: string | null = null;

  /** @param isPrimary rows are found by it */
  constructor(isPrimary: boolean) {
    this.#isPrimary = isPrimary;
  }

  /** A row that a skipped group changed. */
  skip({ kind, before, after }: KeyedRow): void {
    if (kind === 'insert') this.#gone(before);
    else if (kind === 'delete') this.#kept(before);
    else if (before !== after) {
      this.isMoved = true;
      this.#kept(before);
      this.#gone(after);
    }
    if (this.#extra.size + this.#absent.size > MOST_KEYS) this.doubt ??= `more than ${MOST_KEYS} rows are skipped`;
  }

  /** A row that a later group changes; null when it does not collide. */
  meet(row: KeyedRow): Collision | null {
    const sought = row.kind === 'insert' || !this.#isPrimary ? null : row.before;
    const found = newKeyOf(row);
    if (found === undefined || sought === undefined) this.doubt ??= 'the log has not all columns of its rows';
    if (typeof sought === 'string' && this.#absent.has(sought)) return 1032;
    return typeof found === 'string' && this.#extra.has(found) ? 1062 : null;
  }

  /** The row stays where it is skipped. */
  #kept(value: KeyValue): void {
    if (value === undefined) this.doubt ??= 'the log has not all columns of the skipped rows';
    else if (value !== null && !this.#absent.delete(value)) this.#extra.add(value);
  }

  /** The row never comes where it is skipped. */
  #gone(value: KeyValue): void {
    if (value === undefined) this.doubt ??= 'the log has not all columns of the skipped rows';
    else if (value !== null && !this.#extra.delete(value)) this.#absent.add(value);
  }
}

/** The key that a row has and did not have before; null when there is none. */
function newKeyOf({ kind, before, after }: KeyedRow): KeyValue {
  if (kind === 'insert') return before;
  return kind === 'update' && after !== before ? after : null;
}
