import type { ServerConnection } from '../../server/connection.ts';
import { runBatch, type BatchOutcome } from '../../server/statement-batch.ts';
import type { StatementError } from '../../server/statement-results.ts';
import { skippedLines } from './load-statement.ts';
import type { EndedGroup } from './logged-events.ts';
import type { PlacedStatement } from './statement.ts';

/** What the queue tells: of every statement that is not as its source had it, and of the groups that are done. */
export interface QueueListener {
  /** @throws when the statement's outcome is not the expected one */
  failed(statement: PlacedStatement, error: StatementError | null): void;
  done(group: EndedGroup): void;
}

interface Queued extends PlacedStatement {
  readonly closes: EndedGroup | null;
}

const BATCH_BYTES = 256 * 1024;
const DUPLICATE_KEY = 1062;
const SEPARATOR = Buffer.from('\n;');

/**
 * Sends statements in batches: while the target executes one, the next is made. What stands behind an error is not executed,
 * and the next batch is only sent when the one before was as expected.
 */
export class StatementQueue {
  readonly #session: ServerConnection;
  readonly #listener: QueueListener;
  /** Of one command, bytes. */
  readonly #limit: number;
  #statements: Queued[] = [];
  #bytes = 0;
  #running: Promise<void> | null = null;

  constructor(session: ServerConnection, listener: QueueListener, limit: number) {
    this.#session = session;
    this.#listener = listener;
    this.#limit = limit;
  }

  /** Takes the statements of one event; the last one ends the group, if one ends. */
  async add(statements: readonly PlacedStatement[], closes: EndedGroup | null): Promise<void> {
    const last = statements.length - 1;
    for (const [index, statement] of statements.entries()) {
      const bytes = statement.sql.length + SEPARATOR.length;
      if (this.#bytes + bytes > this.#limit) await this.send();
      this.#statements.push({ ...statement, closes: index === last ? closes : null });
      this.#bytes += bytes;
      if (statement.alone || this.#bytes >= BATCH_BYTES) await this.send();
    }
  }

  /** Sends what is there, once the batch before it is done; does not wait for its end. */
  async send(): Promise<void> {
    await this.#running;
    const statements = this.#statements;
    if (statements.length === 0) return;
    this.#statements = [];
    this.#bytes = 0;
    this.#running = this.#run(statements);
    this.#running.catch(() => undefined); // the next send throws it
  }

  /** Until all is executed. */
  async drain(): Promise<void> {
    await this.send();
    await this.#running;
  }

  async #run(statements: readonly Queued[]): Promise<void> {
    const { localFile } = statements.at(-1) ?? {};
    const sql = statements.flatMap(({ sql: text }, index) => (index === 0 ? [text] : [SEPARATOR, text]));
    const outcome = await runBatch(this.#session, { sql, statements: statements.length, localFile });
    this.#settle(statements, outcome);
  }

  #settle(statements: readonly Queued[], { executed, error, info }: BatchOutcome): void {
    for (const [index, statement] of statements.entries()) {
      if (index < executed && statement.expected !== 0) this.#listener.failed(statement, null);
      else if (index < executed && statement.takesAllLines === true) this.#requireAllLines(statement, info);
      else if (index === executed) this.#listener.failed(statement, error);
      if (statement.closes !== null) this.#listener.done(statement.closes);
      if (index === executed && index < statements.length - 1) throw new Error('a statement failed inside its batch');
    }
  }

  /** It stands last in its batch. */
  #requireAllLines(statement: Queued, info: string): void {
    const skipped = skippedLines(info);
    if (skipped === 0) return;
    const message = `${skipped} of its lines clash with rows that are there`;
    this.#listener.failed(statement, { errno: DUPLICATE_KEY, message });
  }
}
