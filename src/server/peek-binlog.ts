import { BinlogReader } from '../binlog/binlog-reader.ts';
import { FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import { BINLOG_MAGIC } from '../binlog/event-type.ts';
import { parseFormatDescription, type FormatDescription } from '../binlog/format-description.ts';
import type { Group } from '../binlog/group.ts';
import { LastgoodError } from '../platform/errors.ts';
import { connect, SHORT_QUESTIONS } from './connection.ts';
import { startDump } from './dump-client.ts';
import type { DumpSink } from './dump-packets.ts';
import { checkIdentity, type ServerIdentity } from './facts.ts';
import type { ServerOptions } from './server-options.ts';

/** What stands in a server's binary log at one place. */
export interface BinlogPeek {
  /** Of the file at the place. With the file's name it tells the file from every other one. */
  readonly format: FormatDescription;
  /** GTID state before the file's first group, as the server writes it; only known when looking at the file's start. */
  readonly gtidStart: string | null;
  /** Of the first group at or after the place, seconds since 1970; null when the log ends there. */
  readonly firstGroupTime: number | null;
}

/** More than any format with its GTID list, and enough to see a group begin. */
const MAX_PEEK_BYTES = 1024 * 1024;
const HEARTBEAT_MS = 10_000;

/**
 * Looks at a server's log from `from`, a group boundary or 4, on a connection of its own, as server id 0: such a
 * reader throws no other one out.
 *
 * Source: MariaDB 10.11 sql/sql_parse.cc, COM_BINLOG_DUMP: kill_zombie_dump_threads only for ids other than 0.
 * @param expected who must answer, when that matters
 * @throws LastgoodError `SERVER_UNREACHABLE`, `SERVER_QUERY_FAILED`, `STREAM_DAMAGED`
 */
export async function peekBinlog(
  options: ServerOptions,
  from: Coordinates,
  expected?: ServerIdentity,
): Promise<BinlogPeek> {
  await using connection = await connect(options, SHORT_QUESTIONS);
  if (expected !== undefined) await checkIdentity(connection, expected);
  const sink = new PeekSink(from.position);
  const stream = await startDump(connection, { from, serverId: 0, heartbeatMs: HEARTBEAT_MS, nonBlocking: true }, sink);
  sink.enough = () => {
    stream.stop();
  };
  await stream.finished;
  if (sink.format === null) throw new LastgoodError('STREAM_DAMAGED', `'${from.file}' does not begin with its format`);
  return { format: sink.format, gtidStart: sink.gtidStart, firstGroupTime: sink.firstGroupTime };
}

class PeekSink implements DumpSink {
  enough: () => void = () => undefined;
  format: FormatDescription | null = null;
  gtidStart: string | null = null;
  firstGroupTime: number | null = null;
  readonly #from: number;
  #reader: BinlogReader | null = null;
  #bytes = Buffer.alloc(0);

  constructor(from: number) {
    this.#from = from;
  }

  rotate(_file: string, position: number): void {
    this.#bytes = Buffer.alloc(0);
    if (position !== FIRST_EVENT_OFFSET) return; // its format comes next, by itself
    this.#reader = new BinlogReader({ visitor: this.#visitor, verifyChecksums: true });
    this.append(BINLOG_MAGIC, 0, BINLOG_MAGIC.length);
  }

  formatAgain(event: Buffer): void {
    this.format = parseFormatDescription(event);
    if (this.format === null) return;
    const start = { format: this.format, offset: this.#from, gtidState: null };
    this.#reader = new BinlogReader({ visitor: this.#visitor, verifyChecksums: true, start });
  }

  append(chunk: Buffer, from: number, to: number): void {
    const reader = this.#reader;
    if (reader === null || this.firstGroupTime !== null || this.#bytes.length > MAX_PEEK_BYTES) return;
    this.#bytes = Buffer.concat([this.#bytes, chunk.subarray(from, to)]);
    this.#bytes = this.#bytes.subarray(reader.walk(this.#bytes, 0, this.#bytes.length));
    this.format ??= reader.format;
    this.gtidStart ??= reader.counts.gtidStart?.toString() ?? null;
    this.firstGroupTime ??= reader.counts.openGroupTime;
    if (this.firstGroupTime !== null || this.#bytes.length > MAX_PEEK_BYTES) this.enough();
  }

  readonly #visitor = {
    query: (): void => undefined,
    group: ({ time }: Group): void => {
      this.firstGroupTime ??= time;
    },
  };
}
