import { randomBytes } from 'node:crypto';
import { dirname, join } from 'node:path';
import type { BackupRecord } from '../archive/backup-record.ts';
import type { Repository } from '../archive/repository.ts';
import { findInterruptedBackups, repairInterruptedBackup } from '../backup/interrupted-backups.ts';
import { takeLogicalBackup, type BackupProgress } from '../backup/logical-backup.ts';
import type { PrimaryIdentity } from '../backup/replication-point.ts';
import { LastgoodError } from '../platform/errors.ts';
import { acquireLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { connect } from '../server/connection.ts';
import { readServerIdentity } from '../server/facts.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Settings } from './settings.ts';

export interface BackupOptions {
  readonly settings: Settings;
  readonly repository: Repository;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: BackupProgress) => void;
}

/**
 * Takes a base backup on the replica, one at a time for a repository. First puts right what an interrupted one left.
 *
 * @throws LastgoodError `LOCKED`, `CONFIG_INVALID` without [replica], and what `takeLogicalBackup` throws
 */
export async function takeBackup(o: BackupOptions): Promise<BackupRecord> {
  const { settings, repository, log } = o;
  const replica = requireReplica(settings);
  await using _lock = await acquireLock(backupLockPath(repository), 'backup');
  await repairInterruptedBackups({ repository, replica, log });
  await using primary = await connect(settings.primary);
  const { serverId, serverUuid } = await readServerIdentity(primary);
  const lineage = await findLineage(repository, { name: settings.primary.name, serverId, serverUuid });
  if (lineage === null)
    log.warn({ primary: settings.primary.name }, 'nothing is archived of this primary yet: run `lastgood archive`');
  const id = newBackupId(new Date());
  log.info({ id, replica: replica.name }, 'backup begins');
  const record = await takeLogicalBackup({
    id,
    folder: repository.backupFolder(id),
    replica,
    primary: { connection: primary, serverId, serverUuid, lineage },
    log,
    signal: o.signal,
    ...(o.onProgress === undefined ? {} : { onProgress: o.onProgress }),
  });
  log.info({ id, bytes: record.bytes, applyingStoppedSeconds: record.applyingStoppedSeconds }, 'backup complete');
  return record;
}

/** What became of an interrupted backup: applying was started again, ran anyway, or has an error of its own. */
export interface RepairedBackup {
  readonly id: string;
  readonly applying: 'started' | 'running' | 'failed';
}

/** Puts right what interrupted backups left. The caller holds the lock at `backupLockPath`. */
export async function repairInterruptedBackups(o: {
  repository: Repository;
  replica: ServerOptions;
  log: Logger;
}): Promise<RepairedBackup[]> {
  const interrupted = await findInterruptedBackups(dirname(o.repository.backupFolder('any')));
  if (interrupted.length === 0) return [];
  await using replica = await connect(o.replica);
  const repaired: RepairedBackup[] = [];
  for (const backup of interrupted) {
    const applying = await repairInterruptedBackup(backup, replica);
    o.log.warn({ id: backup.id, applying }, 'an interrupted backup was put right');
    repaired.push({ id: backup.id, applying });
  }
  return repaired;
}

/** Whoever takes or repairs backups holds this lock. */
export function backupLockPath(repository: Repository): string {
  return join(repository.path, 'backup.lock');
}

function requireReplica({ replica }: Settings): ServerOptions {
  if (replica !== null) return replica;
  throw new LastgoodError('CONFIG_INVALID', 'the configuration has no [replica]: backups are taken on a replica');
}

/** The newest lineage of this very server; null when nothing of it is archived. */
async function findLineage(repository: Repository, server: PrimaryIdentity & { name: string }): Promise<string | null> {
  const same = (await repository.lineages()).filter(
    ({ name, serverId, serverUuid }) =>
      name === server.name && serverId === server.serverId && serverUuid === server.serverUuid,
  );
  return same.at(-1)?.id ?? null;
}

/** Sorts by time, UTC: `20261122-101500-3f9a`. */
function newBackupId(now: Date): string {
  const [date = '', time = ''] = now.toISOString().replaceAll(/[-:]/g, '').split(/[T.]/);
  return `${date}-${time}-${randomBytes(2).toString('hex')}`;
}
