import { LastgoodError } from '../../../platform/errors.ts';
import { nearestWord } from '../../../platform/nearest-word.ts';
import type { Plan } from '../../../recovery/plan.ts';
import { listShort } from '../list-short.ts';
import type { PlanSurvey } from './survey.ts';

/** What is asked for. */
export interface WantedNames {
  readonly schema: string;
  /** Empty: all of the schema. */
  readonly tables: readonly string[];
}

type Known = Pick<PlanSurvey, 'words'> & { readonly log: Pick<PlanSurvey['log'], 'isUnread' | 'touched' | 'groups'> };

/**
 * Refuses names that neither the plan's backup nor its log has: nobody has to wait for a restore to learn of a slip of the pen.
 * Where a statement of the log cannot be read, it may have made anything.
 *
 * @throws LastgoodError `OBJECT_UNKNOWN`
 */
export function refuseUnknown({ backup }: Pick<Plan, 'backup'>, survey: Known, { schema, tables }: WantedNames): void {
  const { words, log } = survey;
  if (log.isUnread) return;
  const folds = foldsCase(backup);
  const has = (names: readonly string[], name: string): boolean =>
    names.some((one) => (folds ? one.toLowerCase() === name.toLowerCase() : one === name));
  const inLog = log.groups.sets.some(({ schemas }) => schemas.includes(schema.toLowerCase()));
  const where = `is neither in backup ${backup.id} nor in the log from there to the target`;
  if (!has(backup.databases, schema) && !inLog)
    throw unknown(`schema '${schema}' ${where}`, {
      name: schema,
      known: backup.databases,
      option: '--schema',
    });
  const known = tablesIn(words, { backup }, schema);
  const missing = tables.find((table) => !has(known, table) && !log.touched.has(table.toLowerCase()));
  if (missing === undefined) return;
  const message = `table or view '${missing}' of schema '${schema}' ${where}`;
  throw unknown(message, { name: missing, known, option: '--table' });
}

/** Tables and views of the backup's schema that nothing removed or renamed: they are there at the target. */
export function certainTables(plan: Pick<Plan, 'backup'>, { words, log }: Known, schema: string): readonly string[] {
  if (log.isUnread) return [];
  return tablesIn(words, plan, schema).filter((table) => log.touched.get(table.toLowerCase()) !== true);
}

/** Where names in capitals are other names, shop has nothing of Shop. */
function tablesIn(words: Known['words'], { backup }: Pick<Plan, 'backup'>, schema: string): readonly string[] {
  return foldsCase(backup) ? words.tablesOf(schema) : words.tablesOfExactly(schema);
}

function foldsCase({ settings }: Plan['backup']): boolean {
  return (settings['lower_case_table_names'] ?? '0') !== '0';
}

function unknown(message: string, o: { name: string; known: readonly string[]; option: string }): LastgoodError {
  const near = nearestWord(o.name, o.known);
  const guess = near === undefined ? '' : `Did you mean ${o.option} ${near}? `;
  const there = o.known.length === 0 ? 'The backup has none.' : `The backup has: ${listShort(o.known)}.`;
  return new LastgoodError('OBJECT_UNKNOWN', message, { details: { name: o.name }, hint: `${guess}${there}` });
}
