import type { Flavor } from '../binlog/gtid.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { TempDirectory } from '../platform/temp-dir.ts';
import { within } from '../platform/wait.ts';
import { connect, describeServer, type ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { answers } from './answers.ts';
import { readGtidState } from './applier.ts';
import { asScript, emptyingStatements, finishingStatements, tellStatements } from './left-behind.ts';
import { readAccounts, readPrimaries, readSchemas, type TargetFacts } from './preflight/target-facts.ts';
import { MARKER_TABLE, removeMarker, type Marker } from './restore-marker.ts';
import type { RestoreNote } from './restore-note.ts';
import type { BorrowedSetting, HandedOver, RestoreTarget } from './restore-target.ts';
import type { ServerOptionValues } from './scratch-options.ts';
import type { Takeover } from './takeover.ts';
import { TARGET_WORDS } from './target-words.ts';

/** A server without room for its relay log does not say whether it is a replica until there is some. Source: seen on MariaDB 10.11.19. */
const PATIENCE_MS = 15_000;

export interface ExistingServerParts {
  /** As the user reaches it. */
  readonly server: ServerOptions;
  /** Holds the lock that keeps other restores away. */
  readonly keeper: ServerConnection;
  readonly admin: ServerConnection;
  readonly takeover: Takeover;
  readonly facts: TargetFacts;
  /** Of a run that was killed and is gone on with; null when this one began it. */
  readonly former: Marker | null;
  /** Of the source, from the backup's record. */
  readonly settings: ServerOptionValues;
  readonly warnings: readonly string[];
  readonly temporaryFolder: TempDirectory;
  readonly log: Logger;
  /** How long it may take to say whether it is a replica, milliseconds. */
  readonly patienceMs?: number;
}

/**
 * A server that is not ours and was empty. Its settings go back to what they were, and our account and marker go,
 * however the restore ends; what was loaded stays, and is never dropped by us.
 */
export class ExistingServer implements RestoreTarget {
  readonly kind = 'existing';
  readonly admin: ServerConnection;
  readonly login: ServerOptions;
  readonly warnings: readonly string[];
  readonly notePath = `table ${MARKER_TABLE}`;
  readonly #parts: ExistingServerParts;
  #borrowed: readonly BorrowedSetting[];
  /** Made to put things right, where no session of the restore answers any more. */
  #helper: ServerConnection | null = null;
  #ended = false;

  constructor(parts: ExistingServerParts) {
    this.#parts = parts;
    this.admin = parts.admin;
    this.login = parts.takeover.login;
    this.warnings = parts.warnings;
    this.#borrowed = parts.takeover.marker.borrowed;
  }

  get flavor(): Flavor {
    return this.admin.flavor;
  }

  get version(): string {
    return this.admin.version;
  }

  get name(): string {
    return describeServer(this.#parts.server);
  }

  get temporary(): string {
    return this.#parts.temporaryFolder.path;
  }

  get borrowed(): readonly BorrowedSetting[] {
    return this.#borrowed;
  }

  get place(): HandedOver {
    const { variables } = this.#parts.facts;
    const text = (name: string): string => variables.get(name) ?? '';
    const [datadir, socket, port] = [text('datadir'), text('socket'), Number(text('port'))];
    const [binaryLog, readOnly] = [text('log_bin') === 'ON', !['OFF', '0', ''].includes(text('read_only'))];
    const { socket: byFile, host, port: byPort = 3306 } = this.#parts.server;
    const reached = byFile === undefined && host !== undefined ? { reached: { host, port: byPort } } : {};
    return { kind: this.kind, datadir, socket, port, ...reached, pid: null, binaryLog, readOnly };
  }

  async note(note: RestoreNote): Promise<void> {
    if (!this.#ended) await this.#parts.takeover.note(this.admin, note);
  }

  async settle(): Promise<void> {
    const { facts, settings, takeover } = this.#parts;
    const { time_zone: zone = 'SYSTEM' } = settings;
    const was = facts.variables.get('time_zone') ?? 'SYSTEM';
    if (zone === was) return;
    await takeover.borrow(this.admin, { name: 'time_zone', was, during: zone });
    this.#borrowed = takeover.marker.borrowed;
  }

  async handOver(): Promise<HandedOver> {
    const { takeover } = this.#parts;
    const { place } = this;
    try {
      const connection = await this.#reach();
      await takeover.giveBack(connection);
      await connection.query('FLUSH LOCAL TABLES');
      await removeMarker(connection); // the first commit that is durable again, and with it all before
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      const undone = finishingStatements(takeover.marker, this.flavor);
      throw new LastgoodError('TOOL_FAILED', `the ${this.name} is proven, but not handed over: ${why}`, {
        cause,
        details: { finish: asScript(undone) },
        hint: `Nothing is lost. Run there: ${tellStatements(undone)}`,
      });
    } finally {
      await this.#close();
    }
    return place;
  }

  async keep(): Promise<void> {
    try {
      await this.#giveBackUnfinished(await this.#reach());
    } finally {
      await this.#close();
    }
  }

  async abandon(error: unknown): Promise<unknown> {
    if (this.#ended) return error;
    const { log, takeover, former } = this.#parts;
    if (former?.note?.phase === 'proven') return await this.#leaveProven(error, former.note);
    try {
      const statements = await this.#undo(await this.#reach());
      return statements.length === 0 ? error : this.#withRest(error, statements);
    } catch (undoing) {
      const why = undoing instanceof Error ? undoing.message : String(undoing);
      log.error({ server: this.name, reason: why, marker: takeover.marker }, 'the target could not be put right');
      const left = { flavor: this.flavor, schemas: [], accounts: [], marker: takeover.marker, applied: '' };
      return this.#withRest(error, emptyingStatements(left), why);
    } finally {
      await this.#close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const error = await this.abandon(null);
    if (error !== null)
      this.#parts.log.error({ server: this.name, left: error }, 'the target holds a part of a restore');
  }

  /** What was proven once is not given up for an error of proving it again: all stays as it was found. */
  async #leaveProven(error: unknown, note: RestoreNote): Promise<unknown> {
    const { log, takeover } = this.#parts;
    try {
      await takeover.note(await this.#reach(), note);
    } catch (cause) {
      log.error({ server: this.name, reason: String(cause) }, 'the target could not be told that it is proven');
    } finally {
      await this.#close();
    }
    if (!isLastgoodError(error)) return error;
    const { code, message, details } = error;
    return new LastgoodError(code, `${message}; the ${this.name} holds a proven restore, not handed over yet`, {
      cause: error,
      details,
      hint: '`lastgood restore --resume --server FILE` proves it again and hands it over.',
    });
  }

  /** @returns the statements that would empty it; none when nothing was loaded */
  async #undo(connection: ServerConnection): Promise<string[]> {
    const { takeover } = this.#parts;
    if (await this.#isReplica(connection)) {
      for (const statement of TARGET_WORDS[this.flavor].forgetPrimaries) await connection.query(statement);
    }
    await takeover.giveUp(connection); // first: one that has applied much, and forgot it, looks like one that has not begun
    const applied = await this.#forgetApplied(connection);
    await this.#giveBackUnfinished(connection);
    const schemas = await readSchemas(connection);
    const accounts = await readAccounts(connection);
    const isEmpty = schemas.length === 0 && accounts.length === 0 && applied === '';
    if (!isEmpty)
      return emptyingStatements({ flavor: this.flavor, schemas, accounts, marker: takeover.marker, applied });
    await removeMarker(connection);
    return [];
  }

  /** Only this question has a limit: to stop an applier may rightly take as long as the group it is in. */
  async #isReplica(connection: ServerConnection): Promise<boolean> {
    const { patienceMs = PATIENCE_MS } = this.#parts;
    const primaries = await within(patienceMs, readPrimaries(connection), null);
    if (primaries !== null) return primaries.length > 0;
    const { showPrimaries } = TARGET_WORDS[this.flavor];
    const message = `'${showPrimaries}' had no answer within ${patienceMs / 1000} seconds: is its disk full?`;
    throw new LastgoodError('SERVER_UNREACHABLE', message);
  }

  /**
   * Before the settings: gtid_strict_mode may forbid it. MySQL forgets only with its whole binary log, and that is nothing to do unasked.
   *
   * @returns what stays
   */
  async #forgetApplied(connection: ServerConnection): Promise<string> {
    const applied = await readGtidState(connection);
    if (applied === '' || this.flavor === 'mysql') return applied;
    await connection.query(TARGET_WORDS[this.flavor].emptyApplied);
    return '';
  }

  /** The events of a half-restored server must not run: the scheduler stays off where there are any, and the marker tells. */
  async #giveBackUnfinished(connection: ServerConnection): Promise<void> {
    const { log, takeover } = this.#parts;
    const events = await connection.query("SELECT 1 FROM information_schema.EVENTS WHERE STATUS = 'ENABLED' LIMIT 1");
    const staying = events.length === 0 ? [] : ['event_scheduler'];
    if (events.length > 0) log.warn({ server: this.name }, 'the target has events: its event scheduler stays off');
    await takeover.giveBack(connection, staying);
  }

  #withRest(error: unknown, statements: readonly string[], why = ''): LastgoodError {
    const cause = isLastgoodError(error) ? error : null;
    const what =
      why === '' ? 'holds a part of the restore' : `may hold a part of the restore, and was not put right: ${why}`;
    const before = error instanceof Error ? `${error.message}; ` : '';
    return new LastgoodError(cause?.code ?? 'TOOL_FAILED', `${before}the ${this.name} ${what}`, {
      cause: error,
      details: { ...cause?.details, cleanup: asScript(statements) },
      hint: `It was empty before. To empty it again, run there: ${tellStatements(statements)}`,
    });
  }

  /** A session that works: that of the restore may be what failed, and the account we came with may be the backup's now. */
  async #reach(): Promise<ServerConnection> {
    const { keeper, server, takeover } = this.#parts;
    for (const connection of [keeper, this.admin]) {
      if (await answers(connection)) return connection;
    }
    try {
      this.#helper = await connectUnlogged(takeover.login);
    } catch (error) {
      if (!isLastgoodError(error, 'ACCESS_DENIED')) throw error;
      this.#helper = await connectUnlogged(server);
    }
    return this.#helper;
  }

  async #close(): Promise<void> {
    this.#ended = true;
    const { admin, keeper, temporaryFolder } = this.#parts;
    const helper = this.#helper;
    await Promise.all([admin.close(), keeper.close(), helper?.close(), temporaryFolder[Symbol.asyncDispose]()]);
  }
}

/** A session whose writes stay out of the server's own binary log: they would have GTIDs that the source's log does not have. */
export async function connectUnlogged(options: ServerOptions): Promise<ServerConnection> {
  const connection = await connect(options);
  try {
    await connection.query("SET SESSION autocommit = 1, sql_log_bin = 0, sql_mode = ''"); // names are quoted in one way only
    return connection;
  } catch (error) {
    await connection.close();
    throw error;
  }
}
