import { compareCoordinates, formatCoordinates } from '../binlog/coordinates.ts';
import { parseGtid, parseGtidState } from '../binlog/gtid-text.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { findGtid } from './find-gtid.ts';
import type { LineageView } from './lineage-view.ts';
import type { Place } from './locate.ts';
import { findNeighbours, type Neighbours, type PlacedGroup } from './neighbours.ts';
import type { Target } from './plan.ts';
import { childrenOf, timelineOf } from './timeline.ts';

/** A place and what is around it. */
export interface ReadPlace {
  readonly place: Place;
  readonly neighbours: Neighbours;
}

/**
 * Gives a place in the overlap of two lineages the one place that its history has: what the new primary wrote while it was a
 * replica stands in the old primary's log, and what comes after the hand-over in the new one's. Groups that reached only the
 * old primary are in no history: who names one of them, or coordinates there, stays in its lineage and is told so.
 */
export async function settlePlace(
  views: readonly LineageView[],
  read: ReadPlace,
  kind: Target['kind'],
): Promise<ReadPlace> {
  const back = await moveBack(views, read);
  if (back !== null) return await settlePlace(views, back, kind);
  const on = kind === 'at' || kind === 'after-gtid' ? await moveOn(views, read) : null;
  if (on !== null) return await settlePlace(views, on, kind);
  const { place, neighbours } = read;
  return { place: { ...place, warnings: [...place.warnings, ...strandedWarning(views, place)] }, neighbours };
}

/** null when the place is not before its lineage's hand-over, or no lineage before it has the very same one. */
async function moveBack(views: readonly LineageView[], read: ReadPlace): Promise<ReadPlace | null> {
  const { view, warnings } = read.place;
  const { after, gtidState } = read.neighbours;
  const { handOver, flavor } = view.lineage;
  if (handOver === null || after === null || after.gtid === null || gtidState === null) return null;
  if (compareCoordinates({ file: after.file, position: after.start }, handOver.child) >= 0) return null;
  const found = await findBefore(views, view, after.gtid);
  if (found === null) return null;
  const place = { view: found.view, file: found.group.file, position: found.group.start, warnings };
  const neighbours = await findNeighbours(found.view, place);
  if (neighbours.gtidState === null) return null;
  const same = parseGtidState(flavor, neighbours.gtidState).equals(parseGtidState(flavor, gtidState));
  return same ? { place, neighbours } : null;
}

async function findBefore(
  views: readonly LineageView[],
  tip: LineageView,
  gtid: string,
): Promise<{ view: LineageView; group: PlacedGroup } | null> {
  const before = timelineOf(views, tip)
    .map(({ view }) => view)
    .filter((view) => view !== tip);
  if (before.length === 0) return null;
  try {
    return await findGtid(before.reverse(), parseGtid(gtid));
  } catch (error) {
    if (isLastgoodError(error, 'TARGET_UNREACHABLE')) return null;
    throw error;
  }
}

/** null unless nothing lies between the place and the lineage's hand-over to a later one whose archive has come that far. */
async function moveOn(views: readonly LineageView[], read: ReadPlace): Promise<ReadPlace | null> {
  const { place, neighbours } = read;
  const isAtEnd = ({ lineage: { handOver } }: LineageView): boolean => {
    if (handOver === null || compareCoordinates(place, handOver.parent) > 0) return false;
    const { after } = neighbours;
    return after === null || compareCoordinates({ file: after.file, position: after.start }, handOver.parent) >= 0;
  };
  const child = childrenOf(views, place.view).find(isAtEnd);
  const enter = child?.lineage.handOver?.child;
  const last = child?.segments.at(-1)?.digest;
  if (child === undefined || enter === undefined || last === undefined) return null;
  if (compareCoordinates({ file: last.file, position: last.indexedTo }, enter) < 0) return null;
  const moved = { view: child, ...enter, warnings: place.warnings };
  const there = await findNeighbours(child, moved);
  return { place: moved, neighbours: { ...there, before: there.before ?? neighbours.before } };
}

function strandedWarning(views: readonly LineageView[], place: Place): string[] {
  const { id } = place.view.lineage;
  return childrenOf(views, place.view).flatMap(({ lineage }) => {
    const { handOver } = lineage;
    if (handOver === null || compareCoordinates(place, handOver.parent) <= 0) return [];
    const where = formatCoordinates(handOver.parent);
    return [
      `the target is behind ${where} of lineage ${id}, where ${lineage.id} took over: it holds writes that reached only the old primary, and none of the new one`,
    ];
  });
}
