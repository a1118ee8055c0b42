/**
 * From a plan to a proven server. Enters: a plan and the archive it was made from. Leaves: a scratch server with
 * exactly the planned state, and the proof. Must not know argv, printing, or where the plan came from.
 */
import type { Repository } from '../archive/repository.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { ServerConnection } from '../server/connection.ts';
import { privateTemporaryFolder } from '../server/local-server.ts';
import { damageError, findDamage } from './find-damage.ts';
import { neededBytes, requireSpace } from './disk-space.ts';
import { loadBackup } from './load.ts';
import { findLooseEnds, rollBackPrepared } from './loose-ends.ts';
import { openPlanRanges } from './plan-ranges.ts';
import type { Plan } from './plan.ts';
import { prove, type Proof, type Reference } from './proof.ts';
import { replay, type Replayed } from './replay.ts';
import { writeRestoreNote, type RestorePhase } from './restore-note.ts';
import { createScratchServer, type ScratchServer } from './scratch-server.ts';
import { readMachineZone, sourceZone } from './source-zone.ts';
import { listTables, readTableStates } from './table-state.ts';

/** How far one step is: bytes, or tables while proving. */
export interface RestoreProgress {
  readonly step: 'loading' | 'replaying' | 'proving';
  readonly done: number;
  readonly total: number;
}

/** How long each step took, wall clock. */
export interface RestoreSeconds {
  readonly load: number;
  readonly replay: number;
  readonly proof: number;
  readonly total: number;
}

export interface RunPlanOptions {
  readonly plan: Plan;
  readonly repository: Repository;
  /** The new server's data folder: must not exist, or be empty. */
  readonly datadir: string;
  /** 0: a free one. */
  readonly port: number;
  /** What the plan's target is named after; its objects must be back. */
  readonly incident: Incident | null;
  /** Tables elsewhere at the same point, to compare with. */
  readonly reference: Reference | null;
  readonly log: Logger;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A restore that ran to its end, whatever its proof says. Whoever disposes of `scratch` throws it away. */
export interface RanPlan {
  readonly scratch: ScratchServer;
  readonly proof: Proof;
  readonly seconds: RestoreSeconds;
  /** What is as planned, and yet not as a person may expect: of the restore, not of the plan. */
  readonly warnings: readonly string[];
  /** Says durably in the data folder how the restore ended. */
  readonly note: (phase: RestorePhase, result: object) => Promise<void>;
}

/**
 * Loads the plan's backup into a new server, replays the plan's part of the archive and proves the result. On any
 * error the server is ended and its folder emptied.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`, `TARGET_NOT_EMPTY`, `ARCHIVE_DAMAGED`, `ARCHIVE_GAP`, `TOOL_MISSING`, `TOOL_FAILED`,
 *   `INTERRUPTED`; not `PROOF_FAILED`: what to do with an unproven server is the caller's
 */
export async function runPlan(options: RunPlanOptions): Promise<RanPlan> {
  const { plan, repository, datadir, port, log, signal } = options;
  refuseMysql(plan);
  await requireSpace(datadir, neededBytes(plan));
  const startedAt = new Date().toISOString();
  const watch = new StopWatch();
  const { settings } = plan.backup;
  const zone = sourceZone(settings, await readMachineZone(new Date()));
  const scratch = await createScratchServer({ datadir, port, settings, zone, log, signal });
  const note = async (phase: RestorePhase, result: object | null = null): Promise<void> => {
    const { lineage } = plan.target.resolved;
    const target = formatCoordinates(plan.target.resolved);
    await writeRestoreNote(datadir, { format: 1, phase, backup: plan.backup.id, lineage, target, startedAt, result });
  };
  try {
    await note('loading');
    log.info({ backup: plan.backup.id, datadir }, 'loading the backup');
    await load(scratch, options, repository.backupFolder(plan.backup.id));
    const loadSeconds = watch.lap();
    await note('replaying');
    log.info({ bytes: plan.bytes, groups: plan.groups }, 'replaying the archive');
    const replayed = await replayPlan(scratch.admin, options);
    const replaySeconds = watch.lap();
    const rolledBack = await rollBackPrepared(scratch.admin);
    await note('proving');
    const proof = await proveServer(scratch.admin, options, replayed);
    const seconds = { load: loadSeconds, replay: replaySeconds, proof: watch.lap(), total: watch.total() };
    const zoneWarning = zone.warning === null ? [] : [zone.warning];
    const warnings = [...zoneWarning, ...rolledBack, ...(await findLooseEnds(scratch.admin))];
    log.info({ ok: proof.ok, ...seconds }, 'restored');
    return { scratch, proof, seconds, warnings, note };
  } catch (error) {
    await scratch[Symbol.asyncDispose]();
    throw error;
  }
}

/** Backups of MySQL are not made by this version, so this guards against an archive from a later one. */
function refuseMysql({ backup }: Plan): void {
  if (backup.flavor === 'mariadb') return;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `backup ${backup.id} is of MySQL, and this version restores MariaDB only`,
  );
}

async function load({ admin, login, datadir }: ScratchServer, options: RunPlanOptions, folder: string): Promise<void> {
  const { plan, progress, signal } = options;
  await loadBackup({
    record: plan.backup,
    folder,
    login,
    temporary: privateTemporaryFolder(datadir).tmpdir,
    signal,
    progress: ({ bytes, totalBytes }) => progress?.({ step: 'loading', done: bytes, total: totalBytes }),
  });
  // Only now: the names of time zones are in the backup.
  const { time_zone: zone } = plan.backup.settings;
  if (zone !== undefined) await admin.query('SET GLOBAL time_zone = ?', [zone]);
}

async function replayPlan(admin: ServerConnection, options: RunPlanOptions): Promise<Replayed> {
  const { plan, repository, log, progress, signal } = options;
  const ranges = await openPlanRanges(repository, plan);
  try {
    return await replay({
      ...ranges,
      target: admin,
      log,
      signal,
      progress: ({ bytes, totalBytes }) => progress?.({ step: 'replaying', done: bytes, total: totalBytes }),
    });
  } catch (error) {
    if (!isLastgoodError(error, 'TOOL_FAILED')) throw error;
    // A server that is given a damaged event only says that it cannot take it.
    const damage = await findDamage(repository, plan, signal);
    throw damage === null ? error : damageError(damage, error);
  }
}

async function proveServer(admin: ServerConnection, options: RunPlanOptions, replayed: Replayed): Promise<Proof> {
  const { plan, incident, reference, progress, signal } = options;
  const schemas = await admin.query<{ name: string }>('SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA');
  const tables = await readTableStates(admin, await listTables(admin), {
    signal,
    progress: (done) => progress?.({ step: 'proving', done: done.tables, total: done.totalTables }),
  });
  return prove({ plan, replayed, schemas: schemas.map(({ name }) => name), tables, incident, reference });
}

/** Seconds, to the millisecond. */
class StopWatch {
  readonly #start = performance.now();
  #lap = this.#start;

  /** Since the last lap. */
  lap(): number {
    const before = this.#lap;
    this.#lap = performance.now();
    return inSeconds(this.#lap - before);
  }

  total(): number {
    return inSeconds(performance.now() - this.#start);
  }
}

function inSeconds(ms: number): number {
  return Math.round(ms) / 1000;
}
