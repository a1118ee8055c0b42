import { EVENT } from '../../binlog/event-type.ts';
import type { FormatDescription } from '../../binlog/format-description.ts';
import type { Logger } from '../../platform/logger.ts';
import { interrupted } from '../../platform/wait.ts';
import type { ServerConnection } from '../../server/connection.ts';
import type { ServedRange } from '../../server/served-range.ts';
import type { StatementError } from '../../server/statement-results.ts';
import { EventTranslator, type TranslatedFile } from './event-translator.ts';
import { isHarmless, judge } from './expected-errors.ts';
import { KnownSchemas } from './known-schemas.ts';
import { LoadFiles } from './load-files.ts';
import type { EndedGroup, LoggedEvent } from './logged-events.ts';
import { MissingSchema } from './missing-schema.ts';
import { readPayload } from './payload-events.ts';
import type { PlaceKeeper } from './place-keeper.ts';
import { sessionFailure, thingOf } from './session-failure.ts';
import { SessionState } from './session-state.ts';
import { own, type PlacedStatement } from './statement.ts';
import { StatementQueue } from './statement-queue.ts';
import type { TargetGtids } from './target-gtids.ts';
import { openSession, type TargetLimits } from './target-session.ts';
import type { TranslatorOptions } from './translator-options.ts';

export interface LogExecutorOptions {
  readonly target: ServerConnection;
  readonly limits: TargetLimits;
  readonly gtids: TargetGtids;
  /** null where nobody goes on from there. */
  readonly place: PlaceKeeper | null;
  readonly log: Logger;
  readonly signal: AbortSignal | undefined;
  /** Called when the target has executed all of a group. */
  readonly done: (group: EndedGroup) => void;
}

interface Session {
  readonly connection: ServerConnection;
  readonly missing: MissingSchema;
  readonly queue: StatementQueue;
  readonly translator: EventTranslator;
}

/** Executes events on the target through a session of its own. */
export class LogExecutor implements AsyncDisposable {
  readonly #options: LogExecutorOptions;
  readonly #files = new LoadFiles();
  readonly #schemas: KnownSchemas;
  #file: TranslatedFile | null = null;
  #session: Session;
  #insideGroup = false;
  readonly #interrupt = (): void => {
    void this.#kill();
  };

  private constructor(options: LogExecutorOptions, connection: ServerConnection) {
    this.#options = options;
    this.#schemas = new KnownSchemas(options.target);
    this.#session = this.#sessionOn(connection);
    options.signal?.addEventListener('abort', this.#interrupt, { once: true });
  }

  /** @throws LastgoodError what `openSession` throws */
  static async open(options: LogExecutorOptions): Promise<LogExecutor> {
    return new LogExecutor(options, await openSession(options.target));
  }

  /** A range begins: everything before is executed. */
  enter({ file, formatEvent }: ServedRange, format: FormatDescription): void {
    this.#file = { file, format, formatEvent };
    this.#session.translator.enter(this.#file);
  }

  /** The range is over. What its last group began and did not end is undone. */
  async leave(): Promise<void> {
    await this.#guarded(async () => {
      await this.#session.queue.drain();
      if (!this.#insideGroup) return;
      this.#insideGroup = false;
      this.#options.log.warn({ file: this.#file?.file }, 'the last group of the file never ended: it is undone');
      await this.#session.connection.query('ROLLBACK');
    });
  }

  /** Goes on in a new session, as the sessions of a source that was started anew. */
  async startAnew(): Promise<void> {
    await this.leave();
    await this.#endSession();
    this.#session = this.#sessionOn(await openSession(this.#options.target));
    if (this.#file !== null) this.#session.translator.enter(this.#file);
  }

  /** Takes events; errors of earlier ones show here. @throws LastgoodError `TOOL_FAILED`, `SERVER_UNREACHABLE`, `INTERRUPTED` */
  async execute(events: readonly LoggedEvent[]): Promise<void> {
    await this.#guarded(async () => {
      for (const event of events) {
        if (event.opens && event.isInside) this.#insideGroup = true;
        if (event.type === EVENT.TRANSACTION_PAYLOAD) await this.#payload(event);
        else await this.#add(event, event.closes);
        if (event.closes !== null) this.#insideGroup = false;
      }
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#options.signal?.removeEventListener('abort', this.#interrupt);
    await this.#endSession();
    await this.#files[Symbol.asyncDispose]();
  }

  async #payload(event: LoggedEvent): Promise<void> {
    if (this.#file === null) return;
    for (const events of readPayload(event, this.#file.format))
      for (const inner of events) await this.#add(inner, null);
    const { queue, translator } = this.#session;
    const end = translator.placed(event, [own('DO 0')]);
    await queue.add(await this.#withPlace(end, event.closes), event.closes);
  }

  async #add(event: LoggedEvent, closes: EndedGroup | null): Promise<void> {
    const { translator, queue } = this.#session;
    const translated = translator.translate(event);
    const statements = Array.isArray(translated) ? translated : await translated;
    if (statements.length > 0) await queue.add(await this.#withPlace(statements, closes), closes);
  }

  async #withPlace(
    statements: readonly PlacedStatement[],
    closes: EndedGroup | null,
  ): Promise<readonly PlacedStatement[]> {
    const { place } = this.#options;
    if (place === null || closes === null) return statements;
    if (place.isApart(statements)) await this.#session.queue.send();
    return place.ending(statements, closes);
  }

  async #endSession(): Promise<void> {
    const { connection, missing } = this.#session;
    await connection.close();
    await missing[Symbol.asyncDispose]();
  }

  #sessionOn(connection: ServerConnection): Session {
    const { limits, gtids, place, target, log, done } = this.#options;
    const failed = (statement: PlacedStatement, error: StatementError | null): void => {
      this.#judge(statement, error);
    };
    const queue = new StatementQueue(connection, { failed, done }, limits.packetBytes);
    const settle = async (): Promise<void> => {
      await queue.drain();
    };
    const missing = new MissingSchema(connection, { keepsPlace: place !== null });
    const options: TranslatorOptions = {
      ...{ flavor: target.flavor, limits, gtids, log, schemas: this.#schemas, files: this.#files, settle },
      chooseMissing: async (schema, statements) => {
        await missing.whileThere(schema, statements);
      },
      leaveSchema: async () => {
        await missing.leave();
      },
    };
    return { connection, missing, queue, translator: new EventTranslator(options, new SessionState()) };
  }

  #judge(statement: PlacedStatement, error: StatementError | null): void {
    const { place, logged, expected, rows } = statement;
    const { flavor } = this.#options.target;
    const why = judge(expected, error);
    if (why === null || (error !== null && logged !== null && isHarmless(flavor, logged.text, error))) return;
    throw sessionFailure(place, why, {
      thing: logged ?? thingOf(rows?.maps ?? []),
      ...(error === null ? {} : { errno: error.errno }),
    });
  }

  /** A statement may take hours: the target is told to end it. */
  async #kill(): Promise<void> {
    const { target } = this.#options;
    await target.query(`KILL ${this.#session.connection.threadId}`).catch(() => undefined); // it may be gone already
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      const { signal } = this.#options;
      throw signal?.aborted === true ? interrupted(error) : error;
    }
  }
}
