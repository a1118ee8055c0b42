import { join } from 'node:path';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import { openRepository, type Repository } from '../../src/archive/repository.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import type { Settings } from '../../src/operations/settings.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { readReplicaStatus } from '../../src/server/replica-status.ts';
import { checksums } from './compare.ts';
import { loadBackup } from './load-backup.ts';
import { REPLICATION_USER, startPair, type Pair, type PairOptions } from './pair.ts';
import { startPrimary } from './servers.ts';
import { settingsFor } from './settings.ts';

/** A pair and an empty repository. */
export interface BackupScene extends AsyncDisposable {
  readonly pair: Pair;
  readonly repository: Repository;
  readonly settings: Settings;
  /** Runs statements on the primary; the replica has applied them then. */
  write(statements: readonly string[]): Promise<void>;
  backup(signal?: AbortSignal): Promise<BackupRecord>;
  backupWith(settings: Settings): Promise<BackupRecord>;
  /** True while the replica's SQL thread runs. */
  applies(): Promise<boolean>;
}

export async function setBackupScene(options: PairOptions = {}): Promise<BackupScene> {
  const folder = await makeTempDirectory('lastgood-test-');
  const repository = await openRepository(join(folder.path, 'repo'), { create: true });
  const pair = await startPair(options);
  const settings = settingsFor(pair, repository.path);
  const log = createLogger({ level: 'silent', pretty: false });
  return {
    pair,
    repository,
    settings,
    write: async (statements) => {
      await using primary = await pair.primary.connect();
      await run(primary, statements);
      await pair.caughtUp();
    },
    backup: async (signal) => await takeBackup({ settings, repository, log, signal }),
    backupWith: async (other) => await takeBackup({ settings: other, repository, log }),
    applies: async () => {
      await using replica = await pair.replica.connect();
      return (await readReplicaStatus(replica))?.sqlRunning === true;
    },
    async [Symbol.asyncDispose]() {
      await pair[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Runs statements one after the other. */
export async function run(connection: ServerConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

/**
 * What a loaded backup holds, and what the primary held at the backup's point: a second replica that stops exactly
 * there tells it. Both as checksums by table and as a list of routines.
 */
export async function compareWithPrimary(
  { pair, repository }: BackupScene,
  record: BackupRecord,
): Promise<{ loaded: unknown; expected: unknown }> {
  await using loaded = await startPrimary({ args: ['--skip-log-bin'] });
  await loadBackup(loaded, repository.backupFolder(record.id), record);
  await using reference = await startPrimary({ serverId: 103, args: ['--skip-log-bin'] });
  await using fromReference = await reference.connect();
  const { user, password } = REPLICATION_USER;
  await fromReference.query(
    `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${pair.primary.port}, MASTER_USER='${user}',
     MASTER_PASSWORD='${password}', MASTER_USE_GTID=slave_pos`,
  );
  await fromReference.query(`START SLAVE UNTIL MASTER_GTID_POS='${record.primary.gtid ?? ''}'`);
  const stopped = async (): Promise<boolean> => (await readReplicaStatus(fromReference))?.sqlRunning === false;
  await waitFor(stopped, { timeoutMs: 60_000, what: 'the reference to reach the backup' });
  await using fromLoaded = await loaded.connect('loader');
  return { loaded: await content(fromLoaded), expected: await content(fromReference) };
}

async function content(connection: ServerConnection): Promise<unknown> {
  const routines = await connection.query(
    `SELECT ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_DEFINITION FROM information_schema.ROUTINES
     WHERE ROUTINE_SCHEMA NOT IN ('mysql', 'sys') ORDER BY 1, 2`,
  );
  return { tables: await checksums(connection), routines };
}
