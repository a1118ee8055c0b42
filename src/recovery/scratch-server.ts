import { randomBytes, randomInt } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { writeFileDurably } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { ServerConnection } from '../server/connection.ts';
import { installDatadir, privateTemporaryFolder, startLocalServer, type LocalServer } from '../server/local-server.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { emptyFolder, lastingServerPaths, requireEmpty } from './server-folder.ts';
import {
  asArguments,
  asOptionFile,
  handedOverOptions,
  restoringOptions,
  type ServerOptionValues,
} from './scratch-options.ts';
import type { SourceZone } from './source-zone.ts';

/** Ids of people's servers are small numbers. */
const FIRST_SERVER_ID = 3_000_000_000;
const LAST_SERVER_ID = 4_294_967_295;
/** A large server writes for long what it has in memory, and reads for long what it wrote. */
const PATIENCE = { startTimeoutMs: 3_600_000, stopTimeoutMs: 3_600_000 };

export interface ScratchServerOptions {
  /** The data folder itself: must not exist, or be empty. */
  readonly datadir: string;
  /** 0: a free one. */
  readonly port: number;
  /** Of the source, from the backup's record. */
  readonly settings: ServerOptionValues;
  readonly zone: SourceZone;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** How to reach a server that was handed over. `pid` is null when it does not run. */
export interface HandedOver {
  readonly datadir: string;
  readonly socket: string;
  readonly port: number;
  readonly pid: number | null;
}

/**
 * A new, private server for a restore. Until it is handed over it belongs to this process: disposing of it ends it
 * and empties its folder, so that nothing half-restored is ever left behind.
 */
export class ScratchServer implements AsyncDisposable {
  readonly datadir: string;
  /** As an account with all privileges that no backup holds. */
  readonly admin: ServerConnection;
  /** The same account, for client programs. */
  readonly login: ServerOptions;
  readonly #server: LocalServer;
  readonly #serverId: number;
  readonly #options: ScratchServerOptions;
  #kept = false;

  constructor(parts: {
    server: LocalServer;
    admin: ServerConnection;
    login: ServerOptions;
    serverId: number;
    options: ScratchServerOptions;
  }) {
    this.datadir = parts.server.datadir;
    this.admin = parts.admin;
    this.login = parts.login;
    this.#server = parts.server;
    this.#serverId = parts.serverId;
    this.#options = parts.options;
  }

  /**
   * Starts the server, which is proven, anew with durable settings, without our account, in no one's care: it goes on
   * when this process ends. With `stop` it is left stopped, for `mariadbd --defaults-file=DIR/lastgood.cnf`.
   *
   * @throws LastgoodError `TOOL_FAILED` when it does not stop or start; the folder stays, and a person can start it
   */
  async handOver({ stop }: { stop: boolean }): Promise<HandedOver> {
    this.#kept = true;
    try {
      return await this.#startAnew(stop);
    } catch (cause) {
      const { datadir } = this;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new LastgoodError(
        'TOOL_FAILED',
        `the restored server in '${datadir}' is proven, but not handed over: ${why}`,
        {
          cause,
          details: { datadir },
          hint: `Nothing is lost. Once no server runs there, start it: mariadbd --defaults-file=${optionFilePath(datadir)}`,
        },
      );
    }
  }

  async #startAnew(stop: boolean): Promise<HandedOver> {
    const { settings, zone, log } = this.#options;
    const { datadir, socket, port } = this.#server;
    const options = handedOverOptions(settings, this.#serverId, zone.fixed);
    await writeFileDurably(optionFilePath(datadir), asOptionFile({ ...places(this.#server), ...options }));
    await this.admin.query(`DROP USER ${account(this.login)}`);
    await this.admin.close();
    log.info({ datadir }, 'stopping the restored server');
    await this.#server.stop();
    if (stop) return { datadir, socket, port, pid: null };
    log.info({ datadir, port }, 'starting the restored server with durable settings');
    const server = await startLocalServer({
      ...lastingServerPaths(datadir, this.#serverId),
      ...PATIENCE,
      port,
      args: asArguments(options),
      detached: true,
    });
    return { datadir, socket: server.socket, port: server.port, pid: server.pid };
  }

  /** Where it is while it is ours. */
  get place(): HandedOver {
    const { datadir, socket, port, pid } = this.#server;
    return { datadir, socket, port, pid };
  }

  /** Ends the server and leaves its folder as it is, to be looked at. */
  async keepStopped(): Promise<void> {
    this.#kept = true;
    await this.admin.close();
    await this.#server.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#kept) return;
    await this.admin.close();
    await this.#server.kill();
    await rm(this.#server.socket, { force: true });
    await emptyFolder(this.datadir);
  }
}

/**
 * Installs and starts a server in `datadir`.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `TOOL_MISSING`, `TOOL_FAILED`, `INTERRUPTED`
 */
export async function createScratchServer(options: ScratchServerOptions): Promise<ScratchServer> {
  const { datadir, port, settings, zone, signal } = options;
  await requireEmpty(datadir);
  const serverId = randomInt(FIRST_SERVER_ID, LAST_SERVER_ID);
  const env = zone.tz === null ? undefined : { TZ: zone.tz };
  try {
    await installDatadir({ datadir, signal });
    const args = asArguments(restoringOptions(settings, serverId));
    const paths = lastingServerPaths(datadir, serverId);
    const server = await startLocalServer({ ...paths, ...PATIENCE, port, args, env, signal });
    try {
      const login = await createAdmin(server);
      const admin = await server.connect(login.user, login.password);
      return new ScratchServer({ server, admin, login, serverId, options });
    } catch (error) {
      await server.kill();
      throw error;
    }
  } catch (error) {
    await emptyFolder(datadir);
    throw error;
  }
}

function optionFilePath(datadir: string): string {
  return join(datadir, 'lastgood.cnf');
}

/** The only account from now on, so that the backup's are the only ones in the end; its name is in no backup. */
async function createAdmin(server: LocalServer): Promise<ServerOptions> {
  const login = {
    ...server.serverOptions('scratch server'),
    user: `lastgood-${randomBytes(6).toString('hex')}`,
    password: randomBytes(24).toString('base64url'),
  };
  await using root = await server.connect();
  const others = await root.query<{ name: string }>(
    `SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) AS name FROM mysql.global_priv
     WHERE User NOT IN ('mariadb.sys', 'PUBLIC')`,
  );
  await root.query(`CREATE USER ${account(login)} IDENTIFIED BY '${login.password}'`);
  await root.query(`GRANT ALL ON *.* TO ${account(login)} WITH GRANT OPTION`);
  await root.query(`GRANT PROXY ON ''@'%' TO ${account(login)} WITH GRANT OPTION`);
  await root.query(`DROP USER ${others.map(({ name }) => name).join(', ')}`);
  return login;
}

function account({ user }: ServerOptions): string {
  return `'${user}'@'localhost'`;
}

/** What `startLocalServer` gives on the command line, for the option file. */
function places({ datadir, socket, port }: LocalServer): ServerOptionValues {
  return {
    user: userInfo().username,
    datadir,
    socket,
    port: String(port),
    bind_address: '127.0.0.1',
    pid_file: join(datadir, 'server.pid'),
    log_error: join(datadir, 'error.log'),
    ...privateTemporaryFolder(datadir),
  };
}
