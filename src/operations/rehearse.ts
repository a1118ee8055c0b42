import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import { partialFolder } from '../backup/interrupted-backups.ts';
import { checkReplica } from '../backup/replication-point.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { acquireLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import type { Target } from '../recovery/plan.ts';
import { noNewMysql } from '../recovery/new-mysql.ts';
import { describeFailure, onlyDiffersFromReference, type Reference } from '../recovery/proof.ts';
import { readReference } from '../recovery/reference.ts';
import { runPlan } from '../recovery/restore.ts';
import type { RanPlan } from '../recovery/run-phases.ts';
import type { RestoreProgress } from '../recovery/restore-phases.ts';
import { connect, describeServer } from '../server/connection.ts';
import { readServerIdentity } from '../server/facts.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { waitUntilArchived } from './archived-point.ts';
import { backupLockPath, repairInterruptedBackups } from './backup.ts';
import { conflictExplainer } from './explain-conflict.ts';
import { openArchive } from './open-archive.ts';
import { makePlan } from './plan.ts';
import { writeRehearsalReport } from './rehearsal-report.ts';
import type { ReportPaths } from './report/write-report.ts';
import { newRecordId, recordOf } from './restore-record.ts';
import type { Restored } from './restore.ts';
import { scratchFolder } from './scratch-folder.ts';
import type { Settings } from './settings.ts';

export interface RehearseOptions {
  readonly settings: Settings;
  /** Without one, the point where the replica stands now, and every table is compared with the replica's. */
  readonly target?: Target | undefined;
  /** Ids of incidents to leave out; only with a target. */
  readonly skip?: readonly string[] | undefined;
  /** Run also what may clash with later groups: here nothing is at stake but time. */
  readonly acceptConflicts?: boolean | undefined;
  /** The scratch server's data folder: must not exist, or be empty, and is empty in the end. A temporary one when not given. */
  readonly datadir?: string | undefined;
  readonly log: Logger;
  readonly progress?: ((progress: RehearseProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** As a restore's, and before it the reading of the replica's tables. */
export type RehearseProgress =
  RestoreProgress | { readonly step: 'reading'; readonly done: number; readonly total: number };

/** The JSON contract's rehearsal. `server` is as it was: it and its folder are gone. */
export interface RehearseResult extends Restored {
  readonly rehearsal: RehearsalRecord;
  /** Paths of the report, for people and for programs. */
  readonly report: ReportPaths;
}

/**
 * Restores into a throw-away server and compares it, table by table, with the replica at the same point of the primary's
 * log. The outcome is recorded either way; `lastgood status` and estimates read it.
 *
 * @throws LastgoodError `PROOF_FAILED` naming the tables that differ, `CONFIG_INVALID` without [replica], `LOCKED`,
 *   `TARGET_UNREACHABLE` when the archive does not reach the replica, and what planning and restoring throw
 */
export async function rehearse(options: RehearseOptions): Promise<RehearseResult> {
  const { settings, log, signal } = options;
  const id = newRecordId('rehearsal', new Date());
  const startedAt = new Date().toISOString();
  const { repositoryPath, keyFile } = settings;
  const aim =
    options.target === undefined ? await aimAtReplica(id, options) : { target: options.target, reference: null };
  using archive = await openArchive(repositoryPath, { log, signal, keyFile });
  const plan = await makePlan(archive, aim.target, { name: settings.primary.name, skip: options.skip ?? [], signal });
  const incident = aim.target.kind === 'before-incident' ? archive.catalog.incident(aim.target.incident) : null;
  await using place = await scratchFolder(options.datadir, { maker: 'rehearsal', log });
  const into = { kind: 'scratch', datadir: place.datadir } as const;
  const { repository } = archive;
  const { reference } = aim;
  const explainConflict = conflictExplainer({ repository, plan, log, signal });
  const ran = await runPlan({ ...options, plan, repository, into, incident, reference, explainConflict });
  await using scratch = ran.target;
  const rehearsal = recordOf({ id, startedAt, plan, ran });
  await repository.writeRehearsal(rehearsal);
  const server = { ...scratch.place, pid: null };
  const { proof, seconds, appliers, warnings } = ran;
  const outcome = { plan, server, proof, seconds, appliers, warnings, rehearsal };
  const report = await writeRehearsalReport(archive, { ...outcome, incident });
  if (!proof.ok) throw failure(ran, report.markdown);
  return { ...outcome, report };
}

interface Aim {
  readonly target: Target;
  readonly reference: Reference | null;
}

/** Reads the replica's tables at one point, and waits until the archive has that point. */
async function aimAtReplica(id: string, { settings, log, progress, signal }: RehearseOptions): Promise<Aim> {
  const replica = requireReplica(settings);
  const read = await withBackupLock({ settings, replica, log }, async (repository) => {
    await using primary = await connect(settings.primary);
    await using connection = await connect(replica);
    if (connection.flavor === 'mysql') throw noNewMysql(`the ${describeServer(replica)}`);
    const { serverId, serverUuid } = await readServerIdentity(primary);
    await checkReplica(connection, { serverId, serverUuid });
    const folder = partialFolder(repository.backupFolder(id));
    const reference = await readReference({
      ...{ replica, primary, folder, log, signal },
      progress: ({ tables, totalTables }) => progress?.({ step: 'reading', done: tables, total: totalTables }),
    });
    return { ...reference, serverId };
  });
  const { coordinates, gtid, tables, stoppedSeconds, serverId } = read;
  log.info({ ...coordinates, gtid, tables: tables.length, stoppedSeconds }, 'read the replica');
  const lineage = await waitUntilArchived(settings, { ...coordinates, serverId }, { log, signal });
  const name = `the replica's at ${gtid === '' ? formatCoordinates(coordinates) : gtid}`;
  return {
    target: { kind: 'before-coordinates', coordinates: `${lineage}/${formatCoordinates(coordinates)}` },
    reference: { name, place: 'on the replica', tables },
  };
}

/** A rehearsal stops applying for a moment, as a backup does: never both at once, and a crash is put right alike. */
async function withBackupLock<T>(
  o: { settings: Settings; replica: ServerOptions; log: Logger },
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  using archive = await openArchive(o.settings.repositoryPath, { log: o.log, keyFile: o.settings.keyFile });
  const { repository } = archive;
  await using _lock = await acquireLock(backupLockPath(repository), 'rehearse');
  await repairInterruptedBackups({ repository, replica: o.replica, log: o.log });
  return await work(repository);
}

function failure({ proof }: RanPlan, report: string): LastgoodError {
  const found = describeFailure(proof);
  const drifted = onlyDiffersFromReference(proof);
  const what = drifted ? `the replica is not what its primary wrote, or the restore is wrong: ${found}` : found;
  const next = drifted
    ? 'Compare these tables with those of the primary: that tells which of the two it is.'
    : 'A restore from this backup would not be what it should be.';
  return new LastgoodError('PROOF_FAILED', `the rehearsal failed: ${what}`, {
    details: { report },
    hint: `${next} Read ${report}.`,
  });
}

function requireReplica({ replica }: Settings): ServerOptions {
  if (replica !== null) return replica;
  throw new LastgoodError('CONFIG_INVALID', 'the configuration has no [replica]: a rehearsal compares with it');
}
