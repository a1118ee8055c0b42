/**
 * One session with one server. Enters: how to reach it, SQL text. Leaves: rows as plain objects, errors of the
 * error table. Must not know what is archived, or why something is asked.
 */
import { readFile } from 'node:fs/promises';
import type { Duplex } from 'node:stream';
import { createConnection, type Connection, type ConnectionOptions, type QueryError } from 'mysql2';
import type { Flavor } from '../binlog/gtid.ts';
import { hasCode } from '../platform/error-code.ts';
import { LastgoodError, type ErrorCode } from '../platform/errors.ts';
import { openBulkSocket } from './bulk-socket.ts';
import type { ServerOptions } from './server-options.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** How long a session may say nothing, as while a dump runs on another one: a week, whatever the server is set to. */
const PATIENCE_SECONDS = 604_800;
/** How long a server may take to say goodbye before the socket is closed under it. */
const CLOSE_TIMEOUT_MS = 1000;

export interface ServerConnection extends AsyncDisposable {
  readonly options: ServerOptions;
  readonly threadId: number;
  readonly flavor: Flavor;
  /** As `SELECT VERSION()` says it, for example '10.11.19-MariaDB-log'. */
  readonly version: string;
  /**
   * Runs one statement in the text protocol. Times come as text, 64-bit and decimal numbers as text; that
   * `Row` fits is the caller's word.
   *
   * @throws LastgoodError `PRIVILEGE_MISSING`, `SERVER_UNREACHABLE`, else `SERVER_QUERY_FAILED` with `details.errno`
   */
  query<Row = Record<string, unknown>>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /**
   * Runs a SELECT and gives its rows one by one, each value as the server sends it; the server waits while nobody
   * takes them. Throws as `query` does.
   */
  rows(sql: string): AsyncIterable<readonly (Buffer | null)[]>;
  /** For the dump client, which speaks other commands on the same connection. */
  readonly core: Connection;
  /** Says goodbye; whatever still runs on this connection ends with an error. */
  close(): Promise<void>;
}

/** What a connection is for. */
export interface ConnectionLimits {
  /** How long a query may go without an answer, milliseconds; as long as it takes when not given. */
  readonly answerWithinMs?: number;
  /** True: it will read a stream of gigabytes. Without TLS that costs no memory then. */
  readonly bulk?: boolean;
  /** Cuts the connection, also while it is being made: whatever waits for an answer on it ends with `SERVER_UNREACHABLE`. */
  readonly signal?: AbortSignal;
}

/** For short questions: without an answer in that time the line is dead, and says so nowhere else. */
export const SHORT_QUESTIONS: ConnectionLimits = { answerWithinMs: 60_000 };

/** Connects and signs in. @throws LastgoodError `SERVER_UNREACHABLE`, `ACCESS_DENIED` */
export async function connect(options: ServerOptions, limits: ConnectionLimits = {}): Promise<ServerConnection> {
  const core = await openCore(options, limits);
  const timeout = CONNECT_TIMEOUT_MS;
  try {
    await run(core, { sql: `SET SESSION wait_timeout = ${PATIENCE_SECONDS}`, timeout });
    const [row] = (await run(core, { sql: 'SELECT VERSION() AS version', timeout })) as { version: string }[];
    return new Session({ core, options, version: row?.version ?? '', limits });
  } catch (error) {
    hangUp(core);
    throw connectError(options, error);
  }
}

/** What error messages call a server: its name and how it was reached, never a password. */
export function describeServer(options: ServerOptions): string {
  return `${options.name} (${options.user}@${addressOf(options)})`;
}

/** `host:port`, or the socket's path. */
export function addressOf({ socket, host = '127.0.0.1', port = 3306 }: ServerOptions): string {
  return socket ?? `${host}:${port}`;
}

class Session implements ServerConnection {
  readonly core: Connection;
  readonly options: ServerOptions;
  readonly version: string;
  readonly flavor: Flavor;
  readonly #limits: ConnectionLimits;

  constructor(parts: { core: Connection; options: ServerOptions; version: string; limits: ConnectionLimits }) {
    const { core, options, version, limits } = parts;
    this.#limits = limits;
    this.core = core;
    this.options = options;
    this.version = version;
    this.flavor = version.includes('MariaDB') ? 'mariadb' : 'mysql';
  }

  get threadId(): number {
    return this.core.threadId;
  }

  async query<Row = Record<string, unknown>>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      const { answerWithinMs: timeout } = this.#limits;
      return (await run(this.core, { sql, values, ...(timeout === undefined ? {} : { timeout }) })) as Row[];
    } catch (error) {
      throw queryError(this.options, sql, error);
    }
  }

  async *rows(sql: string): AsyncGenerator<readonly (Buffer | null)[]> {
    const stream = this.core.query({ sql, rowsAsArray: true, typeCast: false }).stream();
    try {
      for await (const row of stream) yield row as (Buffer | null)[];
    } catch (error) {
      throw queryError(this.options, sql, error);
    }
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
      this.core.end(() => {
        clearTimeout(timer);
        resolve();
      });
    });
    hangUp(this.core);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

async function openCore(options: ServerOptions, limits: ConnectionLimits): Promise<Connection> {
  try {
    return await handshake(await coreOptions(options, limits), limits);
  } catch (error) {
    if (options.tls !== 'preferred' || !hasCode(error, NO_TLS)) throw connectError(options, error);
  }
  try {
    return await handshake(await coreOptions({ ...options, tls: 'off' }, limits), limits);
  } catch (error) {
    throw connectError(options, error);
  }
}

async function handshake(options: ConnectionOptions, { signal }: ConnectionLimits): Promise<Connection> {
  const core = createConnection(options);
  core.on('error', () => undefined); // a connection lost while idle shows in the next query
  if (signal !== undefined) cutOn(signal, core);
  await new Promise<void>((resolve, reject) => {
    core.connect((error) => {
      if (error === null) resolve();
      else reject(error);
    });
  }).catch((error: unknown) => {
    hangUp(core);
    throw error;
  });
  return core;
}

/** mysql2 closes its half only, and lets a question without an answer wait for ever. */
function hangUp(core: Connection): void {
  core.destroy();
  const { stream } = core as unknown as { stream: Duplex };
  stream.destroy(new Error('the connection was closed'));
}

/** `destroy` of the library only stops sending: a question that nobody answers would wait on. */
function cutOn(signal: AbortSignal, core: Connection): void {
  const wire = core as unknown as { readonly stream: Duplex }; // another one once TLS has begun
  const cut = (): void => {
    wire.stream.destroy(new Error('the connection was given up'));
  };
  wire.stream.once('close', () => {
    signal.removeEventListener('abort', cut);
  });
  signal.addEventListener('abort', cut, { once: true });
  if (signal.aborted) cut();
}

async function coreOptions(options: ServerOptions, { bulk = false }: ConnectionLimits): Promise<ConnectionOptions> {
  const { socket, host = '127.0.0.1', port = 3306, user, password } = options;
  const tls = await tlsOptions(options);
  return {
    ...(socket === undefined ? { host, port } : { socketPath: socket }),
    user,
    password,
    charset: 'utf8mb4',
    connectTimeout: CONNECT_TIMEOUT_MS,
    dateStrings: true,
    supportBigNumbers: true,
    bigNumberStrings: true,
    ...tls,
    // TLS reads the socket in its own way.
    ...(bulk && tls.ssl === undefined ? { stream: () => openBulkSocket(options) } : {}),
  };
}

/** Without `ca` the line is encrypted but the server not verified, as with ssl-mode=REQUIRED of the servers' own clients. */
async function tlsOptions({ tls, socket, ca, cert, key }: ServerOptions): Promise<Pick<ConnectionOptions, 'ssl'>> {
  if (tls === 'off' || (tls === 'preferred' && socket !== undefined)) return {};
  const read = async (path: string): Promise<string> => await readFile(path, 'utf8');
  return {
    ssl: {
      rejectUnauthorized: ca !== undefined,
      verifyIdentity: ca !== undefined,
      ...(ca === undefined ? {} : { ca: await read(ca) }),
      ...(cert === undefined ? {} : { cert: await read(cert) }),
      ...(key === undefined ? {} : { key: await read(key) }),
    },
  };
}

async function run(
  core: Connection,
  { values = [], ...question }: { sql: string; values?: readonly unknown[]; timeout?: number },
): Promise<unknown[]> {
  return await new Promise((resolve, reject) => {
    core.query({ ...question, values: [...values] }, (error, result) => {
      if (error !== null) reject(error);
      else resolve(Array.isArray(result) ? result : []);
    });
  });
}

/** Of mysql2: the server answers, and offers no TLS. */
const NO_TLS = 'HANDSHAKE_NO_SSL_SUPPORT';
const NO_TLS_HINT =
  'The server offers no TLS: give it a certificate, or set tls = "preferred" where the way to it is safe.';

/** Source: MariaDB and MySQL error lists; 1698 is MariaDB's refusal by an authentication plugin. */
const DENIED = new Set([1044, 1045, 1130, 1251, 1698]);
const PRIVILEGE = new Set([1044, 1142, 1143, 1227, 1370, 1419, 3530]);

function connectError(options: ServerOptions, cause: unknown): LastgoodError {
  if (cause instanceof LastgoodError) return cause;
  const code: ErrorCode = DENIED.has(errnoOf(cause)) ? 'ACCESS_DENIED' : 'SERVER_UNREACHABLE';
  const message = `cannot connect to the ${describeServer(options)}: ${messageOf(cause)}`;
  return new LastgoodError(code, message, {
    cause,
    hint: hasCode(cause, NO_TLS) ? NO_TLS_HINT : hintFor(code, options),
  });
}

/** A server that the configuration does not know is none that `lastgood doctor` could look at. */
function hintFor(code: ErrorCode, { optionFile }: ServerOptions): string | undefined {
  if (optionFile === undefined) return undefined;
  const place = `in the [client] group of '${optionFile}'`;
  return code === 'ACCESS_DENIED'
    ? `Check user and password ${place}, and that the account may come from this machine.`
    : `Is that server running, and is socket, or host and port, right ${place}?`;
}

function queryError(options: ServerOptions, sql: string, cause: unknown): LastgoodError {
  const errno = errnoOf(cause);
  const words = sql.trim().split(/\s+/, 3).join(' '); // the rest of a statement may hold secrets
  const message = `the ${describeServer(options)} refused '${words} ...': ${messageOf(cause)}`;
  return new LastgoodError(queryErrorCode(errno, cause), message, { cause, details: { errno } });
}

/** True for an error that says nothing of what was asked: somebody has ended the session, or the server is ending. */
export function endsSession(errno: number): boolean {
  return SESSION_ENDS.has(errno);
}

/**
 * ER_SERVER_SHUTDOWN, ER_ABORTING_CONNECTION, the four ER_NET_ errors of a broken line, ER_NEW_ABORTING_CONNECTION, ER_CONNECTION_KILLED.
 * Source: MariaDB 10.11 sql/share/errmsg-utf8.txt.
 */
const SESSION_ENDS: ReadonlySet<number> = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1184, 1927]);

function queryErrorCode(errno: number, cause: unknown): ErrorCode {
  if (PRIVILEGE.has(errno)) return 'PRIVILEGE_MISSING';
  if (endsSession(errno)) return 'SERVER_UNREACHABLE';
  // A number below 1000 comes from the system, none from the client: the server itself did not answer.
  return errno >= 1000 && (cause as Partial<QueryError>).fatal !== true ? 'SERVER_QUERY_FAILED' : 'SERVER_UNREACHABLE';
}

/** The server's error number; 0 when the error is not the server's. */
function errnoOf(error: unknown): number {
  const errno = (error as { errno?: unknown } | null)?.errno;
  return typeof errno === 'number' && errno > 0 ? errno : 0;
}

function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
