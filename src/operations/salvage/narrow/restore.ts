import { isLastgoodError } from '../../../platform/errors.ts';
import { describeFailure } from '../../../recovery/proof.ts';
import { runPlan, type RunPlanOptions } from '../../../recovery/restore.ts';
import type { RanPlan } from '../../../recovery/run-phases.ts';
import { narrowIncident } from './choose.ts';
import type { NarrowPlan } from './narrow-plan.ts';

/** What of a plan was left out, since what is salvaged does not need it. */
export interface LeftOut {
  /** Those that were restored, in lower case. */
  readonly schemas: readonly string[];
  /** Left out of the log. */
  readonly groups: number;
  readonly bytes: number;
}

/** A restore of what a salvage needs, or of everything. */
export interface RestoredPart {
  readonly ran: RanPlan;
  /** null: everything was restored. */
  readonly filtered: LeftOut | null;
  /** Why everything was; null when it was not. */
  readonly unfilteredBecause: string | null;
}

/**
 * Restores what is needed, and everything where that is not known, or where the part does not load, apply or hold its proof: a
 * part never fails a salvage. Throws as `runPlan` does.
 *
 * @param narrow what is enough, or in words why nobody knows
 */
export async function restorePart(options: RunPlanOptions, narrow: NarrowPlan | string): Promise<RestoredPart> {
  const why = typeof narrow === 'string' ? narrow : await tryPart(options, narrow);
  if (typeof why !== 'string') return why;
  return { ran: await runPlan(options), filtered: null, unfilteredBecause: why };
}

async function tryPart(
  options: RunPlanOptions,
  { plan, narrowing, groups, bytes }: NarrowPlan,
): Promise<RestoredPart | string> {
  const { log } = options;
  const schemas = [...narrowing.schemas].filter((schema) => !schema.startsWith('\0')).sort();
  log.info({ schemas, groups, bytes }, 'restoring only what is needed; groups and bytes of the log are left out');
  const incident = narrowIncident(options.incident, narrowing.schemas);
  let why: string;
  try {
    const ran = await runPlan({ ...options, plan, narrowing, incident });
    if (ran.proof.ok) return { ran, filtered: { schemas, groups, bytes }, unfilteredBecause: null };
    await ran.target[Symbol.asyncDispose]();
    why = describeFailure(ran.proof);
  } catch (error) {
    if (!isLastgoodError(error, 'TOOL_FAILED')) throw error;
    why = error.message;
  }
  log.warn({ why }, 'a restore of only what is needed did not come to its end: restoring everything');
  return `a part was tried, and failed: ${why}`;
}
