import type { GroupMark } from '../archive/manifest.ts';
import { compareFiles, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import type { Group } from '../binlog/group.ts';
import type { GroupPhase } from '../binlog/group-phase.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import { LastgoodError } from '../platform/errors.ts';
import { formatSeconds } from '../platform/time.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import { lastCheckpoint, type LineageView } from './lineage-view.ts';

/** A group and the file it is in. */
export interface PlacedGroup extends GroupMark {
  readonly file: string;
  /** Set when it is one half of something, where the group itself was read. */
  readonly phase?: GroupPhase;
}

/** What lies on both sides of a place in the log, read from the archive's bytes. */
export interface Neighbours {
  /** The last group that ends at or before the place, also in an earlier file; null when the archive has none. */
  readonly before: PlacedGroup | null;
  /** The first group that starts at or after it, also in a later file; null at the archive's end. */
  readonly after: PlacedGroup | null;
  /** The group that the place would cut in two; null at a boundary. */
  readonly inside: PlacedGroup | null;
  /** How many groups of the file end at or before the place. */
  readonly groupsBefore: number;
  /** Latest time of those groups, seconds since 1970; null when there are none. */
  readonly latestTimeBefore: number | null;
  /** GTID state with everything before the place applied; null where the source writes none. */
  readonly gtidState: string | null;
}

/** Gives a group the form that lists and plans show. */
export function placeGroup(file: string, { start, end, gtid, time, phase }: Group): PlacedGroup {
  const mark = { file, start, end, gtid: gtid === null ? null : formatGtid(gtid), time: formatSeconds(time) };
  return phase === undefined ? mark : { ...mark, phase };
}

/**
 * Reads what is around a place: at most about one MiB of its file.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` when the archive does not hold the place
 */
export async function findNeighbours(view: LineageView, place: Coordinates): Promise<Neighbours> {
  const segment = segmentOf(view, place);
  const { file } = place;
  const from = lastCheckpoint(view.checkpoints(file), ({ offset }) => offset < place.position);
  const sides: { before?: PlacedGroup; after?: PlacedGroup; inside?: PlacedGroup } = {};
  let groupsBefore = from?.groupsBefore ?? 0;
  let latestTimeBefore = from?.maxTimeBefore ?? null;
  let gtidState = segment.digest.gtidEnd;
  await view.readGroups(file, from, (group, state) => {
    if (group.end <= place.position) {
      sides.before = placeGroup(file, group);
      groupsBefore += 1;
      latestTimeBefore = Math.max(latestTimeBefore ?? group.time, group.time);
      return true;
    }
    gtidState = state?.toString() ?? null;
    sides[group.start >= place.position ? 'after' : 'inside'] = placeGroup(file, group);
    return false;
  });
  const inside = sides.inside ?? null;
  return {
    before: sides.before ?? groupBeforeFile(view, file),
    after: sides.after ?? (inside === null ? groupAfterFile(view, file) : null),
    inside,
    groupsBefore,
    latestTimeBefore,
    gtidState,
  };
}

function segmentOf(view: LineageView, place: Coordinates): CatalogSegment {
  const segment = view.segments.find(({ digest }) => digest.file === place.file);
  const where = formatCoordinates(place);
  if (segment === undefined) {
    throw new LastgoodError('TARGET_UNREACHABLE', `${where} is not in the archive of lineage ${view.lineage.id}`);
  }
  const { indexedTo } = segment.digest;
  if (place.position > indexedTo) {
    throw new LastgoodError(
      'TARGET_UNREACHABLE',
      `${where} is after the end of what is archived of the file, ${indexedTo}`,
      {
        details: { file: place.file, position: place.position, archivedTo: indexedTo },
      },
    );
  }
  return segment;
}

function groupBeforeFile(view: LineageView, file: string): PlacedGroup | null {
  const earlier = view.segments.filter(({ digest }) => compareFiles(digest.file, file) < 0 && digest.last !== null);
  return markOf(earlier.at(-1), 'last');
}

function groupAfterFile(view: LineageView, file: string): PlacedGroup | null {
  const later = view.segments.filter(({ digest }) => compareFiles(digest.file, file) > 0 && digest.first !== null);
  return markOf(later.at(0), 'first');
}

function markOf(segment: CatalogSegment | undefined, which: 'first' | 'last'): PlacedGroup | null {
  const mark = segment?.digest[which] ?? null;
  return segment === undefined || mark === null ? null : { file: segment.digest.file, ...mark };
}
