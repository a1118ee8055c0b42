/**
 * Several statements in one command: bytes as they are, one round trip, and nothing behind the first error is executed.
 * Enters: a connection, the statements' bytes. Leaves: how many were executed, and the first error. Must not know what they do.
 */
import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from './connection.ts';
import { ResultReader, type ResultPacket, type StatementError } from './statement-results.ts';

export interface BatchOutcome {
  /** So many statements, from the first one, were executed. */
  readonly executed: number;
  /** Of the statement behind them; null when there is none. */
  readonly error: StatementError | null;
  /** What the server says of the last one that was executed: how many rows it changed, or loaded. */
  readonly info: string;
}

export interface StatementBatch {
  /** Statements with a semicolon between each two. */
  readonly sql: readonly Buffer[];
  readonly statements: number;
  /** What the server gets when it asks for a file of ours: LOAD DATA LOCAL. */
  readonly localFile?: (() => AsyncIterable<Buffer>) | undefined;
}

/** The parts of a `mysql2` connection that its types do not show. */
interface WireConnection {
  readonly stream: NodeJS.WritableStream & { writableNeedDrain?: boolean; destroy(error?: Error): void };
  readonly config: { readonly clientFlags: number };
  readonly serverCapabilityFlags?: number;
  sequenceId: number;
  addCommand(command: object): void;
  write(bytes: Buffer): void;
}

const COM_QUERY = 0x03;
const COM_SET_OPTION = 0x1b;
/** Source: MySQL 8.4 include/my_command.h and mysql_com.h: MYSQL_OPTION_MULTI_STATEMENTS_ON is 0. */
const MULTI_STATEMENTS_ON = Buffer.from([COM_SET_OPTION, 0, 0]);
/** With it the text follows a count of attributes, and how many sets of them. Source: MySQL 8.4 manual, COM_QUERY. */
const CLIENT_QUERY_ATTRIBUTES = 1 << 27;
const NO_ATTRIBUTES = Buffer.from([COM_QUERY, 0, 1]);
const PLAIN_QUERY = Buffer.from([COM_QUERY]);
const MAX_PIECE_BYTES = 0xffffff;
const HEADER_BYTES = 4;

/** Lets the session take more than one statement in a command. @throws LastgoodError `SERVER_UNREACHABLE`, `SERVER_QUERY_FAILED` */
export async function allowBatches(connection: ServerConnection): Promise<void> {
  const { error } = await new BatchCommand(connection, { payload: [MULTI_STATEMENTS_ON], statements: 1 }).outcome;
  if (error === null) return;
  const server = describeServer(connection.options);
  throw new LastgoodError('SERVER_QUERY_FAILED', `the ${server} takes one statement at a time only: ${error.message}`, {
    hint: 'Is there a proxy before it? Reach the server itself, or replay with --engine applier.',
  });
}

/**
 * Executes the statements in order, up to the first error. What they return is thrown away.
 *
 * @throws LastgoodError `SERVER_UNREACHABLE` when the connection broke: then it is not known how many were executed
 */
export async function runBatch(connection: ServerConnection, batch: StatementBatch): Promise<BatchOutcome> {
  const wire = connection.core as unknown as WireConnection;
  const flags = wire.config.clientFlags & (wire.serverCapabilityFlags ?? 0);
  const head = (flags & CLIENT_QUERY_ATTRIBUTES) === 0 ? PLAIN_QUERY : NO_ATTRIBUTES;
  return await new BatchCommand(connection, { ...batch, payload: [head, ...batch.sql] }).outcome;
}

/** A command as `mysql2` runs them: `execute` is called with nothing to begin, and with each packet of the answer. */
class BatchCommand {
  readonly outcome: Promise<BatchOutcome>;
  readonly #payload: readonly Buffer[];
  readonly #statements: number;
  readonly #localFile: StatementBatch['localFile'];
  readonly #results = new ResultReader();
  readonly #wire: WireConnection;
  #settle!: { resolve: (outcome: BatchOutcome) => void; reject: (error: Error) => void };
  #begun = false;

  constructor(
    connection: ServerConnection,
    o: { payload: readonly Buffer[]; statements: number; localFile?: StatementBatch['localFile'] },
  ) {
    this.#payload = o.payload;
    this.#statements = o.statements;
    this.#localFile = o.localFile;
    this.#wire = connection.core as unknown as WireConnection;
    this.outcome = new Promise((resolve, reject) => {
      this.#settle = {
        resolve,
        reject: (cause) => {
          const server = describeServer(connection.options);
          reject(new LastgoodError('SERVER_UNREACHABLE', `lost the ${server}: ${cause.message}`, { cause }));
        },
      };
    });
    this.#wire.addCommand(this);
  }

  /** @returns true when the command is over */
  execute(packet: ResultPacket | undefined): boolean {
    if (packet === undefined || !this.#begun) {
      this.#begun = true;
      this.#wire.sequenceId = sendPacket(this.#wire, this.#payload, 0);
      return false;
    }
    const found = this.#results.take(packet);
    if (found === 'more') return this.#isDone();
    if (found === 'local-file') {
      void this.#sendFile();
      return false;
    }
    this.#end(found);
    return true;
  }

  /** Called when the connection breaks. */
  onResult(error: Error): void {
    this.#settle.reject(error);
  }

  #isDone(): boolean {
    // A row event resets the flag that says whether more follows, so results are counted. Seen in MariaDB 10.11 sql/sql_parse.cc.
    if (this.#results.whole < this.#statements) return false;
    this.#end(null);
    return true;
  }

  #end(error: StatementError | null): void {
    const { whole: executed, info } = this.#results;
    this.#settle.resolve({ executed, error, info });
  }

  async #sendFile(): Promise<void> {
    const wire = this.#wire;
    try {
      for await (const bytes of this.#localFile?.() ?? []) {
        wire.sequenceId = sendPacket(wire, [bytes], wire.sequenceId);
        if (wire.stream.writableNeedDrain === true) await new Promise((resolve) => wire.stream.once('drain', resolve));
      }
      wire.sequenceId = sendPacket(wire, [], wire.sequenceId);
    } catch (error) {
      wire.stream.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  }
}

/** Sends one packet, in several pieces when it is large. @returns the number of the next packet */
function sendPacket(wire: WireConnection, parts: readonly Buffer[], first: number): number {
  const bytes = parts.reduce((sum, part) => sum + part.length, 0);
  if (bytes < MAX_PIECE_BYTES) {
    wire.write(Buffer.concat([header(bytes, first), ...parts], HEADER_BYTES + bytes));
    return (first + 1) % 256;
  }
  return sendPieces(wire, { parts, bytes, first });
}

/** A piece of the largest length says that another one follows, also an empty one. Source: MySQL 8.4 manual, "MySQL Packets". */
function sendPieces(wire: WireConnection, o: { parts: readonly Buffer[]; bytes: number; first: number }): number {
  let sequence = o.first;
  let left = 0; // of the piece that was begun
  let rest = o.bytes;
  const begin = (): void => {
    left = Math.min(rest, MAX_PIECE_BYTES);
    rest -= left;
    wire.write(header(left, sequence));
    sequence = (sequence + 1) % 256;
  };
  begin();
  for (const part of o.parts) {
    for (let at = 0; at < part.length;) {
      const taken = Math.min(left, part.length - at);
      wire.write(part.subarray(at, at + taken));
      at += taken;
      left -= taken;
      if (left === 0 && rest > 0) begin();
    }
  }
  if (o.bytes % MAX_PIECE_BYTES === 0) begin();
  return sequence;
}

function header(bytes: number, sequence: number): Buffer {
  return Buffer.from([bytes & 0xff, (bytes >> 8) & 0xff, (bytes >> 16) & 0xff, sequence]);
}
