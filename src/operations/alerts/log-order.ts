import type { LogPlace } from '../../archive/alert-record.ts';
import { compareCoordinates } from '../../binlog/coordinates.ts';

/** Puts places of several lineages in order: lineage after lineage, as they began. */
export class LogOrder {
  readonly #lineages: () => readonly { readonly id: string }[];
  #rank = new Map<string, number>();

  /** @param lineages all that are known, in the order they began */
  constructor(lineages: () => readonly { readonly id: string }[]) {
    this.#lineages = lineages;
  }

  /** Negative when `a` is before `b`. */
  compare(a: LogPlace, b: LogPlace): number {
    if (a.lineage === b.lineage) return compareCoordinates(a, b);
    return this.#rankOf(a.lineage) - this.#rankOf(b.lineage);
  }

  #rankOf(lineage: string): number {
    if (!this.#rank.has(lineage)) this.#rank = new Map(this.#lineages().map(({ id }, index) => [id, index]));
    return this.#rank.get(lineage) ?? Infinity;
  }
}
