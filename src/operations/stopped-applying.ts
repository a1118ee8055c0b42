import { dirname } from 'node:path';
import type { Repository } from '../archive/repository.ts';
import { findInterruptedBackups } from '../backup/interrupted-backups.ts';
import { readLock } from '../platform/lock.ts';
import { backupLockPath } from './backup.ts';
import type { Finding } from './finding.ts';

/** Tells of replicas that an interrupted backup or rehearsal has left standing still. The replica is not asked. */
export async function findStoppedApplying(repository: Repository): Promise<Finding[]> {
  if (await isBackupAtWork(repository)) return [];
  const interrupted = await findInterruptedBackups(dirname(repository.backupFolder('any')));
  if (await isBackupAtWork(repository)) return []; // it began meanwhile: what was found may be its own
  return interrupted.flatMap(({ id, state }) => {
    if (state?.applying !== 'stopped') return [];
    const { name, reachedAt, serverId } = state.server;
    return [
      {
        severity: 'error',
        check: 'interrupted backup',
        object: name,
        found: `${id} was interrupted and left applying stopped on server ${serverId} (${reachedAt})`,
        fix: 'Run `lastgood backup` or `lastgood doctor`: either starts it again.',
      },
    ];
  });
}

async function isBackupAtWork(repository: Repository): Promise<boolean> {
  return (await readLock(backupLockPath(repository)))?.alive === true;
}
