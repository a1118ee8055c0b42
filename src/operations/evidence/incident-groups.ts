import { openSegment, readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import type { Incident } from '../../incident/incident.ts';
import { LoopGroups } from '../../incident/loop-groups.ts';
import type { LogPart, Span } from './whole-events.ts';

/** The part of the log that an incident is: one group, or those of a loop of small deletes with others between them. */
export async function partOfIncident(
  segment: ArchivedSegment,
  { start, end, groups = 1, lastEnd = end }: Incident,
): Promise<LogPart> {
  if (groups === 1) return { segment, start, end };
  const { format } = await readSegmentFormat(segment);
  const found: Span[] = [];
  const visitor = new LoopGroups(({ start, end }) => found.push({ start, end }));
  visitor.enterFile(format);
  await using source = await openSegment(segment, start);
  await readBinlog(source, {
    visitor,
    verifyChecksums: true,
    start: { format, offset: start, gtidState: null },
    until: (offset) => offset >= lastEnd,
  });
  return { segment, start, end: lastEnd, groups: found.filter((group) => group.end <= lastEnd) };
}
