import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../platform/durable-file.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Lock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { ownUserName } from '../platform/own-user.ts';
import { waitFor } from '../platform/wait.ts';
import type { Flavor } from '../binlog/gtid.ts';
import type { ServerConnection } from '../server/connection.ts';
import {
  privateTemporaryFolder,
  readErrorLogTail,
  startLocalServer,
  type LocalServer,
} from '../server/local-server.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { answers } from './answers.ts';
import { saysGoodbye } from './goodbye.ts';
import { clearFolder } from './restore-folder.ts';
import { restoreNotePath, writeRestoreNote, type RestoreNote } from './restore-note.ts';
import type { BorrowedSetting, HandedOver, RestoreTarget } from './restore-target.ts';
import { lastingServerPaths, optionFilePath } from './server-folder.ts';
import { ownLinesWarning, withOwnLines } from './own-options.ts';
import { asArguments, handedOverOptions, type ServerOptionValues } from './scratch-options.ts';
import { removePlaceTable } from './session/place-table.ts';
import { shellWord } from '../platform/shell-word.ts';
import type { SourceZone } from './source-zone.ts';

/** A large server writes for long what it has in memory, and reads for long what it wrote. */
export const PATIENCE = { startTimeoutMs: 3_600_000, stopTimeoutMs: 3_600_000 };

/** Of a server's error log: what a message tells. */
const LAST_LINES = 3;

export interface ScratchServerOptions {
  /** The data folder itself: must not exist, or be empty. */
  readonly datadir: string;
  /** 0: a free one. */
  readonly port: number;
  /** One that is in nobody's log: see `chooseServerId`. */
  readonly serverId: number;
  /** Of the source, from the backup's record. */
  readonly settings: ServerOptionValues;
  readonly zone: SourceZone;
  /** That it will hold, about. */
  readonly dataBytes: number;
  /** After an error: 'empty' the folder · 'if-ended' only unless the server ended by itself, or the disk takes no more · 'keep' what is there. */
  readonly onError: 'empty' | 'if-ended' | 'keep';
  /** What a person added to the option file of an earlier run. */
  readonly ownLines?: string | undefined;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * A new, private server for a restore. Until it is handed over it belongs to this process: disposing of it ends it
 * and empties its folder, so that nothing half-restored is ever left behind.
 */
export class ScratchServer implements RestoreTarget {
  readonly kind = 'scratch';
  readonly datadir: string;
  readonly admin: ServerConnection;
  readonly login: ServerOptions;
  readonly borrowed: readonly BorrowedSetting[] = [];
  readonly warnings: string[];
  readonly #server: LocalServer;
  readonly #lock: Lock;
  readonly #options: ScratchServerOptions;
  #kept = false;
  #disposed = false;

  constructor(parts: {
    server: LocalServer;
    admin: ServerConnection;
    login: ServerOptions;
    /** Of the folder. */
    lock: Lock;
    options: ScratchServerOptions;
  }) {
    this.datadir = parts.server.datadir;
    this.admin = parts.admin;
    this.login = parts.login;
    this.#server = parts.server;
    this.#lock = parts.lock;
    this.#options = parts.options;
    const { zone, ownLines = '' } = parts.options;
    this.warnings = [zone.warning, ownLinesWarning(this.datadir, ownLines)].filter((warning) => warning !== null);
  }

  get flavor(): Flavor {
    return this.admin.flavor;
  }

  get version(): string {
    return this.admin.version;
  }

  get name(): string {
    return `server in '${this.datadir}'`;
  }

  get temporary(): string {
    return privateTemporaryFolder(this.datadir).tmpdir;
  }

  get notePath(): string {
    return restoreNotePath(this.datadir);
  }

  async note(note: RestoreNote): Promise<void> {
    await writeRestoreNote(this.datadir, note);
  }

  async settle(): Promise<void> {
    const { time_zone: zone } = this.#options.settings;
    if (zone !== undefined) await this.admin.query('SET GLOBAL time_zone = ?', [zone]);
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
          hint: `Nothing is lost. Once no server runs there, start it: mariadbd --defaults-file=${shellWord(optionFilePath(datadir))}`,
        },
      );
    }
  }

  async #startAnew(stop: boolean): Promise<HandedOver> {
    const { settings, zone, log, serverId, ownLines = '' } = this.#options;
    const { datadir, port } = this.#server;
    const options = handedOverOptions(settings, serverId, zone.fixed);
    await writeFileDurably(optionFilePath(datadir), withOwnLines({ ...places(this.#server), ...options }, ownLines));
    await removePlaceTable(this.admin);
    await this.admin.query(`DROP USER ${account(this.login)}`);
    await this.admin.close();
    log.info({ datadir }, 'stopping the restored server');
    await this.#server.stop();
    const { errorLog } = lastingServerPaths(datadir, serverId);
    if (!(await saysGoodbye(errorLog)))
      throw new LastgoodError('TOOL_FAILED', `the restored server in '${datadir}' did not shut down cleanly`);
    if (stop) return { ...this.place, pid: null };
    log.info({ datadir, port }, 'starting the restored server with durable settings');
    const server = await startLocalServer({
      ...lastingServerPaths(datadir, serverId),
      ...PATIENCE,
      port,
      args: asArguments(options),
      detached: true,
    });
    return { ...this.place, socket: server.socket, port: server.port, pid: server.pid };
  }

  get place(): HandedOver {
    const { datadir, socket, port, pid } = this.#server;
    return { kind: this.kind, datadir, socket, port, pid, binaryLog: false, readOnly: false };
  }

  async keep(): Promise<void> {
    this.#kept = true;
    await this.admin.close();
    await this.#server.stop();
  }

  async abandon(error: unknown): Promise<unknown> {
    const { onError } = this.#options;
    const ownEnd = this.#kept || onError === 'empty' ? null : await this.#ownEnd(error);
    const stays = this.#kept || onError === 'keep' || ownEnd !== null || (onError === 'if-ended' && isOfDisk(error));
    if (stays) await this.keep();
    await this[Symbol.asyncDispose]();
    if (!stays) return error;
    const isFromIt = ownEnd !== null && !isLastgoodError(error, 'INTERRUPTED');
    return tellToResume(isFromIt ? await this.#died(ownEnd, error) : error, this.datadir);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#disposed) return; // the folder may be somebody else's by now
    this.#disposed = true;
    try {
      if (this.#kept) return;
      await this.admin.close();
      await this.#server.kill();
      await rm(this.#server.socket, { force: true });
      await clearFolder(this.datadir);
    } finally {
      await this.#lock[Symbol.asyncDispose]();
    }
  }

  /** How the server ended without being told to; null when it did not. */
  async #ownEnd(error: unknown): Promise<string | null> {
    // Who is interrupted may have asked something that takes hours: nothing is asked behind that.
    if (isLastgoodError(error, 'INTERRUPTED')) return this.#server.ended;
    if (await answers(this.admin)) return null;
    const isGone = (): boolean => this.#server.ended !== null;
    // A connection may be lost a moment before the process is known to be.
    await waitFor(isGone, { timeoutMs: 5000, what: 'the server to end' }).catch(() => undefined);
    return this.#server.ended;
  }

  /** Whatever failed first, failed for that. */
  async #died(how: string, cause: unknown): Promise<LastgoodError> {
    const { datadir } = this;
    const { errorLog } = lastingServerPaths(datadir, this.#options.serverId);
    const words = (await readErrorLogTail(errorLog)).split('\n').slice(-LAST_LINES).join('\n');
    return new LastgoodError(
      'TOOL_FAILED',
      `the new server in '${datadir}' ended by itself (${how}); the last words in '${errorLog}': ${words}`,
      { cause, details: { datadir, errorLog } },
    );
  }
}

/** A note that cannot be written takes nothing from the server: once there is room, it goes on. */
function isOfDisk(error: unknown): boolean {
  return isLastgoodError(error, 'STORAGE_FAILED');
}

/** What came so far is worth to go on from. */
function tellToResume(error: unknown, datadir: string): unknown {
  if (!isLastgoodError(error)) return error;
  const { code, message, details } = error;
  return new LastgoodError(code, `${message}; what is restored so far is kept in '${datadir}'`, {
    cause: error,
    details: { ...details, datadir },
    hint: `\`lastgood restore --resume --datadir ${shellWord(datadir)}\` goes on from there.`,
  });
}

/** As statements take it. */
export function account({ user }: Pick<ServerOptions, 'user'>): string {
  return `'${user}'@'localhost'`;
}

/** What `startLocalServer` gives on the command line, for the option file. */
function places({ datadir, socket, port }: LocalServer): ServerOptionValues {
  const user = ownUserName();
  return {
    ...(user === null ? {} : { user }),
    datadir,
    socket,
    port: String(port),
    bind_address: '127.0.0.1',
    pid_file: join(datadir, 'server.pid'),
    log_error: join(datadir, 'error.log'),
    ...privateTemporaryFolder(datadir),
  };
}
