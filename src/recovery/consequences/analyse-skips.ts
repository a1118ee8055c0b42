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
import { SkipTrace, type Known } from './skip-trace.ts';
import { nameOf } from './touch.ts';
import { verdictOf } from './verdict.ts';

/** What comparing the keys of rows found. */
export interface RowAnswer {
  readonly why: string;
  readonly kind: Extract<PlanConflict['kind'], 'fails' | 'may-fail'>;
  readonly group: GroupPlace;
}

/** Whose rows are to be compared, and what is left out. */
export interface AskedRows {
  readonly question: RowQuestion;
  readonly skip: Skip;
}

export interface AnalyseOptions extends BehindSource, Known {
  /** What is replayed, and what is not. */
  readonly plan: Pick<Plan, 'segments' | 'skippedSegments'>;
  readonly skips: readonly Skip[];
  /** True where names of tables in capitals are the same names. */
  readonly foldsCase: boolean;
  /** Compares the keys of skipped rows with those of later ones; answers come in the order of the questions. */
  readonly compareRows: (asked: readonly AskedRows[]) => Promise<readonly (readonly RowAnswer[])[]>;
}

export interface SkipAnalysis {
  readonly skips: readonly PlanSkip[];
  readonly conflicts: readonly PlanConflict[];
}

/** One skip, and what it leads to. */
interface Followed {
  readonly skip: Skip;
  readonly trace: SkipTrace;
  readonly groups: GroupSpans;
}

/**
 * Reads all groups behind each skipped one up to the cut and tells which of them fail without it, or do something else: by the
 * names of what statements and rows are about, and where the skipped rows are in the log, by their keys. Memory stays flat.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function analyseSkips(options: AnalyseOptions): Promise<SkipAnalysis> {
  const { plan, compareRows } = options;
  const all = options.skips.map((skip): Followed => {
    return { skip, trace: new SkipTrace(skip.incident, options), groups: new GroupSpans(skip.groups) };
  });
  const visitor = new GroupTouches({
    foldsCase: options.foldsCase,
    filter: filterOf(all),
    onGroup: (group) => {
      follow(group, all);
    },
  });
  await readBehind(stretchesBehind(plan.segments, plan.skippedSegments), visitor, options);
  await compare(all, compareRows);
  return {
    skips: all.map(({ trace }) => verdictOf(trace)),
    conflicts: all.flatMap(({ trace }) => trace.conflicts.conflicts),
  };
}

/** A skipped group does nothing to what other skips lead to. */
function follow(group: TouchedGroup, all: readonly Followed[]): void {
  const { place } = group;
  const owners = all.filter(({ groups }) => groups.has({ ...place, offset: place.start }));
  for (const { trace } of owners) skipGroup(group, trace);
  if (owners.length === 0) for (const { trace } of all) meetGroup(group, trace);
}

function skipGroup({ touches, place, unread, cascades, phase }: TouchedGroup, trace: SkipTrace): void {
  for (const touch of touches) trace.skip(touch, place);
  if (phase !== undefined) trace.halves.skip(phase);
  if (unread !== null) trace.skipUnread(unread, place);
  if (cascades) trace.skipUnnamed(place);
}

function meetGroup({ touches, place, unread, hasText, phase }: TouchedGroup, trace: SkipTrace): void {
  if (phase !== undefined) trace.phase(phase, place);
  for (const touch of touches) trace.touch(touch, place);
  if (hasText) trace.text(place);
  if (unread !== null) trace.unread(unread, place);
}

/** Inside of skipped groups everything matters; behind them, names of what differs. Remade only when these change. */
function filterOf(all: readonly Followed[]): (place: Omit<GroupPlace, 'gtid'>) => NameFilter | null {
  const skipped = new GroupSpans(all.flatMap(({ skip }) => skip.groups));
  let filter = new NameFilter([]);
  let of = -1;
  return ({ lineage, file, start }) => {
    if (skipped.has({ lineage, file, offset: start })) return null;
    const changes = all.reduce((sum, { trace }) => sum + trace.changes, 0);
    if (changes !== of) {
      const open = all.map(({ trace }) => trace).filter(({ isOpen }) => isOpen);
      const takesAll = open.some(({ mindsAll }) => mindsAll);
      filter = new NameFilter(
        open.flatMap(({ names }) => names),
        { takesAll },
      );
      of = changes;
    }
    return filter;
  };
}

async function compare(all: readonly Followed[], compareRows: AnalyseOptions['compareRows']): Promise<void> {
  const asked = all.flatMap(({ trace, skip }) => trace.questions.map((question) => ({ question, skip, trace })));
  const answers = asked.length === 0 ? [] : await compareRows(asked);
  for (const [index, { trace, question }] of asked.entries()) {
    for (const { why, kind, group } of answers[index] ?? []) {
      trace.conflicts.add({ object: nameOf(question.table), why, kind }, group);
      if (kind === 'fails') trace.end();
    }
  }
}
