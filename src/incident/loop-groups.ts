import type { FormatDescription } from '../binlog/format-description.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor, QueryEvent, RowChange } from '../binlog/group.ts';
import { classify } from './classify.ts';
import { loopKey } from './delete-loops.ts';
import { sourceOf, type Source } from './dialect.ts';
import { RowChanges } from './row-changes.ts';

/**
 * Told of each group of the loop.
 *
 * @param before the GTID state without it, live: read it now
 * @param last the group before it in its file, as far as that is read
 */
export type LoopGroupFound = (group: Group, before: GtidState | null, last: Group | null) => void;

/**
 * Finds the groups that are of one loop of small deletes: what they have in common is taken from the first that can be of one.
 * `enterFile` comes before the groups of each file.
 */
export class LoopGroups implements GroupVisitor {
  readonly #found: LoopGroupFound;
  readonly #rows = new RowChanges();
  #source: Source = { flavor: 'mysql', version: Infinity };
  #last: Group | null = null;
  #key: string | null = null;
  /** The group is an incident by one of its statements, so it is none of a loop. */
  #isOfItsOwn = false;

  constructor(found: LoopGroupFound) {
    this.#found = found;
  }

  /** The groups that follow are of a file that is written as its format says; the loop may go on in it. */
  enterFile(format: FormatDescription): void {
    this.#source = sourceOf(format);
    this.#last = null;
    this.#forget();
  }

  query(query: QueryEvent): void {
    this.#isOfItsOwn ||= classify(query, this.#source) !== null;
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    this.#rows.annotation(bytes, from, to);
  }

  rows(change: RowChange): void {
    this.#rows.rows(change);
  }

  release(): void {
    this.#rows.release();
  }

  group(group: Group, before: GtidState | null): void {
    const rows = this.#rows.take({ anything: true });
    const key = rows === null || this.#isOfItsOwn ? null : loopKey(group, rows, this.#source);
    this.#key ??= key;
    if (key !== null && key === this.#key) this.#found(group, before, this.#last);
    this.#last = group;
    this.#forget();
  }

  torn(): void {
    this.#forget();
  }

  #forget(): void {
    this.#rows.clear();
    this.#isOfItsOwn = false;
  }
}
