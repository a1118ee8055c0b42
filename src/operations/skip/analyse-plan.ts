import type { Repository } from '../../archive/repository.ts';
import { createLogger } from '../../platform/logger.ts';
import { analyseSkips } from '../../recovery/consequences/analyse-skips.ts';
import type { LineageView } from '../../recovery/lineage-view.ts';
import type { BarePlan } from '../../recovery/planner.ts';
import type { Skip } from '../../recovery/skip.ts';
import { compareRows } from './compare-rows.ts';
import { findSkipDefinitions } from './skip-definitions.ts';

/** What a plan's skips are looked at with. */
export interface SkipSource {
  readonly repository: Repository;
  readonly views: readonly LineageView[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * The plan with what leaving incidents out comes to; the same plan when it leaves out none. Reads the archive from the plan's
 * backup to its cut, and the backup's definitions.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `ARCHIVE_GAP`, `INTERRUPTED`
 */
export async function withConsequences(plan: BarePlan, skips: readonly Skip[], source: SkipSource): Promise<BarePlan> {
  if (skips.length === 0) return plan;
  const { repository, views, signal } = source;
  const definitions = await findSkipDefinitions(repository, plan, signal);
  const comparison = {
    repository,
    views,
    plan,
    definitions,
    log: createLogger({ level: 'silent', pretty: false }),
    signal,
  };
  const found = await analyseSkips({
    ...{ plan, skips, definitions, repository, signal },
    foldsCase: (plan.backup.settings['lower_case_table_names'] ?? '0') !== '0',
    compareRows: async (question, skip) => await compareRows(question, skip, comparison),
  });
  return { ...plan, ...found };
}
