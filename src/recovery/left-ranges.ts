import type { ServedRange } from '../server/served-range.ts';
import type { AppliedPlace } from './applied-place.ts';

/** What is left of the ranges from the place on. Pure. */
export function leftRanges(ranges: readonly ServedRange[], { next }: Pick<AppliedPlace, 'next'>): ServedRange[] {
  return ranges
    .slice(next.range)
    .map((range, index) => (index === 0 ? { ...range, from: next.position } : range))
    .filter(({ from, to }) => from < to);
}
