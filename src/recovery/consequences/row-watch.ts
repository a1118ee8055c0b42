import type { GroupPlace } from './conflict-list.ts';
import type { Difference } from './difference.ts';
import { keyOf, type Named, type Touch } from './touch.ts';

/**
 * A table whose skipped rows are in the log: whether later rows collide with them is told by comparing keys. Asked after the
 * log was read by names, and only where rows of the table came later.
 */
export interface RowQuestion {
  readonly table: Named;
  /** The first later group with rows of it, or of a table that refers to it. */
  readonly first: GroupPlace;
  /** The first later group with rows that may refer to its rows by their keys; null: there is none. */
  readonly referred: GroupPlace | null;
  /** The group from which on the rows cannot be told apart any more, or are gone; null: to the cut. */
  readonly until: GroupPlace | null;
  /** The group from which on rows may have gone with others that they refer to, of which the log says nothing; null: none. */
  readonly loose: GroupPlace | null;
}

interface Watched {
  readonly table: Named;
  first: GroupPlace | null;
  referred: GroupPlace | null;
  until: GroupPlace | null;
  loose: GroupPlace | null;
}

/** Notes for each table with skipped rows where they can be compared. */
export class RowWatch {
  readonly #tables = new Map<string, Watched>();

  get questions(): readonly RowQuestion[] {
    return [...this.#tables.values()].flatMap(({ first, referred, ...watched }) => {
      const asked = first ?? referred;
      return asked === null ? [] : [{ ...watched, first: asked, referred }];
    });
  }

  skipped(touch: Touch): void {
    const { type, schema, name } = touch;
    if (touch.by !== 'rows' || this.#tables.has(keyOf(touch))) return;
    const table = { type, schema, name };
    this.#tables.set(keyOf(touch), { table, ...{ first: null, referred: null, until: null, loose: null } });
  }

  met(difference: Difference, touch: Touch, group: GroupPlace): void {
    const watched = this.#tables.get(keyOf(difference));
    if (watched === undefined || touch.by !== 'rows' || !hasKeys(difference) || watched.until !== null) return;
    watched.first ??= group;
  }

  /** Rows of a table come that refers to the one that differs: by keys that a skipped UPDATE may have given. */
  referred(difference: Difference | undefined, { verb }: Touch, group: GroupPlace): void {
    const watched = difference === undefined ? undefined : this.#tables.get(keyOf(difference));
    if (watched === undefined || difference?.old !== 'keys' || (verb !== 'insert' && verb !== 'update')) return;
    watched.referred ??= group;
  }

  /** Rows are deleted that the table's may refer to: a foreign key may take these along. */
  loosened(table: Named, group: GroupPlace): void {
    const watched = this.#tables.get(keyOf(table));
    if (watched !== undefined) watched.loose ??= group;
  }

  /** What differs is another thing from this group on. */
  changed(before: Difference, then: Difference | null, group: GroupPlace): void {
    const watched = this.#tables.get(keyOf(before));
    if (watched === undefined || !hasKeys(before)) return;
    if (then === null || !hasKeys(then) || keyOf(then) !== keyOf(before)) watched.until ??= group;
  }
}

function hasKeys({ extra, old, absent }: Difference): boolean {
  return extra === 'keys' || old === 'keys' || absent === 'keys';
}
