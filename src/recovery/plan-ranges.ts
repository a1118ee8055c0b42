import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServedIdentity, ServedRange } from '../server/served-range.ts';
import { fileKey, type Narrowing } from './narrowing.ts';
import type { Plan, PlanSegment } from './plan.ts';

/** A plan's part of the archive, ready to be served. */
export interface PlanRanges {
  readonly identity: ServedIdentity;
  readonly ranges: readonly ServedRange[];
}

/** Finds what the plan replays in the archive. @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `REPOSITORY_UNREADABLE` */
export async function openPlanRanges(
  repository: Repository,
  { backup, segments, target }: Pick<Plan, 'backup' | 'segments' | 'target'>,
  narrowing?: Narrowing,
): Promise<PlanRanges> {
  const { gtid } = backup.primary;
  return {
    identity: {
      flavor: backup.flavor,
      serverVersion: backup.serverVersion,
      serverId: backup.primary.serverId,
      gtidState: gtid,
      gtidMode: gtidModeOf([gtid, target.resolved.gtidState]),
    },
    ranges: (await openRanges(repository, segments)).map((range, index) => {
      const part = segments[index];
      return part === undefined ? range : { ...range, leftOut: narrowing?.leftOut.get(fileKey(part)) };
    }),
  };
}

/** Under which GTID_MODE a log of MySQL was written, by its GTID states: without GTIDs they are empty, or not there. */
export function gtidModeOf(states: readonly (string | null)[]): 'ON' | 'OFF' {
  return states.some((state) => state !== null && state !== '') ? 'ON' : 'OFF';
}

/** Offers parts of the archive, in their order. Throws as `openPlanRanges` does. */
export async function openRanges(
  repository: Repository,
  segments: readonly PlanSegment[],
): Promise<readonly ServedRange[]> {
  const findSegment = segmentFinder(repository);
  const isOneLineage = new Set(segments.map(({ lineage }) => lineage)).size <= 1;
  const ranges: ServedRange[] = [];
  for (const part of segments) {
    const { lineage, file } = part;
    const segment = await findSegment(part);
    if (segment === undefined)
      throw new LastgoodError('ARCHIVE_GAP', `${file} of lineage ${lineage} is not in the archive`);
    // Two servers' logs have files of the same names: a replica must be able to tell where it stands.
    const servedAs = isOneLineage ? file : `${lineage}.${file}`;
    ranges.push(await servedRange(segment, { ...part, file: servedAs }));
  }
  return ranges;
}

/** Looks up a plan's segments, reading each lineage's folder once. */
export function segmentFinder(
  repository: Repository,
): (part: Pick<PlanSegment, 'lineage' | 'file'>) => Promise<ArchivedSegment | undefined> {
  const lists = new Map<string, Promise<ArchivedSegment[]>>();
  return async ({ lineage, file }) => {
    const list = lists.get(lineage) ?? repository.segments(lineage);
    lists.set(lineage, list);
    return (await list).find((segment) => segment.file === file);
  };
}

/** Offers a part of an archived file, under the name `file`. */
export async function servedRange(
  segment: ArchivedSegment,
  { file, from, to }: Pick<PlanSegment, 'file' | 'from' | 'to'>,
): Promise<ServedRange> {
  const { format, bytes } = await readSegmentFormat(segment);
  return {
    ...{ file, from, to },
    formatEvent: bytes,
    checksum: format.checksum,
    open: async (offset) => await openSegment(segment, offset),
  };
}
