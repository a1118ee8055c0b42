import { GtidPosition, parseMariadbGtid } from '../../../binlog/mariadb-gtid.ts';
import { fileKey, type Narrowing } from '../../../recovery/narrowing.ts';
import type { Plan, PlanSegment, ResolvedTarget } from '../../../recovery/plan.ts';
import type { GroupRuns, GroupSet, GroupSets, NewestGroup } from './group-runs.ts';

/** A plan of which only what some schemas need is left. */
export interface NarrowPlan {
  readonly plan: Plan;
  readonly narrowing: Narrowing;
  /** Left out of the plan. */
  readonly groups: number;
  readonly bytes: number;
}

/** Leaves out the groups that are about none of the schemas. Pure. */
export function narrowPlan(
  plan: Plan,
  log: Pick<GroupSets, 'sets' | 'runs'>,
  schemas: ReadonlySet<string>,
): NarrowPlan {
  const keeps = ({ schemas: own }: GroupSet): boolean => own.length === 0 || own.some((schema) => schemas.has(schema));
  const isKept = log.sets.map(keeps);
  const parts = plan.segments.flatMap((segment) => narrowPart(segment, log.runs.get(fileKey(segment)), isKept) ?? []);
  const kept = log.sets.filter(keeps);
  const bytes = parts.reduce((sum, { segment }) => sum + segment.bytes, 0);
  const groups = kept.reduce((sum, set) => sum + set.groups, 0);
  const resolved = resolvedOf(plan.target.resolved, kept);
  return {
    plan: {
      ...plan,
      target: { ...plan.target, resolved },
      segments: parts.map(({ segment }) => segment),
      groups,
      bytes,
    },
    narrowing: {
      schemas,
      leftOut: new Map(parts.map(({ segment, gaps }) => [fileKey(segment), Float64Array.from(gaps)])),
    },
    groups: plan.groups - groups,
    bytes: plan.bytes - bytes,
  };
}

/** From its first kept group to its last one; null when it has none. */
function narrowPart(
  segment: PlanSegment,
  runs: GroupRuns | undefined,
  isKept: readonly boolean[],
): { segment: PlanSegment; gaps: number[] } | null {
  if (runs === undefined) return null;
  const keeps = (set: number): boolean => isKept[set] === true;
  const first = runs.sets.findIndex(keeps);
  const last = runs.sets.findLastIndex(keeps);
  if (first < 0) return null;
  const from = first === 0 ? segment.from : startOf(runs, first);
  const to = last === runs.sets.length - 1 ? segment.to : endOf(runs, last);
  const gaps: number[] = [];
  for (let run = first; run < last; run += 1)
    if (!keeps(runs.sets[run] ?? -1)) addGap(gaps, startOf(runs, run), endOf(runs, run));
  const left = gaps.reduce((sum, place, index) => (index % 2 === 0 ? sum - place : sum + place), 0);
  return { segment: { ...segment, from, to, bytes: to - from - left }, gaps };
}

function addGap(gaps: number[], start: number, end: number): void {
  if (gaps.at(-1) === start) gaps.splice(-1, 1, end);
  else gaps.push(start, end);
}

function startOf({ starts }: GroupRuns, run: number): number {
  return starts[run] ?? 0;
}

function endOf({ ends }: GroupRuns, run: number): number {
  return ends[run] ?? 0;
}

/** What a server reports in the end that never saw the others. */
function resolvedOf(resolved: ResolvedTarget, kept: readonly GroupSet[]): ResolvedTarget {
  const last = newestOf(kept.flatMap((set) => set.last ?? []));
  const position = new GtidPosition();
  for (const domain of new Set(kept.flatMap(({ newest }) => [...newest.keys()]))) {
    const newest = newestOf(kept.flatMap((set) => set.newest.get(domain) ?? []));
    if (typeof newest?.gtid === 'string') position.add(parseMariadbGtid(newest.gtid));
  }
  return {
    ...resolved,
    gtid: last?.gtid ?? null,
    time: last === null ? null : new Date(last.time * 1000).toISOString(),
    gtidState: position.toString(),
  };
}

function newestOf(groups: readonly NewestGroup[]): NewestGroup | null {
  return groups.reduce<NewestGroup | null>(
    (newest, group) => (newest === null || group.order > newest.order ? group : newest),
    null,
  );
}
