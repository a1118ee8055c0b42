import type { Checkpoint } from '../archive/checkpoint.ts';
import { compareCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import { lastCheckpoint, type LineageView } from './lineage-view.ts';
import { isIn, reachesInto } from './timeline.ts';

/** Where a time cuts the log. */
export interface TimeCut {
  /** Start of the first group that is later than the time; null when no archived group is. */
  readonly cut: Coordinates | null;
  /** Groups after the cut, in the rest of its file and in the next one, whose time is not later than the target. */
  readonly stragglers: number;
}

/** What to look for, and where. */
export interface TimeSearch {
  /** Seconds since 1970. */
  readonly time: number;
  /** Groups before this place are known to be earlier, whatever time they carry. */
  readonly from: Coordinates | null;
  /** Groups from this place on are not looked at. */
  readonly to: Coordinates | null;
}

/**
 * Finds the first group whose time is later than `time`. A group's time is when its statement began on the source:
 * a long transaction commits after younger ones, and SET TIMESTAMP writes any time at all. So what follows the cut
 * with an earlier time is counted, not moved: the log's order is the order in which the data changed.
 */
export async function findTime(view: LineageView, { time, from, to }: TimeSearch): Promise<TimeCut> {
  const candidates = view.segments.filter(({ digest }) => reachesInto({ view, from, to }, digest.file));
  for (const [index, segment] of candidates.entries()) {
    if ((segment.digest.maxTime ?? -Infinity) <= time) continue;
    const inFile = await findInFile(view, segment, { time, from, to });
    if (inFile.cut === null) continue;
    const next = candidates[index + 1];
    const inNext = next === undefined ? 0 : await countStragglers(view, next, { time, from, to });
    return { cut: inFile.cut, stragglers: inFile.stragglers + inNext };
  }
  return { cut: null, stragglers: 0 };
}

async function findInFile(
  view: LineageView,
  { digest }: CatalogSegment,
  { time, from, to }: TimeSearch,
): Promise<TimeCut> {
  const { file } = digest;
  const isKnownEarlier = (position: number): boolean =>
    from !== null && compareCoordinates({ file, position }, from) < 0;
  const start = lastCheckpoint(
    view.checkpoints(file),
    (checkpoint) => isEarlier(checkpoint, time) || isKnownEarlier(checkpoint.offset),
  );
  let cut: Coordinates | null = null;
  let stragglers = 0;
  await view.readGroups(file, start, (group) => {
    if (!isIn({ view, from: null, to }, { file, ...group })) return false;
    if (cut !== null && group.time <= time) stragglers += 1;
    if (cut === null && group.time > time && !isKnownEarlier(group.start)) cut = { file, position: group.start };
    return true;
  });
  return { cut, stragglers };
}

/** True when every group before the checkpoint is at or before `time`. */
function isEarlier({ maxTimeBefore }: Checkpoint, time: number): boolean {
  return (maxTimeBefore ?? -Infinity) <= time;
}

async function countStragglers(
  view: LineageView,
  { digest }: CatalogSegment,
  { time, to }: TimeSearch,
): Promise<number> {
  if ((digest.minTime ?? Infinity) > time) return 0;
  let stragglers = 0;
  await view.readGroups(digest.file, null, (group) => {
    if (!isIn({ view, from: null, to }, { file: digest.file, ...group })) return false;
    if (group.time <= time) stragglers += 1;
    return true;
  });
  return stragglers;
}
