import { readdir, readFile, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncDirectory } from '../platform/durable-file.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readServerId } from '../server/facts.ts';
import { ensureApplying, statePath, type BackupState } from './applying-pause.ts';

/** What a backup has while it is not complete. */
const PARTIAL = '.partial';

/** A backup whose process died before it was complete. */
export interface InterruptedBackup {
  readonly id: string;
  readonly folder: string;
  /** Null when it died before it touched the replica. */
  readonly state: BackupState | null;
}

/** The folder a backup is made in. */
export function partialFolder(folder: string): string {
  return `${folder}${PARTIAL}`;
}

/** Lists unfinished backups. Only the holder of the backup lock can tell them from one at work. */
export async function findInterruptedBackups(backupsFolder: string): Promise<InterruptedBackup[]> {
  const names = (await readdir(backupsFolder)).filter((name) => name.endsWith(PARTIAL)).sort();
  return await Promise.all(
    names.map(async (name) => {
      const folder = join(backupsFolder, name);
      return { id: basename(name, PARTIAL), folder, state: await readState(folder) };
    }),
  );
}

/**
 * Puts right what an interrupted backup left: starts applying if it stopped it, then removes its files. The caller
 * holds the backup lock.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when it stopped applying on another server than this replica
 */
export async function repairInterruptedBackup(
  { id, folder, state }: InterruptedBackup,
  replica: ServerConnection,
): Promise<'started' | 'running' | 'failed'> {
  let outcome: 'started' | 'running' | 'failed' = 'running';
  if (state?.applying === 'stopped') {
    if ((await readServerId(replica)) !== state.server.serverId) throw wrongServer({ id, folder, state });
    outcome = await ensureApplying(replica);
  }
  await removeUnfinished(folder);
  return outcome;
}

/** Removes an unfinished backup's folder; its marker must not be needed any more. */
export async function removeUnfinished(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await syncDirectory(join(folder, '..'));
}

async function readState(folder: string): Promise<BackupState | null> {
  try {
    return JSON.parse(await readFile(statePath(folder), 'utf8')) as BackupState;
  } catch (cause) {
    if (hasCode(cause, 'ENOENT')) return null;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${statePath(folder)}'`, { cause });
  }
}

function wrongServer({ id, folder, state }: InterruptedBackup & { state: BackupState }): LastgoodError {
  const { reachedAt, serverId } = state.server;
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `interrupted backup '${id}' left applying stopped on server ${serverId} (${reachedAt}), which is not [replica]`,
    {
      hint: `Run START SLAVE SQL_THREAD on that server, then remove '${folder}'.`,
      details: { id, reachedAt, serverId },
    },
  );
}
