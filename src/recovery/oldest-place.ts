import type { LedgerEntry } from '../archive/ledger.ts';
import {
  compareCoordinates,
  compareFiles,
  fileNumber,
  FIRST_EVENT_OFFSET,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import type { PlanLeg } from './crossing.ts';
import { lossesIn } from './known-losses.ts';

/** A group boundary of a lineage, and the GTID state there, which is null where the source writes none. */
export interface StatedPlace extends Coordinates {
  readonly lineage: string;
  readonly gtidState: string | null;
}

/**
 * The oldest place from which the archive leads to the cut without a break: the start of a file, over failovers where all of the
 * way behind them is there. Pure.
 *
 * @param legs of the way to the cut
 * @returns null when not even the cut's own file is there
 */
export function oldestPlace(
  legs: readonly PlanLeg[],
  cut: Coordinates,
  losses: readonly LedgerEntry[],
): StatedPlace | null {
  let oldest: StatedPlace | null = null;
  let to = cut;
  for (const leg of legs.toReversed()) {
    const run = unbrokenTo(leg, to, losses);
    const [first] = run;
    if (first === undefined) return oldest;
    oldest = { lineage: leg.lineage, file: first.file, position: FIRST_EVENT_OFFSET, gtidState: first.gtidStart };
    if (leg.crossing === null || compareCoordinates(oldest, leg.crossing.enter) > 0) return oldest;
    // What is before it in this log stands in the one before; should that be broken, the log goes on from here.
    oldest = { lineage: leg.lineage, ...placeOf(leg.crossing.enter), gtidState: leg.crossing.gtidState };
    to = leg.crossing.leave;
  }
  return oldest;
}

const placeOf = ({ file, position }: Coordinates): Coordinates => ({ file, position });

/** The digests of consecutive whole files up to the one of the place, oldest first. */
function unbrokenTo(
  { lineage, segments }: PlanLeg,
  to: Coordinates,
  losses: readonly LedgerEntry[],
): CatalogSegment['digest'][] {
  const run: CatalogSegment['digest'][] = [];
  for (const { digest, state } of segments.toReversed()) {
    const order = compareFiles(digest.file, to.file);
    if (order > 0) continue;
    const next = run[0];
    if (next === undefined ? order !== 0 : fileNumber(digest.file) !== fileNumber(next.file) - 1) break;
    if (next !== undefined && state === 'open') break;
    const end = next === undefined ? to.position : digest.indexedTo;
    const range = { lineage, file: digest.file, from: FIRST_EVENT_OFFSET, to: end, bytes: end };
    if (lossesIn([range], losses).length > 0) break;
    run.unshift(digest);
  }
  return run;
}
