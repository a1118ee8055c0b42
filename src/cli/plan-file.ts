import { readFile } from 'node:fs/promises';
import { LastgoodError } from '../platform/errors.ts';
import { parsePlan } from '../recovery/parse-plan.ts';
import type { Plan } from '../recovery/plan.ts';

/** Reads a plan from a file that `lastgood plan --json` filled. @throws LastgoodError `FILE_UNREADABLE`, `PLAN_INVALID` */
export async function readPlanFile(path: string): Promise<Plan> {
  let json: string;
  try {
    json = await readFile(path, 'utf8');
  } catch (cause) {
    throw new LastgoodError('FILE_UNREADABLE', `--plan: cannot read '${path}'`, { cause, details: { path } });
  }
  return parsePlan(json, path);
}
