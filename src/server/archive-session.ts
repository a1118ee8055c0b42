import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Coordinates } from '../binlog/coordinates.ts';
import type { Logger } from '../platform/logger.ts';
import { ReplicaQuestions, type Answer } from './archive-answers.ts';
import type { ArchiveClient } from './archive-client.ts';
import { login, type ServedTls } from './archive-login.ts';
import { findOffer, type OfferRequest } from './archive-offer.ts';
import { ArchiveStream } from './archive-stream.ts';
import { EventPackets } from './event-packets.ts';
import { PacketSocket } from './packet-socket.ts';
import {
  COMMAND,
  DUMP_ERROR,
  parseDumpRequest,
  parseGtidDumpRequest,
  type DumpRequest,
} from './replication-protocol.ts';
import { errorPacket, OK, resultPackets } from './result-packets.ts';
import type { ServedLog, ServedRange } from './served-range.ts';

const NOT_SUPPORTED = 1235;
const UNKNOWN_SYSTEM_VARIABLE = 1193;
const MALFORMED_PACKET = 1835;
/** A client that does not sign in holds a connection for nothing. */
const LOGIN_MS = 10_000;

export interface SessionOptions {
  readonly socket: Socket;
  readonly connectionId: number;
  readonly served: ServedLog;
  readonly user: string;
  readonly password: string;
  readonly tls: ServedTls | null;
  readonly log: Logger;
  /** Told what a client does; `client` is always the same object. */
  readonly onClient: (client: ArchiveClient, what: 'asks' | 'sent' | 'left' | 'refused') => void;
  /** Told where a replica stands once it has applied everything, when everything is sent. */
  readonly onSent: (reached: Coordinates) => void;
  /** Told what kept a client from being served to the end: damage, not a client that left. */
  readonly onFailure: (error: unknown) => void;
}

/** One client of the archive server, from its handshake to its last event. */
export class ArchiveSession {
  readonly #options: SessionOptions;
  readonly #questions: ReplicaQuestions;
  readonly #closed = new AbortController();
  readonly #client: ArchiveClient;
  #stream: ArchiveStream | null = null;

  constructor(options: SessionOptions) {
    const { socket, served, connectionId } = options;
    this.#options = options;
    this.#questions = new ReplicaQuestions(served);
    this.#client = {
      ...{ id: connectionId, address: socket.remoteAddress ?? null, serverId: null, asked: null, refusal: null },
      reached: () => this.#stream?.reached ?? null,
    };
    socket.on('close', () => {
      this.#closed.abort();
    });
    this.#logErrors(socket);
  }

  /** Ends the connection at once. */
  destroy(): void {
    this.#options.socket.destroy();
  }

  /** Serves the client until it leaves. Never rejects: what goes wrong is told to the client, who shows it. */
  async serve(): Promise<void> {
    const { socket, log, onClient } = this.#options;
    // Of all that a stranger sends, not of each of its bytes; one that was refused has to go by then, too.
    const deadline = setTimeout(() => socket.destroy(), LOGIN_MS);
    socket.once('close', () => {
      clearTimeout(deadline);
    });
    try {
      const packets = await this.#login();
      if (packets instanceof PacketSocket) {
        clearTimeout(deadline);
        await this.#serve(packets);
      } else if (packets !== null) {
        this.#client.refusal = packets;
        onClient(this.#client, 'refused');
        if (!this.#closed.signal.aborted) await once(this.#closed.signal, 'abort');
      }
    } catch (error) {
      log.error({ err: error }, 'archive server gives a client up');
    }
    this.destroy();
    onClient(this.#client, 'left');
  }

  async #login(): Promise<PacketSocket | string | null> {
    const { socket, served } = this.#options;
    // Clients tell MariaDB by this prefix. Source: MariaDB 10.11 sql/mysqld.h, RPL_VERSION_HACK.
    const prefix = served.identity.flavor === 'mariadb' ? '5.5.5-' : '';
    const serverVersion = `${prefix}${served.identity.serverVersion}`;
    const packets = await login(socket, { ...this.#options, serverVersion });
    if (packets instanceof PacketSocket && packets.socket !== socket) this.#logErrors(packets.socket);
    return packets;
  }

  #logErrors(socket: Socket): void {
    socket.on('error', (error) => {
      this.#options.log.debug({ error: error.message }, 'archive server lost a client');
      this.destroy();
    });
  }

  async #serve(packets: PacketSocket): Promise<void> {
    let coming = packets.read();
    for (;;) {
      const payload = await coming;
      if (payload === null || payload.length === 0 || payload[0] === COMMAND.QUIT) break;
      const request = this.#command(packets, payload);
      coming = packets.read();
      if (request !== null) await this.#dumpUntil(coming, new EventPackets(packets.socket, packets.sequence), request);
    }
    this.destroy();
  }

  /** While the log is sent nothing is expected of the client but that it leaves. */
  async #dumpUntil(coming: Promise<unknown>, packets: EventPackets, request: DumpRequest): Promise<void> {
    const dump = this.#dump(packets, request).then(() => true);
    const isDone = await Promise.race([dump, coming.then(() => false)]);
    if (!isDone) this.destroy();
    await dump;
  }

  /** Answers one command. @returns the client's wish for the log, which is answered by the log itself */
  #command(packets: PacketSocket, payload: Buffer): DumpRequest | null {
    const command = payload.readUInt8(0);
    switch (command) {
      case COMMAND.QUERY:
        packets.write(...answerPackets(this.#questions.answer(payload.toString('utf8', 1))));
        return null;
      case COMMAND.PING:
      case COMMAND.INIT_DB:
        packets.write(OK);
        return null;
      case COMMAND.REGISTER_SLAVE:
        this.#client.serverId = payload.length < 5 ? null : payload.readUInt32LE(1);
        packets.write(OK);
        return null;
      case COMMAND.BINLOG_DUMP:
        if (payload.length >= SHORTEST_DUMP) return parseDumpRequest(payload);
        break;
      case COMMAND.BINLOG_DUMP_GTID: {
        const request = parseGtidDumpRequest(payload);
        if (request !== null) return request;
        break;
      }
      default:
        packets.write(
          errorPacket({ code: NOT_SUPPORTED, message: `the archive server does not know command ${command}` }),
        );
        return null;
    }
    packets.write(errorPacket({ code: MALFORMED_PACKET, message: 'the archive server cannot read what is asked for' }));
    return null;
  }

  async #dump(packets: EventPackets, request: DumpRequest): Promise<void> {
    const { socket, log, onFailure } = this.#options;
    const signal = this.#closed.signal;
    try {
      const ranges = await this.#find(request);
      if (typeof ranges === 'string') await this.#refuse(packets, ranges);
      else await this.#send(packets, ranges, request);
    } catch (error) {
      if (signal.aborted || socket.destroyed) return; // the client has left
      log.error({ err: error }, 'archive server cannot go on');
      onFailure(error);
      await packets.error(DUMP_ERROR, error instanceof Error ? error.message : String(error)).catch(() => undefined);
    }
  }

  async #refuse(packets: EventPackets, refusal: string): Promise<void> {
    this.#client.refusal = refusal;
    this.#options.onClient(this.#client, 'refused');
    await packets.error(DUMP_ERROR, refusal);
  }

  async #find(request: DumpRequest): Promise<readonly ServedRange[] | string> {
    const { served, onClient } = this.#options;
    const { untilState, knowsChecksums, connectState } = this.#questions;
    const wish = wishOf(request, connectState);
    this.#client.asked = inWords(wish);
    onClient(this.#client, 'asks');
    if (untilState !== null) {
      return 'the archive server knows no UNTIL master_gtid_pos: let it end at the place, and start without UNTIL';
    }
    const offer = await findOffer({ ...served, signal: this.#closed.signal }, wish);
    if (typeof offer === 'string' || knowsChecksums || offer.every(({ checksum }) => checksum === 'none')) return offer;
    return 'Slave can not handle replication events with the checksum that master is configured to log';
  }

  async #send(packets: EventPackets, ranges: readonly ServedRange[], request: DumpRequest): Promise<void> {
    const { served, onClient, onSent } = this.#options;
    const { checksum, heartbeatMs } = this.#questions;
    const signal = this.#closed.signal;
    const { serverId } = served.identity;
    const stream = new ArchiveStream({ packets, serverId, ranges, checksum, heartbeatMs, signal });
    this.#stream = stream;
    await stream.sendRanges();
    onClient(this.#client, 'sent');
    onSent(stream.reached);
    if (request.nonBlocking) await packets.endOfFile();
    else await stream.keepAlive();
  }
}

/** Command 1, position 4, flags 2, server id 4. */
const SHORTEST_DUMP = 11;

function wishOf({ gtids, file, position }: DumpRequest, connectState: string | null): OfferRequest {
  if (gtids !== null) return { by: 'gtid-set', gtids };
  return connectState === null ? { by: 'place', file, position } : { by: 'gtid-position', state: connectState };
}

function inWords(wish: OfferRequest): string {
  if (wish.by === 'place') return `${wish.file}:${wish.position}`;
  return `GTID ${wish.by === 'gtid-set' ? wish.gtids.toString() : wish.state}`;
}

function answerPackets(answer: Answer): Buffer[] {
  switch (answer.kind) {
    case 'ok':
      return [OK];
    case 'rows':
      return resultPackets(answer.columns, answer.rows);
    case 'variable':
      return [errorPacket({ code: UNKNOWN_SYSTEM_VARIABLE, message: `Unknown system variable '${answer.name}'` })];
    case 'unknown':
      return [errorPacket({ code: NOT_SUPPORTED, message: 'the archive server answers only what a replica asks' })];
  }
}
