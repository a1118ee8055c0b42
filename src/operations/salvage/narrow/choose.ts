import type { Incident } from '../../../incident/incident.ts';
import type { Plan } from '../../../recovery/plan.ts';
import { SERVER } from './log-survey.ts';
import { narrowPlan, type NarrowPlan } from './narrow-plan.ts';
import { neededSchemas } from './needed-schemas.ts';
import type { PlanSurvey } from './survey.ts';

/**
 * What of the plan is enough to bring a schema back. Pure.
 *
 * @returns in words why all of it has to be restored
 */
export function chooseNarrow(plan: Plan, { words, log, doubt }: PlanSurvey, schema: string): NarrowPlan | string {
  const { resolved } = plan.target;
  if (plan.skipped.length > 0) return 'incidents are skipped';
  if (plan.crossings.length > 0) return 'the way leads over a failover';
  if (resolved.gtidState === null || plan.backup.primary.gtid === null) return 'the source writes no GTIDs';
  if (doubt !== null) return doubt;
  if (log.groups.groups !== plan.groups)
    return `the log holds ${log.groups.groups} transactions, planned were ${plan.groups}`;
  const needed = neededSchemas([schema.toLowerCase(), SERVER], {
    groups: log.groups.sets.map(({ schemas }) => schemas),
    schemas: words.schemas,
    namedBy: (one) => words.namedBy(one),
    passesOn: (one) => words.passesOn(one),
    hasText: log.hasText,
  });
  const narrow = narrowPlan(plan, log.groups, needed);
  const isAll = narrow.groups === 0 && plan.backup.databases.every((one) => needed.has(one.toLowerCase()));
  return isAll ? 'nothing could be left out: transactions or definitions tie all schemas together' : narrow;
}

/** The incident as far as its objects are restored. */
export function narrowIncident(incident: Incident | null, schemas: ReadonlySet<string>): Incident | null {
  if (incident === null) return null;
  return { ...incident, objects: incident.objects.filter(({ schema }) => schemas.has(schema.toLowerCase())) };
}
