import type { Repository } from '../../../archive/repository.ts';
import { readBehind } from '../../../recovery/consequences/read-behind.ts';
import type { Plan } from '../../../recovery/plan.ts';
import { surveyDump } from './dump-survey.ts';
import { LogSurvey } from './log-survey.ts';
import type { SchemaWords } from './schema-words.ts';

/** What is known of a plan before it runs. */
export interface PlanSurvey {
  readonly words: SchemaWords;
  readonly log: LogSurvey;
  /** Why it is not certain which schemas are needed; null: it is. */
  readonly doubt: string | null;
}

export interface SurveyOptions {
  readonly repository: Repository;
  /** A schema. */
  readonly wanted: string;
  readonly progress?: ((done: { bytes: number; totalBytes: number }) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Reads the definitions of the plan's backup and all of its log: which schemas each transaction is about, which tables there are.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function surveyPlan(plan: Plan, o: SurveyOptions): Promise<PlanSurvey> {
  const { words, doubt } = await surveyDump(o.repository, plan.backup);
  const log = new LogSurvey(o.wanted, words);
  await readBehind(plan.segments, log, o);
  return { words, log, doubt: doubt ?? log.doubt ?? (words.isWhole ? null : 'definitions hold too many words') };
}
