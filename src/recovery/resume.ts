/**
 * Goes on with an earlier restore. Enters: its folder, held; the plan to bring it to. Leaves: what `runPlan` leaves. What an
 * interrupted run has done is only kept where it is certain what that is; else it is loaded anew, which is always right.
 */
import { readBootId } from '../platform/boot-id.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { AppliedPlace } from './applied-place.ts';
import { checkPlan } from './check-plan.ts';
import { installServer } from './create-scratch.ts';
import { dataBytes, neededForward, requireSpace } from './disk-space.ts';
import { endServer, hasServer, type HeldRestore } from './held-restore.ts';
import { fitting } from './open-target.ts';
import { readOwnLines, refuseOwnServer } from './own-options.ts';
import { placeOf, type Way } from './place-of.ts';
import { clearFolder } from './restore-folder.ts';
import { refuseSkips } from './refuse-skips.ts';
import { forgetReplication, reopenScratchServer } from './reopen-scratch.ts';
import type { PhaseOptions } from './restore-phases.ts';
import { writeRestoreNote } from './restore-note.ts';
import { firstNote, runPhases, StopWatch, type RanPlan } from './run-phases.ts';
import type { ScratchServer, ScratchServerOptions } from './scratch-server.ts';
import { readMachineZone, sourceZone } from './source-zone.ts';
import { refuseReplica, requireNothingLost, requireUntouched, startedAgain } from './untouched.ts';
import { notAhead, requireForward } from './way-forward.ts';
import { whyAnew, whyUncertain } from './why-anew.ts';

/** Engine and conditions are those of the run that goes on. */
export interface ResumePlanOptions extends Omit<PhaseOptions, 'engine'> {
  readonly held: HeldRestore;
  /** Another than before where one was asked for. */
  readonly port?: number | undefined;
  /** Run also a later plan whose skipped groups may clash with later ones. */
  readonly acceptConflicts?: boolean | undefined;
}

/** A plan that ran to its end, begun by an earlier run. */
export interface ResumedPlan extends RanPlan {
  readonly resumed: Resumed;
}

/** What a resumed restore found and did. */
export interface Resumed {
  /** Groups that were applied before. */
  readonly groups: number;
  /** Why the backup was loaded again; null when it was not. */
  readonly anew: string | null;
}

/**
 * Brings the held restore to the plan: its own, or a later one where it is proven already. A server that runs there is stopped, unless it
 * runs in a way of its own, or is a replica.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` for a server that was written to since it was proven, or is past the plan; and what
 *   `runPlan` throws. What is there stays, to be resumed again.
 */
export async function resumePlan(options: ResumePlanOptions): Promise<ResumedPlan> {
  const { held, plan, repository, log } = options;
  requireForward(held, plan);
  const acceptConflicts = held.run.acceptConflicts || options.acceptConflicts === true;
  refuseSkips(plan, { accepted: acceptConflicts });
  await checkPlan(repository, plan);
  const watch = new StopWatch();
  const scratch = await scratchOptions(options);
  refuseOwnServer(held.datadir, scratch.ownLines ?? '');
  const run = { ...options, engine: held.run.engine, keepPrepared: held.run.keepPrepared, watch };
  const note = firstNote(plan, { ...held.run, acceptConflicts, port: scratch.port });
  const isProven = held.note.phase === 'proven' || held.note.phase === 'done';
  if (isProven)
    await requireSpace(held.datadir, neededForward(held.plan, plan), 'Free space; what is proven there is as it was.');
  const reached = isProven ? await reopenProven(options, scratch) : await reopenUnfinished(options, scratch);
  if (typeof reached !== 'string') {
    const { target, place } = reached;
    log.info({ groups: place.groups, of: plan.groups }, 'going on with the restore');
    const ran = await runPhases(target, { ...run, note, place });
    return { ...ran, resumed: { groups: place.groups, anew: null } };
  }
  log.warn({ why: reached }, 'the backup is loaded anew');
  await clearFolder(held.datadir, note);
  await requireSpace(held.datadir, plan.diskBytes, 'Free space, then resume it again.');
  const target = await fitting(await installServer(scratch, held.lock), plan.backup);
  return { ...(await runPhases(target, { ...run, note, place: null })), resumed: { groups: 0, anew: reached } };
}

interface Reached {
  readonly target: ScratchServer;
  readonly place: AppliedPlace;
}

/** @returns why nothing of it can be used */
async function reopenUnfinished(options: ResumePlanOptions, scratch: ScratchServerOptions): Promise<Reached | string> {
  const { held, log } = options;
  const endedCleanly = await endServer(held);
  const why = whyAnew({ ...held, bootId: readBootId() });
  if (why !== null) return why;
  // What follows makes it look as if it had ended cleanly.
  if (!endedCleanly) await writeRestoreNote(held.datadir, { ...held.note, run: { ...held.run, fell: true } });
  await forgetReplication(held.datadir);
  const target = await reopenScratchServer(scratch, held.lock).catch((error: unknown) => {
    if (isLastgoodError(error, 'TOOL_FAILED')) return error.message;
    throw error;
  });
  if (typeof target === 'string') return `its server does not start any more: ${target}`;
  try {
    await target.settle();
    const way = wayOf(held);
    const place = await placeOf(target.admin, options, way);
    const uncertain = await whyUncertain(target.admin, { place, way, end: endedCleanly ? 'clean' : 'killed' });
    if (uncertain === null && place !== null) return { target, place };
    await target.keep();
    return uncertain ?? 'it stands at no place of the plan';
  } catch (error) {
    log.info('the restore stays as it was');
    throw await target.abandon(error);
  }
}

/** What it was proven to hold is compared with what it holds: then nothing else matters of how it ended. */
async function reopenProven(options: ResumePlanOptions, scratch: ScratchServerOptions): Promise<Reached> {
  const { held, plan } = options;
  await refuseReplica(held);
  const ran = hasServer(held);
  await endServer(held);
  const target = await reopenScratchServer(scratch, held.lock);
  try {
    await target.settle();
    await requireUntouched(target, held, options);
    const place = await placeOf(target.admin, options, wayOf(held));
    if (place?.groups !== held.plan.groups) throw notAhead(held, plan);
    if (plan.groups > place.groups) await requireNothingLost(target, held, place);
    return { target, place };
  } catch (error) {
    if (!isLastgoodError(error, 'PREFLIGHT_FAILED')) throw await target.abandon(error);
    await using _target = target;
    await target.handOver({ stop: !ran });
    throw ran ? startedAgain(error) : error;
  }
}

function wayOf({ run: { engine }, note: { phase } }: HeldRestore): Way {
  return { engine, phase };
}

async function scratchOptions({ held, plan, port, log, signal }: ResumePlanOptions): Promise<ScratchServerOptions> {
  const { settings } = plan.backup;
  const zone = sourceZone(settings, await readMachineZone(new Date()));
  const { datadir, run } = held;
  // Who uses a server that was handed over knows its port.
  const former = (held.note.result as { server?: { port?: number } } | null)?.server?.port ?? run.port;
  const ownLines = await readOwnLines(datadir);
  return {
    datadir,
    port: port ?? former,
    serverId: run.serverId,
    settings,
    zone,
    dataBytes: dataBytes(plan),
    onError: 'keep',
    ownLines,
    log,
    signal,
  };
}
