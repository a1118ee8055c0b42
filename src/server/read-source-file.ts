import { createHash } from 'node:crypto';
import { BinlogReader } from '../binlog/binlog-reader.ts';
import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { BINLOG_MAGIC } from '../binlog/event-type.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { GroupVisitor } from '../binlog/group.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { connect } from './connection.ts';
import { startDump, type DumpStream } from './dump-client.ts';
import type { DumpSink } from './dump-packets.ts';
import { checkIdentity, type ServerIdentity } from './facts.ts';
import type { ServerOptions } from './server-options.ts';

/** One file of a server's log, read to its present end. */
export interface SourceFileReading {
  /** Offset just after the last whole group. */
  readonly wholeTo: number;
  /** GTID state there; null when the file does not say. */
  readonly gtidEnd: GtidState | null;
  /** Hex, of the first `hashBytes` bytes; null when the file has fewer. */
  readonly sha256: string | null;
}

export interface SourceFileOptions {
  readonly file: string;
  readonly visitor?: GroupVisitor;
  /** How many bytes to hash, from the file's first on; reading ends there. Without it everything is read. */
  readonly hashBytes?: number;
  /** Who must answer: an address can lead to another server from one connection to the next. */
  readonly identity: ServerIdentity;
}

const HEARTBEAT_MS = 10_000;
/** ER_MASTER_FATAL_ERROR_READING_BINLOG: also what a server says at the torn end of its own file. */
const CANNOT_READ_ON = 1236;

/**
 * Reads one file of a server's log from its start to its present end, on a connection of its own, as server id 0: such a
 * reader throws no other one out. Where the server itself cannot read on, because it crashed there, the file ends.
 *
 * @throws LastgoodError `SERVER_UNREACHABLE`, `SERVER_QUERY_FAILED`, `STREAM_DAMAGED`
 */
export async function readSourceFile(options: ServerOptions, wanted: SourceFileOptions): Promise<SourceFileReading> {
  await using connection = await connect(options);
  await checkIdentity(connection, wanted.identity);
  const sink = new FileSink(wanted);
  const from = { file: wanted.file, position: FIRST_EVENT_OFFSET };
  sink.stream = await startDump(connection, { from, serverId: 0, heartbeatMs: HEARTBEAT_MS, nonBlocking: true }, sink);
  try {
    await sink.stream.finished;
  } catch (error) {
    const isTornEnd = isLastgoodError(error, 'SERVER_QUERY_FAILED') && error.details['errno'] === CANNOT_READ_ON;
    if (!isTornEnd || !sink.hasBegun) throw error;
  }
  return sink.result();
}

class FileSink implements DumpSink {
  stream: DumpStream | null = null;
  readonly #wanted: SourceFileOptions;
  readonly #reader: BinlogReader;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #rest: Buffer = Buffer.alloc(0);
  #over = false;

  constructor(wanted: SourceFileOptions) {
    this.#wanted = wanted;
    const visitor = wanted.visitor ?? { query: () => undefined, group: () => undefined };
    this.#reader = new BinlogReader({ visitor, verifyChecksums: true });
  }

  /** True once a byte of the file came. */
  get hasBegun(): boolean {
    return this.#bytes > FIRST_EVENT_OFFSET;
  }

  rotate(file: string): void {
    if (this.hasBegun || file !== this.#wanted.file) this.#end();
    else if (this.#bytes === 0) this.append(BINLOG_MAGIC, 0, BINLOG_MAGIC.length);
  }

  formatAgain(): void {
    // Comes only when reading begins inside a file.
  }

  append(chunk: Buffer, from: number, to: number): void {
    if (this.#over) return;
    this.#hashUpTo(chunk, from, to);
    const added = chunk.subarray(from, to);
    const buffer = this.#rest.length === 0 ? added : Buffer.concat([this.#rest, added]);
    const consumed = this.#reader.walk(buffer, 0, buffer.length);
    this.#rest = Buffer.from(buffer.subarray(consumed));
    const damage = this.#reader.problems.find(({ kind }) => kind === 'damage' || kind === 'unreadable');
    if (damage !== undefined) throw damaged(this.#wanted.file, damage);
    if (this.#bytes >= (this.#wanted.hashBytes ?? Infinity)) this.#end();
  }

  #hashUpTo(chunk: Buffer, from: number, to: number): void {
    const { hashBytes = 0 } = this.#wanted;
    const end = Math.min(to, from + hashBytes - this.#bytes);
    if (end > from) this.#hash.update(chunk.subarray(from, end));
    this.#bytes += to - from;
  }

  #end(): void {
    this.#over = true;
    this.stream?.stop();
  }

  result(): SourceFileReading {
    const { wholeTo, gtidEnd } = this.#reader.counts;
    const { hashBytes } = this.#wanted;
    const isHashed = hashBytes !== undefined && this.#bytes >= hashBytes;
    return { wholeTo, gtidEnd, sha256: isHashed ? this.#hash.digest('hex') : null };
  }
}

function damaged(file: string, { offset, problem }: { offset: number; problem: string }): LastgoodError {
  return new LastgoodError('STREAM_DAMAGED', `the source's '${file}' is damaged at offset ${offset}: ${problem}`, {
    details: { file, offset },
  });
}
