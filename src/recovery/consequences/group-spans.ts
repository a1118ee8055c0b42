import type { SkippedGroup } from '../skip.ts';

type Span = Pick<SkippedGroup, 'lineage' | 'file' | 'start' | 'end'>;

/** Tells whether a place lies in one of some groups. */
export class GroupSpans {
  readonly #byFile = new Map<string, Span[]>();

  constructor(groups: readonly Span[]) {
    for (const group of groups.toSorted((a, b) => a.start - b.start)) {
      const known = this.#byFile.get(keyOf(group));
      if (known === undefined) this.#byFile.set(keyOf(group), [group]);
      else known.push(group);
    }
  }

  has(place: { readonly lineage: string; readonly file: string; readonly offset: number }): boolean {
    const groups = this.#byFile.get(keyOf(place)) ?? [];
    let [low, high] = [0, groups.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((groups[middle]?.start ?? 0) <= place.offset) low = middle + 1;
      else high = middle;
    }
    return place.offset < (groups[low - 1]?.end ?? 0);
  }
}

function keyOf({ lineage, file }: { readonly lineage: string; readonly file: string }): string {
  return `${lineage}/${file}`;
}
