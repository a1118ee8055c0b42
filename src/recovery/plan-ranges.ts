import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServedIdentity, ServedRange } from '../server/served-range.ts';
import type { Plan, PlanSegment } from './plan.ts';

/** A plan's part of the archive, ready to be served. */
export interface PlanRanges {
  readonly identity: ServedIdentity;
  readonly ranges: readonly ServedRange[];
}

/** Finds what the plan replays in the archive. @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `REPOSITORY_UNREADABLE` */
export async function openPlanRanges(repository: Repository, { target, backup, segments }: Plan): Promise<PlanRanges> {
  const { lineage } = target.resolved;
  const archived = new Map((await repository.segments(lineage)).map((segment) => [segment.file, segment]));
  const ranges: ServedRange[] = [];
  for (const part of segments) {
    const segment = archived.get(part.file);
    if (segment === undefined)
      throw new LastgoodError('ARCHIVE_GAP', `${part.file} of lineage ${lineage} is not in the archive`);
    ranges.push(await servedRange(segment, part));
  }
  return {
    identity: {
      flavor: backup.flavor,
      serverVersion: backup.serverVersion,
      serverId: backup.primary.serverId,
      gtidState: backup.primary.gtid,
    },
    ranges,
  };
}

/** Offers a part of an archived file. */
export async function servedRange(
  segment: ArchivedSegment,
  { file, from, to }: Omit<PlanSegment, 'bytes'>,
): Promise<ServedRange> {
  const { format, bytes } = await readSegmentFormat(segment);
  return {
    ...{ file, from, to },
    formatEvent: bytes,
    checksum: format.checksum,
    open: async (offset) => await openSegment(segment, offset),
  };
}
