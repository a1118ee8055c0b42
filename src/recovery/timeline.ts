import { compareCoordinates, compareFiles, type Coordinates } from '../binlog/coordinates.ts';
import type { LineageView } from './lineage-view.ts';

/** The part of a lineage that belongs to one history: groups in `[from, to)`; null is without a limit on that side. */
export interface Leg {
  readonly view: LineageView;
  readonly from: Coordinates | null;
  readonly to: Coordinates | null;
}

/** One history over its failovers, as recorded: legs in the order in which they were written. Never empty. */
export type Timeline = readonly Leg[];

/**
 * The histories of an archive, each lineage in exactly one of them. Groups that reached only an old primary, and those that the
 * new one had written as its replica, are in none: no group is twice in a timeline.
 *
 * @param views newest lineage first
 * @returns the newest history first
 */
export function timelinesOf(views: readonly LineageView[]): Timeline[] {
  const timelines: Timeline[] = [];
  const known = new Set<LineageView>();
  for (const view of views) {
    if (known.has(view) || isWithinParent(views, view)) continue;
    const timeline = timelineOf(views, view);
    for (const leg of timeline) known.add(leg.view);
    timelines.push(timeline);
  }
  return timelines;
}

/** The history that ends with this lineage. */
export function timelineOf(views: readonly LineageView[], tip: LineageView): Timeline {
  const legs: Leg[] = [];
  let view = tip;
  let to: Coordinates | null = null;
  for (;;) {
    const { handOver } = view.lineage;
    const parent = parentOf(views, view);
    const continues =
      handOver !== null && parent !== null && (to === null || compareCoordinates(handOver.child, to) <= 0);
    legs.unshift({ view, from: continues ? handOver.child : null, to });
    if (!continues) return legs;
    to = handOver.parent;
    view = parent;
  }
}

/** The newest lineage of a timeline. */
export function tipOf(timeline: Timeline): LineageView {
  const last = timeline.at(-1);
  if (last === undefined) throw new Error('a timeline has at least one leg');
  return last.view;
}

/** The lineage before this one; null when there is none, or when it is not in the archive. */
export function parentOf(views: readonly LineageView[], { lineage }: LineageView): LineageView | null {
  return views.find((candidate) => candidate.lineage.id === lineage.parent) ?? null;
}

/** The lineages that continue this one. */
export function childrenOf(views: readonly LineageView[], { lineage }: LineageView): LineageView[] {
  return views.filter((candidate) => candidate.lineage.parent === lineage.id && candidate.lineage.handOver !== null);
}

/** True while the archive of a continuing lineage has not come to its hand-over yet: its parent has all that it has. */
function isWithinParent(views: readonly LineageView[], view: LineageView): boolean {
  const { handOver } = view.lineage;
  if (handOver === null || parentOf(views, view) === null) return false;
  const last = view.segments.at(-1)?.digest;
  return last === undefined || compareCoordinates({ file: last.file, position: last.indexedTo }, handOver.child) < 0;
}

/** True when a leg has something of the file, as far as its limits say. */
export function reachesInto({ from, to }: Leg, file: string): boolean {
  return (from === null || compareFiles(file, from.file) >= 0) && (to === null || compareFiles(file, to.file) <= 0);
}

/** True when a group is in the leg. */
export function isIn({ from, to }: Leg, group: { file: string; start: number; end: number }): boolean {
  const { file, start, end } = group;
  return (
    (from === null || compareCoordinates({ file, position: start }, from) >= 0) &&
    (to === null || compareCoordinates({ file, position: end }, to) <= 0)
  );
}
