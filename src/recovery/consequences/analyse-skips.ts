/**
 * What leaving incidents out comes to. Enters: the skipped groups, the archive behind them, what is known of definitions.
 * Leaves: a verdict for each, and what later groups meet. Must not know how rows are decoded, or who asks.
 */
import type { Plan, PlanConflict, PlanSkip } from '../plan.ts';
import type { Skip } from '../skip.ts';
import type { GroupPlace } from './conflict-list.ts';
import { GroupSpans } from './group-spans.ts';
import { GroupTouches, type TouchedGroup } from './group-touches.ts';
import { NameFilter } from './name-filter.ts';
import { readBehind, stretchesBehind, type BehindSource } from './read-behind.ts';
import type { RowQuestion } from './row-watch.ts';
import { SkipTrace } from './skip-trace.ts';
import type { Definitions } from './table-facts.ts';
import { nameOf } from './touch.ts';
import { verdictOf } from './verdict.ts';

/** What comparing the keys of rows found. */
export interface RowAnswer {
  readonly why: string;
  readonly kind: Extract<PlanConflict['kind'], 'fails' | 'may-fail'>;
  readonly group: GroupPlace;
}

export interface AnalyseOptions extends BehindSource {
  /** What is replayed, and what is not. */
  readonly plan: Pick<Plan, 'segments' | 'skippedSegments'>;
  readonly skips: readonly Skip[];
  readonly definitions: Definitions;
  /** True where names of tables in capitals are the same names. */
  readonly foldsCase: boolean;
  /** Compares the keys of skipped rows with those of later ones. */
  readonly compareRows: (question: RowQuestion, skip: Skip) => Promise<readonly RowAnswer[]>;
}

export interface SkipAnalysis {
  readonly skips: readonly PlanSkip[];
  readonly conflicts: readonly PlanConflict[];
}

/**
 * Reads all groups behind each skipped one up to the cut and tells which of them fail without it, or do something else: by the
 * names of what statements and rows are about, and where the skipped rows are in the log, by their keys. Memory stays flat.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function analyseSkips(options: AnalyseOptions): Promise<SkipAnalysis> {
  const { skips, plan, definitions } = options;
  const traces = skips.map((skip) => new SkipTrace(skip.incident, definitions));
  const owners = ownersOf(skips, traces);
  const visitor = new GroupTouches({
    foldsCase: options.foldsCase,
    filter: filterOf(skips, traces),
    onGroup: (group) => {
      follow(group, { traces, owners: owners.get(keyOf(group.place)) ?? [] });
    },
  });
  await readBehind(stretchesBehind(plan.segments, plan.skippedSegments), visitor, options);
  for (const [index, trace] of traces.entries()) await compare(trace, skips[index] as Skip, options);
  return {
    skips: traces.map(verdictOf),
    conflicts: traces.flatMap(({ conflicts }) => conflicts.conflicts),
  };
}

function keyOf({ lineage, file, start }: Omit<GroupPlace, 'gtid'>): string {
  return `${lineage}/${file}:${start}`;
}

function ownersOf(skips: readonly Skip[], traces: readonly SkipTrace[]): Map<string, SkipTrace[]> {
  const owners = new Map<string, SkipTrace[]>();
  for (const [index, { groups }] of skips.entries()) {
    for (const group of groups) {
      const key = keyOf(group);
      owners.set(key, [...(owners.get(key) ?? []), traces[index] as SkipTrace]);
    }
  }
  return owners;
}

/** A skipped group does nothing to what other skips lead to. */
function follow(
  group: TouchedGroup,
  { traces, owners }: { traces: readonly SkipTrace[]; owners: readonly SkipTrace[] },
): void {
  for (const trace of owners) skip(group, trace);
  if (owners.length > 0) return;
  const { touches, place, unread, hasText } = group;
  for (const trace of traces) {
    for (const touch of touches) trace.touch(touch, place);
    if (hasText) trace.text(place);
    if (unread !== null) trace.unread(unread, place);
  }
}

function skip({ touches, place, unread, cascades }: TouchedGroup, trace: SkipTrace): void {
  for (const touch of touches) trace.skip(touch, place);
  if (unread !== null) trace.skipUnread(unread, place);
  if (cascades) trace.skipUnread('may change rows of other tables by foreign keys, which the log does not name', place);
}

/** Inside of skipped groups everything matters; behind them, names of what differs. Remade only when these change. */
function filterOf(
  skips: readonly Skip[],
  traces: readonly SkipTrace[],
): (place: Omit<GroupPlace, 'gtid'>) => NameFilter | null {
  const skipped = new GroupSpans(skips.flatMap(({ groups }) => groups));
  let filter = new NameFilter([]);
  let of = -1;
  return ({ lineage, file, start }) => {
    if (skipped.has({ lineage, file, offset: start })) return null;
    const changes = traces.reduce((sum, trace) => sum + trace.changes, 0);
    if (changes !== of) {
      filter = new NameFilter(traces.filter(({ isOpen }) => isOpen).flatMap(({ names }) => names));
      of = changes;
    }
    return filter;
  };
}

async function compare(trace: SkipTrace, skip: Skip, { compareRows }: AnalyseOptions): Promise<void> {
  for (const question of trace.questions) {
    for (const { why, kind, group } of await compareRows(question, skip)) {
      trace.conflicts.add({ object: nameOf(question.table), why, kind }, group);
      if (kind === 'fails') trace.end();
    }
  }
}
