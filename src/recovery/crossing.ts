import { compareCoordinates, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours } from './neighbours.ts';
import { parentOf } from './timeline.ts';

/** A group boundary, and how many groups of its file lie before it. */
export interface CountedPlace extends Coordinates {
  readonly groupsBefore: number;
}

/** A hand-over that holds: both logs have the same GTID state, the parent at `leave`, the child at `enter`. */
export interface Crossing {
  readonly leave: CountedPlace;
  readonly enter: CountedPlace;
  readonly gtidState: string;
  /** Groups of the parent behind `leave`. */
  readonly stranded: number;
}

/** One lineage on the way to a cut. */
export interface PlanLeg {
  readonly lineage: string;
  /** In the order of their file numbers. */
  readonly segments: readonly CatalogSegment[];
  /** From the leg before; null for the first. */
  readonly crossing: Crossing | null;
}

/** Why nothing before the first leg can be used. */
export interface Break {
  readonly lineage: string;
  /** The one before it. */
  readonly parent: string;
  readonly why: string;
}

/** The lineages over which a cut can be reached, oldest first, and what ends the way back; null: the archive's beginning. */
export interface Way {
  readonly legs: readonly PlanLeg[];
  readonly broken: Break | null;
}

/**
 * Goes back from a lineage over every hand-over that still holds. Each is read anew from both logs, about a MiB each: a record of
 * it is no proof.
 *
 * @param cut a place in the lineage: one from before its hand-over does not need what is before
 */
export async function findWay(views: readonly LineageView[], tip: LineageView, cut: Coordinates): Promise<Way> {
  const legs: PlanLeg[] = [];
  let view = tip;
  let to = cut;
  for (;;) {
    const { lineage, segments } = view;
    const leg = (crossing: Crossing | null): PlanLeg => ({ lineage: lineage.id, segments, crossing });
    const parent = parentOf(views, view);
    const found = await crossingBefore(view, parent, to);
    if (parent === null || found === null || typeof found === 'string') {
      legs.unshift(leg(null));
      const broken =
        typeof found === 'string' ? { lineage: lineage.id, parent: lineage.parent ?? '', why: found } : null;
      return { legs, broken };
    }
    legs.unshift(leg(found));
    view = parent;
    to = found.leave;
  }
}

/** null for the first lineage; in words why there is no way. */
async function crossingBefore(
  view: LineageView,
  parent: LineageView | null,
  to: Coordinates,
): Promise<Crossing | string | null> {
  const { id, parent: parentId, handOver } = view.lineage;
  if (parentId === null) return null;
  if (handOver === null) {
    return `lineage ${id} does not continue ${parentId}`;
  }
  if (parent === null) return `lineage ${parentId}, which ${id} continues, is not in the archive`;
  if (compareCoordinates(to, handOver.child) < 0) {
    return `${formatCoordinates(to)} lies before ${formatCoordinates(handOver.child)}, where lineage ${id} took over from ${parentId}`;
  }
  return await verifyHandOver(parent, view);
}

/**
 * Reads both sides of a recorded hand-over: both places must be group boundaries with the very GTID state that was recorded.
 *
 * @returns a string in words when it does not hold
 */
export async function verifyHandOver(parent: LineageView, child: LineageView): Promise<Crossing | string> {
  const { handOver } = child.lineage;
  const no = (why: string): string =>
    `the hand-over from ${parent.lineage.id} to ${child.lineage.id} does not hold: ${why}`;
  if (handOver === null) return no('none is recorded');
  try {
    const leave = await readSide(parent, handOver.parent, handOver.gtidState);
    if (typeof leave === 'string') return no(leave);
    const enter = await readSide(child, handOver.child, handOver.gtidState);
    if (typeof enter === 'string') return no(enter);
    return { leave, enter, gtidState: handOver.gtidState, stranded: handOver.stranded };
  } catch (error) {
    const isKnown = ['ARCHIVE_DAMAGED', 'ARCHIVE_GAP', 'TARGET_UNREACHABLE'].some(
      (code) => isLastgoodError(error) && error.code === code,
    );
    if (isKnown && error instanceof Error) return no(error.message);
    throw error;
  }
}

async function readSide(view: LineageView, place: Coordinates, recorded: string): Promise<CountedPlace | string> {
  const { lineage } = view;
  const where = `${formatCoordinates(place)} of ${lineage.id}`;
  const { inside, gtidState, groupsBefore } = await findNeighbours(view, place);
  if (inside !== null) return `${where} is inside a transaction group (${inside.start} to ${inside.end})`;
  if (gtidState === null) return `${where} has no GTID state to compare`;
  const same = parseGtidState(lineage.flavor, gtidState).equals(parseGtidState(lineage.flavor, recorded));
  return same
    ? { ...place, groupsBefore }
    : `at ${where} the archive has GTID state ${gtidState}, recorded is ${recorded}`;
}
