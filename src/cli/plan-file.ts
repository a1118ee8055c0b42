import { parsePlan } from '../recovery/parse-plan.ts';
import type { Plan } from '../recovery/plan.ts';
import { readTextFile } from './read-text-file.ts';

/** Reads a plan from a file that `lastgood plan --json` filled. @throws LastgoodError `FILE_UNREADABLE`, `PLAN_INVALID` */
export async function readPlanFile(path: string): Promise<Plan> {
  return parsePlan(await readTextFile(path, '--plan'), path);
}
