import type { Socket } from 'node:net';
import { createConnection, type Connection } from 'mysql2';
import type { Logger } from '../platform/logger.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import { ReplicaQuestions, type Answer } from './archive-answers.ts';
import { findOffer } from './archive-offer.ts';
import { ArchiveStream } from './archive-stream.ts';
import { EventPackets } from './event-packets.ts';
import { COMMAND, DUMP_ERROR, parseDumpRequest, type DumpRequest } from './replication-protocol.ts';
import { knowsPassword, type NativeLogin } from './native-password.ts';
import type { ServedIdentity, ServedRange } from './served-range.ts';

const ACCESS_DENIED = 1045;
const NOT_SUPPORTED = 1235;
const UTF8MB4_GENERAL_CI = 45;
const VAR_STRING = 253;
/** LONG_PASSWORD, CONNECT_WITH_DB, PROTOCOL_41, TRANSACTIONS, SECURE_CONNECTION, PLUGIN_AUTH. Source: MariaDB 10.11 include/mysql_com.h. */
const CAPABILITIES = 0x1 | 0x8 | 0x200 | 0x2000 | 0x8000 | 0x80000;
const STATUS_AUTOCOMMIT = 0x2;
const PROTOCOL_VERSION = 10;

const REFUSAL = { code: ACCESS_DENIED, message: 'access denied: the archive server takes its one-time password only' };

type Login = NativeLogin & { readonly user: string };
type AuthenticationDone = (error: null, refusal?: { readonly message: string; readonly code: number }) => void;

/** What mysql2 hands over of a packet: the payload is behind four bytes of header. */
interface RawPacket {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

export interface SessionOptions {
  readonly socket: Socket;
  readonly connectionId: number;
  readonly identity: ServedIdentity;
  readonly ranges: readonly ServedRange[];
  readonly user: string;
  readonly password: string;
  readonly log: Logger;
  /** Told where a replica stands once it has applied everything, when everything is sent. */
  readonly onSent: (reached: Coordinates) => void;
  /** Told what kept a client from being served to the end: damage, not a client that left. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * One client of the archive server, from its handshake to its last event. `mysql2` reads the packets of handshake
 * and questions; once the client asks for the log, the socket is written to directly.
 */
export class ArchiveSession {
  readonly #options: SessionOptions;
  readonly #connection: Connection;
  readonly #questions: ReplicaQuestions;
  readonly #closed = new AbortController();
  #welcome = false;
  #dumping = false;

  constructor(options: SessionOptions) {
    const { socket, identity, ranges } = options;
    this.#options = options;
    this.#questions = new ReplicaQuestions(identity, ranges);
    this.#connection = createConnection({ stream: socket, isServer: true });
    socket.on('close', () => {
      this.#closed.abort();
    });
    this.#listen();
    this.#shakeHands();
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#options.socket.destroy();
  }

  #shakeHands(): void {
    const { identity, connectionId } = this.#options;
    // Clients tell MariaDB by this prefix. Source: MariaDB 10.11 sql/mysqld.h, RPL_VERSION_HACK.
    const prefix = identity.flavor === 'mariadb' ? '5.5.5-' : '';
    this.#connection.serverHandshake({
      protocolVersion: PROTOCOL_VERSION,
      serverVersion: `${prefix}${identity.serverVersion}`,
      connectionId,
      statusFlags: STATUS_AUTOCOMMIT,
      characterSet: UTF8MB4_GENERAL_CI,
      capabilityFlags: CAPABILITIES,
      authCallback: (login: Login, done: AuthenticationDone) => {
        this.#welcome = login.user === this.#options.user && knowsPassword(login, this.#options.password);
        done(null, this.#welcome ? undefined : REFUSAL);
        this.#awaitCommand();
      },
    });
  }

  #listen(): void {
    const connection = this.#connection;
    const { log } = this.#options;
    connection.on('error', (error: Error) => {
      log.debug({ error: error.message }, 'archive server lost a client');
      this.destroy();
    });
    const reply = (sql: string): void => {
      this.#guard(() => {
        this.#reply(sql);
      });
    };
    connection.on('query', reply);
    connection.on('stmt_prepare', reply); // how mysql2 hands over SET
    connection.on('ping', () => {
      this.#guard(() => {
        connection.writeOk();
      });
    });
    connection.on('packet', ({ buffer, start, end }: RawPacket, known: boolean, command: number) => {
      if (known) return; // told as an event of its own
      this.#guard(() => {
        this.#command(command, buffer.subarray(start + 4, end));
      });
    });
  }

  /** mysql2 goes on reading after a refused login and while the log is sent: neither may be answered. */
  #guard(act: () => void): void {
    if (!this.#welcome || this.#dumping) {
      this.destroy();
      return;
    }
    act();
    this.#awaitCommand();
  }

  /** Packet numbers start anew with each command; mysql2 leaves that to its caller. */
  #awaitCommand(): void {
    this.#connection.sequenceId = 0;
  }

  #reply(sql: string): void {
    const answer = this.#questions.answer(sql);
    if (answer.kind === 'unknown') {
      this.#options.log.debug({ sql }, 'archive server cannot answer');
      this.#connection.writeError({
        code: NOT_SUPPORTED,
        message: 'the archive server answers only what a replica asks',
      });
    } else if (answer.kind === 'ok') {
      this.#connection.writeOk();
    } else {
      this.#writeRows(answer);
    }
  }

  #writeRows({ columns, rows }: Answer & { kind: 'rows' }): void {
    const definitions = columns.map((name) => ({
      ...{ catalog: 'def', schema: '', table: '', orgTable: '', name, orgName: '' },
      ...{ characterSet: UTF8MB4_GENERAL_CI, columnLength: 1024, columnType: VAR_STRING, flags: 0, decimals: 0 },
    }));
    const byName = rows.map((row) => Object.fromEntries(columns.map((name, index) => [name, row[index]])));
    this.#connection.writeTextResult(byName, definitions);
  }

  #command(command: number, payload: Buffer): void {
    if (command === COMMAND.REGISTER_SLAVE) {
      this.#connection.writeOk();
    } else if (command === COMMAND.BINLOG_DUMP) {
      this.#dumping = true;
      void this.#dump(parseDumpRequest(payload));
    } else {
      this.#connection.writeError({
        code: NOT_SUPPORTED,
        message: `the archive server does not know command ${command}`,
      });
    }
  }

  /** Never rejects: what goes wrong is told to the client, who shows it. */
  async #dump(request: DumpRequest): Promise<void> {
    const { socket, identity, log, onSent, onFailure } = this.#options;
    const packets = new EventPackets(socket, 1);
    const signal = this.#closed.signal;
    const { checksum, heartbeatMs, connectState } = this.#questions;
    try {
      const ranges = findOffer(this.#options, { ...request, connectState });
      if (typeof ranges === 'string') {
        log.debug({ ...request, reason: ranges }, 'archive server refuses a dump');
        await packets.error(DUMP_ERROR, ranges);
        return;
      }

      const stream = new ArchiveStream({ packets, serverId: identity.serverId, ranges, checksum, heartbeatMs, signal });
      await stream.sendRanges();
      log.debug({ ...request }, 'archive server has sent everything');
      onSent(stream.reached);
      if (request.nonBlocking) await packets.endOfFile();
      else await stream.keepAlive();
    } catch (error) {
      if (signal.aborted || socket.destroyed) return; // the client has left
      log.error({ err: error }, 'archive server cannot go on');
      onFailure(error);
      await packets.error(DUMP_ERROR, error instanceof Error ? error.message : String(error)).catch(() => undefined);
      socket.end();
    }
  }
}
