import type { PlanConflict } from '../plan.ts';

/** A group, as far as conflicts name it. */
export interface GroupPlace {
  readonly lineage: string;
  readonly file: string;
  readonly start: number;
  readonly gtid: string | null;
}

/** So many of one incident are listed; the others are counted. */
const MOST_LISTED = 50;

/** What one incident's skip meets, each thing once, however many groups meet it. */
export class ConflictList {
  readonly #skipped: string;
  readonly #listed = new Map<string, { conflict: PlanConflict; last: number }>();
  #unlisted = 0;

  constructor(skipped: string) {
    this.#skipped = skipped;
  }

  add(found: Pick<PlanConflict, 'object' | 'why' | 'kind'>, { gtid, file, start }: GroupPlace): void {
    const { object, why, kind } = found;
    const key = `${kind}\0${object}\0${why}`;
    const known = this.#listed.get(key);
    if (known !== undefined) {
      if (known.last !== start) known.conflict = { ...known.conflict, groups: known.conflict.groups + 1 };
      known.last = start;
      return;
    }
    if (this.#listed.size >= MOST_LISTED) {
      this.#unlisted += 1;
      return;
    }
    this.#listed.set(key, {
      conflict: { skipped: this.#skipped, gtid, object, why, kind, file, start, groups: 1 },
      last: start,
    });
  }

  get conflicts(): readonly PlanConflict[] {
    return [...this.#listed.values()].map(({ conflict }) => conflict);
  }

  /** How many more there are than those that are listed, each group counted. */
  get unlisted(): number {
    return this.#unlisted;
  }
}
