/**
 * The replication client: asks a server for its binary log and streams the bytes on, as they stand in the file.
 * Enters: a connection, coordinates. Leaves: bytes and file changes into a sink. Must not know what they are for.
 */
import { MAX_ASKABLE_POSITION, type Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { LastgoodError, type ErrorCode, type ErrorDetails } from '../platform/errors.ts';
import { lendReads } from './bulk-socket.ts';
import { describeServer, endsSession, type ServerConnection } from './connection.ts';
import { DumpPackets, type DumpSink } from './dump-packets.ts';

export interface DumpRequest {
  /** A group boundary, or 4. Positions above 4 GiB cannot be asked for: the command has four bytes. */
  readonly from: Coordinates;
  /** Unique in the topology; 0 is a reader that throws nobody out, for short non-blocking looks. */
  readonly serverId: number;
  /** The source says so often that it is alive when it has nothing to send. */
  readonly heartbeatMs: number;
  /** True: the stream ends where the log ends now. */
  readonly nonBlocking: boolean;
  /** What we call ourselves, up to 60 bytes of ASCII; `ARCHIVER_HOST` when not given. */
  readonly host?: string;
  /** MySQL: who we are; two clients of one uuid throw each other out. */
  readonly uuid?: string;
  /** True: be a semi-synchronous replica, whose sink is told of each commit that waits, and acknowledges it. */
  readonly semiSync?: boolean;
}

/** A running dump. */
export interface DumpStream {
  /**
   * Settles when the stream is over: resolves after `stop` or, non-blocking, at the log's end.
   * @throws LastgoodError `SERVER_UNREACHABLE` when the connection broke, with `details.ended` when the server hung up; `SERVER_QUERY_FAILED` with the server's
   * `details.errno` when it refused to go on; whatever the sink threw
   */
  readonly finished: Promise<void>;
  /** Takes no more bytes from the socket until `resume`. */
  pause(): void;
  resume(): void;
  /** Tells a semi-synchronous source that all up to there is durable here. */
  acknowledge(upTo: Coordinates): void;
  /** Ends the stream; the connection cannot be used afterwards. */
  stop(): void;
}

const COM_BINLOG_DUMP = 0x12;
const COM_REGISTER_SLAVE = 0x15;
/** What our clients say as their host: whoever lists a server's replicas sees what they are. */
export const ARCHIVER_HOST = 'lastgood';
/** Marks an acknowledgement; not a command. Source: MariaDB 10.11 sql/semisync.h, kPacketMagicNum. */
const ACKNOWLEDGEMENT = 0xef;
const NON_BLOCKING = 1;
/** Without it MariaDB leaves every ANNOTATE_ROWS event out. Source: sql/sql_repl.cc, BINLOG_SEND_ANNOTATE_ROWS_EVENT. */
const SEND_ANNOTATE_ROWS = 2;
/** A source that misses so many heartbeats is gone. */
const MISSED_HEARTBEATS = 4;

/** Prepares the session so that the source sends its files unchanged, asks for the log and hands its bytes to `sink`. */
export async function startDump(
  connection: ServerConnection,
  request: DumpRequest,
  sink: DumpSink,
): Promise<DumpStream> {
  if (request.from.position > MAX_ASKABLE_POSITION) {
    throw new LastgoodError(
      'TARGET_UNREACHABLE',
      `cannot ask a server for position ${request.from.position} of '${request.from.file}': the protocol has 32 bits`,
    );
  }
  for (const statement of sessionStatements(connection.flavor, request)) await connection.query(statement);
  return new Dump(connection, request, sink);
}

/** Source: MariaDB 10.11 and MySQL 8.4 sql/slave.cc, get_master_version_and_clock; each tried for byte identity. */
function sessionStatements(flavor: Flavor, { heartbeatMs, uuid, semiSync }: DumpRequest): string[] {
  const period = heartbeatMs * 1_000_000;
  const common = [
    `SET @master_heartbeat_period = ${period}`,
    'SET @master_binlog_checksum = @@GLOBAL.binlog_checksum',
    // The second name since MySQL 8.0.26. Source: MySQL 8.4 plugin/semisync/semisync_source_plugin.cc, repl_semi_binlog_dump_start.
    ...(semiSync === true ? ['SET @rpl_semi_sync_slave = 1, @rpl_semi_sync_replica = 1'] : []),
  ];
  if (flavor === 'mariadb') return [...common, 'SET @mariadb_slave_capability = 4'];
  return [
    ...common,
    `SET @source_heartbeat_period = ${period}`,
    'SET @source_binlog_checksum = @@GLOBAL.binlog_checksum',
    ...(uuid === undefined ? [] : [`SET @slave_uuid = '${uuid}', @replica_uuid = '${uuid}'`]),
  ];
}

/** The parts of a `mysql2` connection that its types do not show and that a dump needs. */
interface WireConnection {
  readonly stream: NodeJS.ReadWriteStream & { destroy(): void };
  packetParser: { execute(chunk: Buffer): void };
  write(bytes: Buffer): void;
}

class Dump implements DumpStream {
  readonly finished: Promise<void>;
  readonly #connection: ServerConnection;
  readonly #wire: WireConnection;
  readonly #packets: DumpPackets;
  readonly #request: DumpRequest;
  readonly #settle: PromiseWithResolvers;
  #watchdog: NodeJS.Timeout | undefined;
  #over = false;

  constructor(connection: ServerConnection, request: DumpRequest, sink: DumpSink) {
    this.#connection = connection;
    this.#request = request;
    this.#wire = connection.core as unknown as WireConnection;
    this.#packets = new DumpPackets(sink, { semiSync: request.semiSync === true });
    this.#settle = promiseWithResolvers();
    this.finished = this.#settle.promise;
    lendReads(this.#wire.stream);
    this.#wire.packetParser.execute = (chunk) => {
      this.#received(chunk);
    };
    const lost = (error?: Error): void => {
      this.#finish(this.#lost(error?.message ?? 'the server closed the connection'));
    };
    this.#wire.stream.once('error', lost).once('close', lost);
    this.#watch();
    if (request.serverId !== 0) this.#wire.write(registerCommand(request));
    else this.#ask();
  }

  pause(): void {
    clearTimeout(this.#watchdog);
    this.#wire.stream.pause();
  }

  resume(): void {
    this.#watch();
    this.#wire.stream.resume();
  }

  acknowledge(upTo: Coordinates): void {
    if (!this.#over && this.#packets.isSemiSync) this.#wire.write(acknowledgement(upTo));
  }

  stop(): void {
    this.#finish();
  }

  #ask(): void {
    this.#registered = true;
    this.#wire.write(dumpCommand(this.#request, this.#connection.flavor));
    this.#watch();
  }

  #registered = false;

  #received(chunk: Buffer): void {
    if (this.#over) return;
    try {
      if (!this.#registered) this.#answered(chunk);
      else {
        this.#watch();
        this.#packets.feed(chunk);
        if (this.#packets.end !== undefined) this.#ended(this.#packets.end);
      }
    } catch (error) {
      this.#finish(error);
    }
  }

  /** The answer to the registration is one small packet. */
  #answered(chunk: Buffer): void {
    if (chunk[4] === 0xff) throw this.#refused(chunk.subarray(4));
    this.#ask();
  }

  #ended(end: NonNullable<DumpPackets['end']>): void {
    if (end.kind === 'error') this.#finish(this.#refused(end.packet));
    else
      this.#finish(
        this.#request.nonBlocking
          ? undefined
          : this.#lost('the server ended the stream: is it shutting down?', { ended: true }),
      );
  }

  #watch(): void {
    clearTimeout(this.#watchdog);
    if (this.#over) return;
    const silenceMs = MISSED_HEARTBEATS * this.#request.heartbeatMs;
    this.#watchdog = setTimeout(() => {
      this.#finish(this.#lost(`not a byte from it for ${silenceMs / 1000} s, not even a heartbeat`));
    }, silenceMs);
  }

  #finish(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#watchdog);
    this.#wire.stream.destroy();
    if (error === undefined) this.#settle.resolve();
    else this.#settle.reject(error);
  }

  #lost(why: string, details: ErrorDetails = {}): LastgoodError {
    return new LastgoodError(
      'SERVER_UNREACHABLE',
      `the connection to the ${describeServer(this.#connection.options)} broke: ${why}`,
      { details },
    );
  }

  /** ff, number 2, '#' and a state of five characters, message. Source: MySQL source docs, ERR_Packet. */
  #refused(packet: Buffer): LastgoodError {
    const errno = packet.length >= 3 ? packet.readUInt16LE(1) : 0;
    const message = packet.toString('utf8', packet[3] === 0x23 ? 9 : 3);
    return new LastgoodError(
      refusalCode(errno),
      `the ${describeServer(this.#connection.options)} ended the binary log stream: ${message}`,
      {
        details: { errno, file: this.#request.from.file, position: this.#request.from.position },
      },
    );
  }
}

/** ER_ACCESS_DENIED_ERROR, ER_TABLEACCESS_DENIED_ERROR, ER_SPECIFIC_ACCESS_DENIED_ERROR: no REPLICATION SLAVE. */
const NOT_ALLOWED: ReadonlySet<number> = new Set([1045, 1142, 1227]);

function refusalCode(errno: number): ErrorCode {
  if (NOT_ALLOWED.has(errno)) return 'PRIVILEGE_MISSING';
  return endsSession(errno) ? 'SERVER_UNREACHABLE' : 'SERVER_QUERY_FAILED';
}

/** server id 4, host, user and password each with a length byte, port 2, rank 4, primary's id 4. */
function registerCommand({ serverId, host = ARCHIVER_HOST }: DumpRequest): Buffer {
  const payload = Buffer.alloc(18 + host.length);
  payload[0] = COM_REGISTER_SLAVE;
  payload.writeUInt32LE(serverId, 1);
  payload[5] = host.length;
  payload.write(host, 6, 'latin1');
  return packet(payload);
}

/** position 4, flags 2, server id 4, file name. */
function dumpCommand({ from, serverId, nonBlocking }: DumpRequest, flavor: Flavor): Buffer {
  const payload = Buffer.alloc(11 + Buffer.byteLength(from.file));
  payload[0] = COM_BINLOG_DUMP;
  payload.writeUInt32LE(from.position, 1);
  payload.writeUInt16LE((flavor === 'mariadb' ? SEND_ANNOTATE_ROWS : 0) | (nonBlocking ? NON_BLOCKING : 0), 5);
  payload.writeUInt32LE(serverId, 7);
  payload.write(from.file, 11);
  return packet(payload);
}

/** mark 1, position 8, file name. Source: MariaDB 10.11 sql/semisync_slave.cc, Repl_semi_sync_slave::slave_reply. */
function acknowledgement({ file, position }: Coordinates): Buffer {
  const payload = Buffer.alloc(9 + Buffer.byteLength(file));
  payload[0] = ACKNOWLEDGEMENT;
  payload.writeBigUInt64LE(BigInt(position), 1);
  payload.write(file, 9);
  return packet(payload);
}

function packet(payload: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUIntLE(payload.length, 0, 3);
  return Buffer.concat([header, payload]);
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

function promiseWithResolvers(): PromiseWithResolvers {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  promise.catch(() => undefined); // read by `finished`; until someone does, a failure is not unhandled
  return { promise, resolve, reject };
}
