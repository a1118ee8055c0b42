/**
 * From a plan to a proven server. Enters: a plan, the archive it was made from, and where to. Leaves: a server with
 * exactly the planned state, and the proof. Must not know argv, printing, or where the plan came from.
 */
import { availableParallelism } from 'node:os';
import { readBootId } from '../platform/boot-id.ts';
import { checkPlan } from './check-plan.ts';
import { chooseServerId } from './create-scratch.ts';
import { noNewMysql } from './new-mysql.ts';
import { openTarget } from './open-target.ts';
import { refuseSkips } from './refuse-skips.ts';
import type { RestoreRun } from './restore-note.ts';
import type { PhaseOptions } from './restore-phases.ts';
import type { RestoreInto } from './restore-target.ts';
import { firstNote, runPhases, StopWatch, type RanPlan } from './run-phases.ts';

export interface RunPlanOptions extends PhaseOptions {
  readonly into: RestoreInto;
  /** Run also a plan whose skipped groups may clash with later ones. */
  readonly acceptConflicts?: boolean | undefined;
  /** XA transactions that were prepared at the cut stay prepared; they are rolled back when not given. */
  readonly keepPrepared?: boolean | undefined;
  /** Which the target's appliers share with us; those that this process may use when not given. */
  readonly cores?: number | undefined;
}

/**
 * Loads the plan's backup into the target, replays the plan's part of the archive and proves the result. After an
 * error a new server is ended and its folder emptied; an existing one keeps what was loaded, and the error says so.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`, `TARGET_NOT_EMPTY`, `BACKUP_MISSING`, `ARCHIVE_DAMAGED`, `ARCHIVE_GAP`, `LOCKED`,
 *   `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`; not `PROOF_FAILED`: what to do with an unproven server is the caller's
 */
export async function runPlan(options: RunPlanOptions): Promise<RanPlan> {
  const { plan, repository } = options;
  if (plan.backup.flavor === 'mysql' && options.into.kind === 'scratch') throw noNewMysql(`backup ${plan.backup.id}`);
  refuseSkips(plan, { accepted: options.acceptConflicts === true });
  await checkPlan(repository, plan);
  const watch = new StopWatch();
  const { cores = availableParallelism() } = options;
  const note = firstNote(plan, describeRun({ ...options, cores }));
  const target = await openTarget({ ...options, cores, note });
  return await runPhases(target, { ...options, note, watch, place: null });
}

function describeRun({
  into,
  engine = 'applier',
  keepPrepared = false,
  acceptConflicts = false,
  cores,
}: RunPlanOptions): RestoreRun {
  const port = into.kind === 'scratch' ? (into.port ?? 0) : 0;
  const [serverId, bootId] = [chooseServerId(), readBootId()];
  return { engine, keepPrepared, acceptConflicts, port, serverId, cores, bootId, fell: false };
}
