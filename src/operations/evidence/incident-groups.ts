import { openSegment, readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import type { Group, GroupVisitor, RowChange } from '../../binlog/group.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import { loopKey } from '../../incident/delete-loops.ts';
import { sourceOf, type Source } from '../../incident/dialect.ts';
import type { Incident } from '../../incident/incident.ts';
import { RowChanges } from '../../incident/row-changes.ts';
import type { LogPart, Span } from './whole-events.ts';

/** The part of the log that an incident is: one group, or those of a loop of small deletes with others between them. */
export async function partOfIncident(
  segment: ArchivedSegment,
  { start, end, groups = 1, lastEnd = end }: Incident,
): Promise<LogPart> {
  if (groups === 1) return { segment, start, end };
  const { format } = await readSegmentFormat(segment);
  const finder = new LoopGroups(sourceOf(format));
  await using source = await openSegment(segment, start);
  await readBinlog(source, {
    visitor: finder,
    verifyChecksums: true,
    start: { format, offset: start, gtidState: null },
    until: (offset) => offset >= lastEnd,
  });
  return { segment, start, end: lastEnd, groups: finder.groups.filter((group) => group.end <= lastEnd) };
}

/** Finds the groups that are of one loop with the first one. */
class LoopGroups implements GroupVisitor {
  readonly groups: Span[] = [];
  readonly #source: Source;
  readonly #rows = new RowChanges();
  #key: string | null = null;

  constructor(source: Source) {
    this.#source = source;
  }

  query(): void {
    // Statements in text form are no part of a loop.
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    this.#rows.annotation(bytes, from, to);
  }

  rows(change: RowChange): void {
    this.#rows.rows(change);
  }

  release(): void {
    this.#rows.release();
  }

  group(group: Group): void {
    const rows = this.#rows.take({ anything: true });
    const key = rows === null ? null : loopKey(group, rows, this.#source);
    this.#key ??= key;
    if (key !== null && key === this.#key) this.groups.push({ start: group.start, end: group.end });
  }

  torn(): void {
    this.#rows.clear();
  }
}
