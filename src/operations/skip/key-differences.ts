import type { RowsBatch } from '../evidence/read-rows.ts';
import type { KeyReader, KeyValue } from './row-keys.ts';

/** So many keys of one table are held at once: about 100 MiB. */
const MOST_KEYS = 1_000_000;

/** A collision of one row with what skipping led to. */
export interface Collision {
  readonly error: 1062 | 1032;
  readonly key: string;
}

/**
 * The values of one unique key that only the skipping server has, and those that only the source has, while rows go by in the
 * order of the log.
 */
export class KeyDifferences {
  readonly reader: KeyReader;
  readonly #extra = new Set<string>();
  readonly #absent = new Set<string>();
  /** True once a skipped group gave a row another key: the row itself may get a third one later. */
  isMoved = false;
  /** Why values cannot be told any more; null while they can. */
  doubt: string | null = null;

  constructor(reader: KeyReader) {
    this.reader = reader;
  }

  /** Rows that a skipped group changed. */
  skip(batch: RowsBatch): void {
    for (const row of batch.rows) {
      const { before, after } = this.reader.values(batch, row);
      if (batch.head.kind === 'insert') this.#gone(before);
      else if (batch.head.kind === 'delete') this.#kept(before);
      else if (before !== after) {
        this.isMoved = true;
        this.#kept(before);
        this.#gone(after);
      }
    }
    if (this.#extra.size + this.#absent.size > MOST_KEYS) this.doubt ??= `more than ${MOST_KEYS} rows are skipped`;
  }

  /** Rows that a later group changes: the first one that collides; null when none does. */
  meet(batch: RowsBatch): Collision | null {
    for (const row of batch.rows) {
      const { before, after } = this.reader.values(batch, row);
      const { kind } = batch.head;
      const sought = kind === 'insert' || !this.reader.isPrimary ? null : before;
      const collision = this.#collide(sought, newKeyOf(kind, before, after));
      if (collision !== null) return collision;
    }
    return null;
  }

  /** @param sought of the row that is to be found, `found` of the row that comes; null: there is none */
  #collide(sought: KeyValue, found: KeyValue): Collision | null {
    if (found === undefined || sought === undefined) this.doubt ??= 'the log has not all columns of its rows';
    if (typeof sought === 'string' && this.#absent.has(sought)) return { error: 1032, key: shown(sought) };
    if (typeof found === 'string' && this.#extra.has(found)) return { error: 1062, key: shown(found) };
    return null;
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
function newKeyOf(kind: RowsBatch['head']['kind'], before: KeyValue, after: KeyValue): KeyValue {
  if (kind === 'insert') return before;
  return kind === 'update' && after !== before ? after : null;
}

const MOST_SHOWN = 60;

function shown(value: string): string {
  const text = value.replaceAll('\0', ', ');
  return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN - 1)}…` : text;
}
