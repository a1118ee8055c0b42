import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { compareCoordinates } from '../../binlog/coordinates.ts';
import { makeDirectory } from '../../platform/durable-file.ts';
import { waitFor } from '../../platform/wait.ts';
import { asArguments } from '../../recovery/scratch-options.ts';
import { serverPaths } from '../../recovery/server-folder.ts';
import { readBinlogEnd } from '../../server/binary-logs.ts';
import { installDatadir, startLocalServer, type LocalServer } from '../../server/local-server.ts';
import { readReplicaStatus } from '../../server/replica-status.ts';

const CATCH_UP_MS = 60_000;

/** A demo's servers may lose what they wrote when the machine stops. */
const SMALL_AND_FAST = {
  innodb_buffer_pool_size: '64M',
  innodb_log_file_size: '16M',
  innodb_flush_log_at_trx_commit: '0',
  sync_binlog: '0',
  performance_schema: 'OFF',
  log_bin: 'binlog',
  binlog_format: 'ROW',
};

/** A primary and its replica; disposing of them ends both processes. */
export interface DemoServers extends AsyncDisposable {
  readonly primary: LocalServer;
  readonly replica: LocalServer;
  /** Resolves when the replica has applied what the primary had written when this was called. */
  caughtUp(): Promise<void>;
}

/** Installs and starts both in sub-folders of `folder`. */
export async function startDemoServers(folder: string, signal: AbortSignal | undefined): Promise<DemoServers> {
  const started: LocalServer[] = [];
  const end = async (): Promise<void> => {
    for (const server of started.reverse()) await server[Symbol.asyncDispose]();
  };
  try {
    const primary = await startServer(join(folder, 'primary'), { server_id: '1' }, signal);
    started.push(primary);
    const replica = await startServer(join(folder, 'replica'), { server_id: '2', read_only: 'ON' }, signal);
    started.push(replica);
    await replicate(primary, replica);
    return { primary, replica, caughtUp: () => catchUp(primary, replica, signal), [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** Starts a restored server; it ends when disposed of. */
export async function startRestored(datadir: string, signal: AbortSignal | undefined): Promise<LocalServer> {
  return await startLocalServer({ ...serverPaths(datadir), args: [], signal });
}

async function startServer(
  datadir: string,
  options: Readonly<Record<string, string>>,
  signal: AbortSignal | undefined,
): Promise<LocalServer> {
  await makeDirectory(datadir);
  await installDatadir({ datadir, signal });
  const args = asArguments({ ...SMALL_AND_FAST, ...options });
  return await startLocalServer({ ...serverPaths(datadir), args, signal });
}

async function replicate(primary: LocalServer, replica: LocalServer): Promise<void> {
  const password = randomBytes(24).toString('base64url');
  await using onPrimary = await primary.connect();
  await using onReplica = await replica.connect();
  await onPrimary.query(`CREATE USER 'replication'@'127.0.0.1' IDENTIFIED BY '${password}'`);
  await onPrimary.query("GRANT REPLICATION SLAVE ON *.* TO 'replication'@'127.0.0.1'");
  await onReplica.query(
    `CHANGE MASTER TO MASTER_HOST = '127.0.0.1', MASTER_PORT = ${primary.port}, MASTER_USER = 'replication',
       MASTER_PASSWORD = '${password}', MASTER_USE_GTID = slave_pos, MASTER_SSL = 0, MASTER_CONNECT_RETRY = 1`,
  );
  await onReplica.query('START SLAVE');
}

async function catchUp(primary: LocalServer, replica: LocalServer, signal: AbortSignal | undefined): Promise<void> {
  await using onPrimary = await primary.connect();
  await using onReplica = await replica.connect();
  const { coordinates } = await readBinlogEnd(onPrimary);
  const applied = async (): Promise<boolean> => {
    const executed = (await readReplicaStatus(onReplica))?.executed ?? null;
    return executed !== null && compareCoordinates(executed, coordinates) >= 0;
  };
  await waitFor(applied, { timeoutMs: CATCH_UP_MS, what: 'the replica to catch up', signal });
}
