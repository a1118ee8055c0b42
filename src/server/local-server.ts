import { spawn, type ChildProcess } from 'node:child_process';
import { open } from 'node:fs/promises';
import { createConnection as openSocket } from 'node:net';
import { join } from 'node:path';
import { environmentWith, findProgram, runTool } from '../platform/child-process.ts';
import { makeDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { ownUserId } from '../platform/own-user.ts';
import { makeSweptDirectory } from '../platform/swept-directory.ts';
import type { TempDirectory } from '../platform/temp-dir.ts';
import { waitFor } from '../platform/wait.ts';
import { connect, type ServerConnection } from './connection.ts';
import { findFreePort, requireFreePort } from './loopback-port.ts';
import { requirePlainPath } from './plain-path.ts';
import type { ServerOptions } from './server-options.ts';
import { requireSilent } from './socket-in-use.ts';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 120_000;
const ERROR_LOG_TAIL_BYTES = 4096;
/** Source: unix(7), sun_path holds 108 bytes with the final NUL. */
export const SOCKET_PATH_MAX_BYTES = 107;

/** A private server process on this machine, listening on a socket and on loopback. */
export interface LocalServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
  /** In a temporary folder when the path asked for was too long for a socket. */
  readonly socket: string;
  readonly datadir: string;
  /** How its process ended, such as 'status SIGKILL'; null while it runs. */
  readonly ended: string | null;
  /** Signs in through the socket, as root without a password unless told otherwise. */
  connect(user?: string, password?: string): Promise<ServerConnection>;
  /** Shuts down cleanly and waits for the end. */
  stop(): Promise<void>;
  /** Ends the process at once, as a crash would, and waits for the end. */
  kill(): Promise<void>;
  /** How to reach it as root through the socket. */
  serverOptions(name: string): ServerOptions;
}

export interface LocalServerOptions {
  readonly datadir: string;
  readonly socket: string;
  /** 0 or none: a free one. */
  readonly port?: number;
  /** Server options; these come last and so win. */
  readonly args: readonly string[];
  readonly errorLog: string;
  readonly signal?: AbortSignal | undefined;
  /** It goes on when this process ends, and disposing of it leaves it alone. */
  readonly detached?: boolean;
  /** The server program; the installed MariaDB or MySQL server when not given. */
  readonly program?: string;
  /** Added to our environment: TZ, for what the server calls the SYSTEM time zone. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** How long it may take to answer, and to end; two minutes each when not given. */
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
}

/**
 * Makes an empty data folder: root may sign in without a password, from this machine only.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` before anything is touched when the path is not plain, `TOOL_MISSING`,
 *   `TOOL_FAILED`, `INTERRUPTED`
 */
export async function installDatadir(o: {
  datadir: string;
  /** InnoDB's, bytes; the server's own default when not given. No server changes it afterwards. */
  pageSize?: string | undefined;
  signal?: AbortSignal | undefined;
}): Promise<void> {
  const datadir = requirePlainPath(o.datadir);
  const program = findProgram(['mariadb-install-db', 'mysql_install_db']);
  const { tmpdir } = privateTemporaryFolder(datadir);
  await makeDirectory(tmpdir);
  const options = ['--no-defaults', '--skip-test-db', '--auth-root-authentication-method=normal'];
  const folders = [`--datadir=${datadir}`, `--tmpdir=${tmpdir}`];
  const pages = o.pageSize === undefined ? [] : [`--innodb-page-size=${o.pageSize}`];
  await runTool({ program, args: [...options, ...folders, ...pages, ...asRoot()], signal: o.signal });
}

const TEMPORARY = '.tmp';

/**
 * Options for a temporary folder of its own, inside the data folder. A starting server removes every `#sql*` file of its
 * temporary folder, so also those that another server is using: ours never shares /tmp with a production server.
 *
 * Source: MariaDB 10.11 sql/sql_base.cc, mysql_rm_tmp_tables; seen to break queries and dumps of other servers.
 */
export function privateTemporaryFolder(datadir: string): { readonly tmpdir: string; readonly ignore_db_dirs: string } {
  return { tmpdir: join(datadir, TEMPORARY), ignore_db_dirs: TEMPORARY };
}

/**
 * Starts a server and returns once it answers.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when the port asked for or the socket is in use, `TOOL_MISSING`, `TOOL_FAILED` with the end
 *   of its error log, `INTERRUPTED`
 */
export async function startLocalServer(o: LocalServerOptions): Promise<LocalServer> {
  const port = await choosePort(o.port);
  const folder =
    Buffer.byteLength(o.socket) > SOCKET_PATH_MAX_BYTES ? await makeSweptDirectory('lastgood-socket-') : null;
  const socket = folder === null ? o.socket : join(folder.path, 'server.sock');
  await requireSilent(socket);
  await makeDirectory(privateTemporaryFolder(o.datadir).tmpdir);
  const child = launch(o, { port, socket });
  const server = new ChildServer({ child, port, socket, folder, options: o });
  try {
    await server.answers();
    return server;
  } catch (error) {
    await server.kill();
    throw error;
  }
}

class ChildServer implements LocalServer {
  readonly port: number;
  readonly socket: string;
  readonly datadir: string;
  readonly #child: ChildProcess;
  readonly #folder: TempDirectory | null;
  readonly #options: LocalServerOptions;
  #ended: string | null = null;

  constructor(o: {
    child: ChildProcess;
    port: number;
    socket: string;
    folder: TempDirectory | null;
    options: LocalServerOptions;
  }) {
    this.port = o.port;
    this.socket = o.socket;
    this.datadir = o.options.datadir;
    this.#child = o.child;
    this.#folder = o.folder;
    this.#options = o.options;
    o.child.once('error', (error) => {
      this.#ended = error.message;
    });
    o.child.once('exit', (status, signal) => {
      this.#ended = `status ${status ?? signal ?? 'unknown'}`;
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get ended(): string | null {
    return this.#ended;
  }

  async connect(user = 'root', password = ''): Promise<ServerConnection> {
    return await connect({ ...this.serverOptions('local server'), user, password });
  }

  serverOptions(name: string): ServerOptions {
    return { name, socket: this.socket, user: 'root', password: '', tls: 'off' };
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#options.detached !== true) await this.kill();
  }

  /** Resolves when the server has greeted; it listens before it is ready, but does not greet. */
  async answers(): Promise<void> {
    const { signal, datadir, startTimeoutMs: timeoutMs = START_TIMEOUT_MS } = this.#options;
    const probe = async (): Promise<boolean> => {
      if (this.#ended !== null) throw await this.#earlyEnd(this.#ended);
      return await greets(this.socket);
    };
    await waitFor(probe, { timeoutMs, intervalMs: 20, what: `the server on '${datadir}'`, signal });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    if (this.#ended === null) this.#child.kill(signal);
    const { stopTimeoutMs: timeoutMs = STOP_TIMEOUT_MS } = this.#options;
    const what = `the server on '${this.datadir}' to end`;
    await waitFor(() => this.#ended !== null, { timeoutMs, intervalMs: 10, what });
    await this.#folder?.[Symbol.asyncDispose]();
  }

  async #earlyEnd(how: string): Promise<LastgoodError> {
    const { errorLog, datadir } = this.#options;
    const tail = await readErrorLogTail(errorLog);
    return new LastgoodError('TOOL_FAILED', `the server on '${datadir}' ended (${how}) before it answered: ${tail}`, {
      details: { datadir, errorLog },
    });
  }
}

function launch(o: LocalServerOptions, { port, socket }: { port: number; socket: string }): ChildProcess {
  const args = [
    '--no-defaults',
    `--datadir=${o.datadir}`,
    `--socket=${socket}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    `--pid-file=${join(o.datadir, 'server.pid')}`,
    `--log-error=${o.errorLog}`,
    `--tmpdir=${privateTemporaryFolder(o.datadir).tmpdir}`,
    `--loose-ignore-db-dir=${TEMPORARY}`, // MySQL's name; MariaDB takes it as short for its own
    ...asRoot(),
    ...o.args,
  ];
  const detached = o.detached === true;
  const program = o.program ?? findProgram(['mariadbd', 'mysqld']);
  const child = spawn(program, args, { stdio: 'ignore', detached, env: environmentWith(o.env) });
  if (detached) child.unref();
  return child;
}

/** A server refuses to run as root unless told to. */
function asRoot(): string[] {
  return ownUserId() === 0 ? ['--user=root'] : [];
}

/** True when something on the socket speaks first, as MySQL servers do. */
async function greets(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = openSocket(path);
    const answer = (greeted: boolean) => (): void => {
      socket.destroy();
      resolve(greeted);
    };
    socket.once('data', answer(true)).once('error', answer(false)).once('close', answer(false));
    socket.setTimeout(500, answer(false));
  });
}

async function choosePort(wanted = 0): Promise<number> {
  if (wanted === 0) return await findFreePort();
  await requireFreePort(wanted);
  return wanted;
}

/** The last words of a server; in their place, why they cannot be read. */
export async function readErrorLogTail(path: string): Promise<string> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const start = Math.max(0, size - ERROR_LOG_TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    return buffer.toString('utf8', 0, bytesRead).trim();
  } catch (error) {
    return `no error log (${error instanceof Error ? error.message : String(error)})`;
  }
}
