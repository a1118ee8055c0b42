/**
 * What a restore does on its target, one phase each. Enters: a plan, a target that is ours. Leaves: what the phase did.
 * The order, and what happens in between, is of restore.ts.
 */
import type { Repository } from '../archive/repository.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { AppliedPlace } from './applied-place.ts';
import { describeAppliers, type Appliers } from './appliers.ts';
import { damageError, findDamage } from './find-damage.ts';
import { leftRanges } from './left-ranges.ts';
import { loadBackup } from './load.ts';
import type { Narrowing } from './narrowing.ts';
import { openPlanRanges, type PlanRanges } from './plan-ranges.ts';
import type { Plan } from './plan.ts';
import { prove, type Proof, type Reference } from './proof.ts';
import { replay, type Replayed, type ReplayOptions } from './replay.ts';
import type { RestoreTarget } from './restore-target.ts';
import { removePlaceTable } from './session/place-table.ts';
import { replayInSession } from './session/replay-in-session.ts';
import { listTables, readTableStates } from './table-state.ts';

/** How far one step is: bytes, or tables while proving. */
export interface RestoreProgress {
  readonly step: 'loading' | 'replaying' | 'proving';
  readonly done: number;
  readonly total: number;
  /** By how many appliers, where they are not as many as the target is set to use. */
  readonly by?: string | undefined;
}

/** What replays the log: the target's own applier, or one session, for targets that may not replicate. */
export type ReplayEngine = 'applier' | 'session';

/** What is known of an error that replaying met. */
export interface Explained {
  /** In words, behind the error's own. */
  readonly more: string;
  /** What to do instead; undefined: what the error says. */
  readonly hint: string | undefined;
}

/** What every phase needs to know. */
export interface PhaseOptions {
  readonly plan: Plan;
  readonly repository: Repository;
  readonly engine?: ReplayEngine | undefined;
  /** Restores some schemas only, with the applier; `plan` is what is left of the plan. */
  readonly narrowing?: Narrowing | undefined;
  /** Says more of an error that replaying met: which rows clash, say. null when it knows nothing. */
  readonly explainConflict?:
    ((at: Coordinates, message: string, target: ServerConnection) => Promise<Explained | null>) | undefined;
  /** What the plan's target is named after; its objects must be back. */
  readonly incident: Incident | null;
  /** Tables elsewhere at the same point, to compare with. */
  readonly reference: Reference | null;
  readonly log: Logger;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Loads the plan's backup. */
export async function loadPhase(target: RestoreTarget, options: PhaseOptions): Promise<void> {
  const { plan, repository, narrowing, log, progress, signal } = options;
  log.info({ backup: plan.backup.id, target: target.name }, 'loading the backup');
  await removePlaceTable(target.admin); // of a server that a person has emptied
  await loadBackup({
    record: plan.backup,
    folder: repository.backupFolder(plan.backup.id),
    login: target.login,
    temporary: target.temporary,
    only: narrowing?.schemas,
    signal,
    progress: ({ bytes, totalBytes }) => progress?.({ step: 'loading', done: bytes, total: totalBytes }),
  });
  await target.settle();
}

interface ReplayPhaseOptions extends PhaseOptions {
  /** null for a session. */
  readonly appliers: Appliers | null;
}

/** Replays the plan's part of the archive, or what of it is not applied yet. */
export async function replayPhase(
  target: RestoreTarget,
  options: ReplayPhaseOptions,
  place: AppliedPlace | null,
): Promise<Replayed> {
  const { groups: applied, gtidState } = place ?? { groups: 0, gtidState: '' };
  // A session may not have told the server its GTID state yet.
  if (place !== null && applied === options.plan.groups && options.engine !== 'session')
    return { groups: applied, gtidState, executed: null };
  const replayed = await replayRest(target, options, place);
  return { ...replayed, groups: replayed.groups === null ? null : applied + replayed.groups };
}

async function replayRest(
  target: RestoreTarget,
  options: ReplayPhaseOptions,
  place: AppliedPlace | null,
): Promise<Replayed> {
  const { plan, repository, log, progress, signal } = options;
  const by = options.appliers === null ? 'a session' : describeAppliers(options.appliers);
  log.info({ bytes: plan.bytes, groups: plan.groups, engine: options.engine, by }, 'replaying the archive');
  const told = (options.appliers?.why ?? null) === null ? {} : { by };
  const whole = await openPlanRanges(repository, plan, options.narrowing);
  const left = options.engine === 'session' && place !== null ? leftOf(whole, place) : whole;
  const doneBefore = bytesOf(whole) - bytesOf(left);
  try {
    return await engineOf(options)({
      ...left,
      target: target.admin,
      groupsBefore: place?.groups,
      keepsPlace: true,
      log,
      signal,
      progress: ({ bytes, totalBytes }) =>
        progress?.({ step: 'replaying', done: doneBefore + bytes, total: doneBefore + totalBytes, ...told }),
    });
  } catch (error) {
    if (!isLastgoodError(error, 'TOOL_FAILED')) throw error;
    // A server that is given a damaged event only says that it cannot take it.
    const damage = await findDamage(repository, plan, signal);
    throw damage === null ? await explained(error, target, options) : damageError(damage, error);
  }
}

/** Reads every table of the target, and compares what was done with what was planned. */
export async function provePhase(target: RestoreTarget, replayed: Replayed, options: PhaseOptions): Promise<Proof> {
  const { plan, incident, reference, progress, signal } = options;
  const schemas = await target.admin.query<{ name: string }>(
    'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA',
  );
  const tables = await readTableStates(target.admin, await listTables(target.admin), {
    signal,
    progress: (done) => progress?.({ step: 'proving', done: done.tables, total: done.totalTables }),
  });
  return prove({ plan, replayed, schemas: schemas.map(({ name }) => name), tables, incident, reference });
}

/** An applier asks for it by itself. */
function leftOf({ identity, ranges }: PlanRanges, place: AppliedPlace): PlanRanges {
  return { identity: { ...identity, gtidState: place.gtidState }, ranges: leftRanges(ranges, place) };
}

function bytesOf({ ranges }: PlanRanges): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from, 0);
}

function engineOf({ engine = 'applier' }: PhaseOptions): (options: ReplayOptions) => Promise<Replayed> {
  return engine === 'applier' ? replay : replayInSession;
}

/** The error with what `explainConflict` knows of it. */
async function explained(
  error: LastgoodError,
  { admin }: RestoreTarget,
  { explainConflict }: PhaseOptions,
): Promise<LastgoodError> {
  const { file, position } = error.details;
  if (explainConflict === undefined || typeof file !== 'string' || typeof position !== 'number') return error;
  const found = await explainConflict({ file, position }, error.message, admin);
  if (found === null) return error;
  const { code, details } = error;
  const { more, hint = error.hint } = found;
  return new LastgoodError(code, `${error.message}; ${more}`, { cause: error, details, hint });
}
