import { compareCoordinates, formatCoordinates } from '../../src/binlog/coordinates.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { listBinaryLogs, readBinlogEnd } from '../../src/server/binary-logs.ts';
import { readReplicaStatus } from '../../src/server/replica-status.ts';
import { startMysql56, startPrimary, type TestServer } from './servers.ts';

export interface PairOptions {
  /** How the replica asks its primary; 'gtid' when not given. */
  readonly mode?: 'gtid' | 'position';
  /** 'mysql' starts MySQL 5.6. */
  readonly flavor?: 'mariadb' | 'mysql';
  readonly primaryArgs?: readonly string[];
  readonly replicaArgs?: readonly string[];
  /** Added to the environment of both. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A primary (server id 101) and its replica (102), which is read-only and writes its own log `binlog.*` too. */
export interface Pair extends AsyncDisposable {
  readonly primary: TestServer;
  readonly replica: TestServer;
  /** Resolves when the replica has applied what the primary had written when this was called. */
  caughtUp(): Promise<void>;
}

/** The account the replica signs in with. */
export const REPLICATION_USER = { user: 'repl', password: 'repl-password' };

/** Starts a primary and a replica of it, in sync from the primary's first event on. */
export async function startPair(o: PairOptions = {}): Promise<Pair> {
  const { mode = 'gtid', flavor = 'mariadb', primaryArgs = [], replicaArgs = [], env = {} } = o;
  const start = flavor === 'mysql' ? startMysql56 : startPrimary;
  await using stack = new AsyncDisposableStackOfServers();
  const primary = stack.use(await start({ serverId: 101, args: primaryArgs, env }));
  const replicaDefaults = ['--log-slave-updates', '--read-only', '--skip-slave-start'];
  const replica = stack.use(await start({ serverId: 102, args: [...replicaDefaults, ...replicaArgs], env }));
  await createReplicationUser(primary);
  await startReplicating({ primary, replica, mode, flavor });
  const pair: Pair = {
    primary,
    replica,
    caughtUp: async () => {
      await waitUntilCaughtUp(primary, replica);
    },
    async [Symbol.asyncDispose]() {
      await replica[Symbol.asyncDispose]();
      await primary[Symbol.asyncDispose]();
    },
  };
  await pair.caughtUp();
  stack.keep();
  return pair;
}

/** Ends the servers started so far when a later step fails. */
class AsyncDisposableStackOfServers implements AsyncDisposable {
  #servers: TestServer[] = [];

  use(server: TestServer): TestServer {
    this.#servers.push(server);
    return server;
  }

  keep(): void {
    this.#servers = [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers.reverse()) await server[Symbol.asyncDispose]();
  }
}

async function createReplicationUser(primary: TestServer): Promise<void> {
  await using connection = await primary.connect();
  const { user, password } = REPLICATION_USER;
  await connection.query(`CREATE USER '${user}'@'127.0.0.1' IDENTIFIED BY '${password}'`);
  await connection.query(`GRANT REPLICATION SLAVE ON *.* TO '${user}'@'127.0.0.1'`);
}

async function startReplicating(o: {
  primary: TestServer;
  replica: TestServer;
  mode: 'gtid' | 'position';
  flavor: 'mariadb' | 'mysql';
}): Promise<void> {
  await using fromPrimary = await o.primary.connect();
  await using connection = await o.replica.connect();
  const [first] = await listBinaryLogs(fromPrimary);
  const byGtid = o.flavor === 'mysql' ? 'MASTER_AUTO_POSITION=1' : 'MASTER_USE_GTID=slave_pos';
  const byPosition = `MASTER_LOG_FILE='${first?.file ?? ''}', MASTER_LOG_POS=4`;
  const { user, password } = REPLICATION_USER;
  await connection.query(
    `CHANGE MASTER TO MASTER_HOST='127.0.0.1', MASTER_PORT=${o.primary.port}, MASTER_USER='${user}',
     MASTER_PASSWORD='${password}', MASTER_CONNECT_RETRY=1, ${o.mode === 'gtid' ? byGtid : byPosition}`,
  );
  await connection.query('START SLAVE');
}

async function waitUntilCaughtUp(primary: TestServer, replica: TestServer): Promise<void> {
  await using fromPrimary = await primary.connect();
  await using connection = await replica.connect();
  const { coordinates } = await readBinlogEnd(fromPrimary);
  const applied = async (): Promise<boolean> => {
    const status = await readReplicaStatus(connection);
    if (typeof status?.lastError === 'string') throw new Error(`the replica stopped: ${status.lastError}`);
    return status !== null && status.executed !== null && compareCoordinates(status.executed, coordinates) >= 0;
  };
  const what = `the replica to reach ${formatCoordinates(coordinates)}`;
  await waitFor(applied, { timeoutMs: 30_000, intervalMs: 20, what });
}
