import { formatGtid, parseGtid } from '../binlog/gtid-text.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { PlacedGroup } from './neighbours.ts';
import type { PlanSegment, ResolvedTarget } from './plan.ts';
import type { SkippedGroup } from './skip.ts';

/** The ranges without the groups, and the bytes that went: joined again they are the ranges as they were. Pure. */
export function cutOut(
  segments: readonly PlanSegment[],
  groups: readonly SkippedGroup[],
): { kept: PlanSegment[]; left: PlanSegment[] } {
  const parts = segments.map((segment) => cutSegment(segment, groups));
  return { kept: parts.flatMap(({ kept }) => kept), left: parts.flatMap(({ left }) => left) };
}

function cutSegment(
  segment: PlanSegment,
  groups: readonly SkippedGroup[],
): { kept: PlanSegment[]; left: PlanSegment[] } {
  const { lineage, file } = segment;
  const part = (from: number, to: number): PlanSegment => ({ lineage, file, from, to, bytes: to - from });
  const inside = groups.filter((group) => group.lineage === lineage && group.file === file);
  const kept: PlanSegment[] = [];
  const left: PlanSegment[] = [];
  let at = segment.from;
  for (const { start, end } of inside.toSorted((a, b) => a.start - b.start)) {
    if (start < at || end > segment.to) continue;
    if (start > at) kept.push(part(at, start));
    const last = left.at(-1);
    if (last?.to === start) left.splice(-1, 1, part(last.from, end));
    else left.push(part(start, end));
    at = end;
  }
  if (at < segment.to) kept.push(part(at, segment.to));
  return { kept, left };
}

/**
 * The cut as it is without the groups: what a server reports in the end that never saw them, and the last group it applied.
 *
 * @param last the last group before the cut
 */
export function withoutGroups(
  resolved: ResolvedTarget,
  groups: readonly SkippedGroup[],
  last: PlacedGroup | null,
): ResolvedTarget {
  if (groups.length === 0) return resolved;
  const kept = lastKept(last, groups);
  const state = resolved.gtidState === null ? null : stateWithout(resolved.gtidState, groups);
  return { ...resolved, gtid: kept?.gtid ?? null, time: kept?.time ?? null, gtidState: state };
}

/** Goes back over what is left out, the newest first. */
function lastKept(last: PlacedGroup | null, groups: readonly SkippedGroup[]): PlacedGroup | null {
  const skipped = new Map(groups.filter(({ isGroup }) => isGroup).map((group) => [keyOf(group), group]));
  let kept = last;
  for (;;) {
    const group = kept === null ? undefined : skipped.get(keyOf(kept));
    if (group === undefined) return kept;
    kept = group.before;
  }
}

/** Files of two lineages may have one name, their groups then have not one GTID. */
function keyOf({ file, start, gtid }: PlacedGroup): string {
  return `${file}:${start} ${gtid ?? ''}`;
}

function stateWithout(state: string, groups: readonly SkippedGroup[]): string {
  const skipped = groups.flatMap(({ gtid, previous }) => (gtid === null ? [] : [{ gtid, previous }]));
  const [first] = skipped;
  if (first === undefined) return state;
  if (parseGtid(first.gtid).flavor === 'mysql') {
    const set = new GtidSet();
    for (const { gtid } of skipped) set.add(parseGtid(gtid));
    return GtidSet.parse(state).subtract(set).toString();
  }
  const before = new Map(skipped.map(({ gtid, previous }) => [gtid, previous]));
  const position = new GtidPosition();
  for (const last of GtidPosition.parse(state).gtids()) {
    let gtid: string | null = formatGtid(last);
    while (gtid !== null && before.has(gtid)) gtid = before.get(gtid) ?? null;
    if (gtid !== null) position.add(parseGtid(gtid));
  }
  return position.toString();
}
