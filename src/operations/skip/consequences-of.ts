import type { Repository } from '../../archive/repository.ts';
import { analyseSkips, type SkipAnalysis } from '../../recovery/consequences/analyse-skips.ts';
import { NO_DEFINITIONS } from '../../recovery/consequences/table-facts.ts';
import type { Plan } from '../../recovery/plan.ts';
import type { BarePlan } from '../../recovery/planner.ts';
import type { Skip } from '../../recovery/skip.ts';
import { findChangedColumns } from './changed-columns.ts';
import { compareRows } from './compare-rows.ts';
import { findSkipDefinitions } from './skip-definitions.ts';

/** How far one step of looking at skips is, bytes of the log. */
export interface AnalysisProgress {
  readonly step: 'reading definitions' | 'reading what follows' | 'comparing rows';
  readonly done: number;
  readonly total: number;
}

/** What skips are looked at with. */
export interface SkipSource {
  readonly repository: Repository;
  readonly progress?: ((progress: AnalysisProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

type Parts = Pick<Plan, 'segments' | 'skippedSegments'>;

/** What leaves incidents out. */
export interface SkippedLog {
  /** What is replayed or served, and what is not. */
  readonly log: Parts;
  /** A backup from before what is skipped, and the log behind it: they tell how tables are defined. null: there is none. */
  readonly backed: (Parts & Pick<Plan, 'backup'>) | null;
}

/**
 * The plan with what leaving incidents out comes to. It cannot be reached when one of them is impossible.
 *
 * @throws LastgoodError as `consequencesOf`
 */
export async function withConsequences(plan: BarePlan, skips: readonly Skip[], source: SkipSource): Promise<BarePlan> {
  const found = await consequencesOf({ log: plan, backed: plan }, skips, source);
  return { ...plan, ...found, reachable: found.skips.every(({ verdict }) => verdict !== 'impossible') };
}

/**
 * What leaving incidents out comes to. Reads the backup's definitions, and the archive from the backup to the end of the log; rows
 * of tables whose keys have to be compared once more.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `ARCHIVE_GAP`, `INTERRUPTED`
 */
export async function consequencesOf(
  { log, backed }: SkippedLog,
  skips: readonly Skip[],
  source: SkipSource,
): Promise<SkipAnalysis> {
  const { repository, signal } = source;
  const tell = (step: AnalysisProgress['step']) => (done: { bytes: number; totalBytes: number }) => {
    source.progress?.({ step, done: done.bytes, total: done.totalBytes });
  };
  const definitions =
    backed === null
      ? { ...NO_DEFINITIONS, foreignKeysUnknown: 'no backup from before it tells how tables are defined' }
      : await findSkipDefinitions(backed, { repository, signal, progress: tell('reading definitions') });
  const foldsCase = (backed?.backup.settings['lower_case_table_names'] ?? '0') !== '0';
  const about = { plan: log, definitions, foldsCase, repository, signal };
  const changed = await findChangedColumns(about);
  return await analyseSkips({
    ...{ ...about, skips, changed, progress: tell('reading what follows') },
    compareRows: async (asked) => await compareRows(asked, { ...about, progress: tell('comparing rows') }),
  });
}
