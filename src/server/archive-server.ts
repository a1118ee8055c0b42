import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import type { Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { ArchiveClient } from './archive-client.ts';
import { checkTls, type ServedTls } from './archive-login.ts';
import { ArchiveSession, type SessionOptions } from './archive-session.ts';
import type { ServedIdentity, ServedLog, ServedRange } from './served-range.ts';

const LOOPBACK = '127.0.0.1';
const USER = 'lastgood';

/** A server of archived binary logs, alive until it is disposed of. */
export interface ArchiveServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Made for this server unless one was given; never written anywhere. */
  readonly password: string;
  /** Where a replica stands that has applied everything offered; null until a client has been sent all of it. */
  readonly reached: Coordinates | null;
  /** What kept it from serving a client to the end; null while nothing did. */
  readonly failure: unknown;
}

export interface ArchiveServerOptions {
  readonly identity: ServedIdentity;
  /** In the order in which they are sent; nothing outside them ever is. Between two of one file groups are left out. */
  readonly ranges: readonly ServedRange[];
  readonly log: Logger;
  /** Loopback and a free port when not given. */
  readonly listen?: { readonly host: string; readonly port: number };
  readonly user?: string;
  /** Else one is made that nobody has seen before. */
  readonly password?: string;
  /** Then no client gets in without TLS. */
  readonly tls?: ServedTls;
  /** Told what clients do. */
  readonly onClient?: (client: ArchiveClient, what: 'asks' | 'sent' | 'left' | 'refused') => void;
}

/**
 * Speaks the replication protocol: any replica, told the port and the password, receives the ranges byte by byte, then
 * heartbeats. A cut is exact because what is behind it is not sent, and the log of a gigabyte passes in flat memory. Many
 * clients may come at once, each at its own pace.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when it cannot listen there, `CONFIG_INVALID` for a certificate that is none
 */
export async function startArchiveServer(options: ArchiveServerOptions): Promise<ArchiveServer> {
  const { listen: { host, port } = { host: LOOPBACK, port: 0 }, user = USER } = options;
  if (options.tls !== undefined) checkTls(options.tls);
  const password = options.password ?? randomBytes(24).toString('base64url');
  const sessions = new Set<ArchiveSession>();
  const state = { reached: null as Coordinates | null, failure: null as unknown, connections: 0 };
  const common: Omit<SessionOptions, 'socket' | 'connectionId'> = {
    ...{ served: servedLog(options), user, password, tls: options.tls ?? null, log: options.log },
    onClient: options.onClient ?? (() => undefined),
    onSent: (reached) => {
      state.reached = reached;
    },
    onFailure: (error) => {
      state.failure ??= error;
    },
  };
  const listener = createServer({ noDelay: true }, (socket) => {
    const session = new ArchiveSession({ ...common, socket, connectionId: (state.connections += 1) });
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
    void session.serve();
  });
  await listenAt(listener, { host, port });
  return {
    ...{ host, port: (listener.address() as AddressInfo).port, user, password },
    get reached() {
      return state.reached;
    },
    get failure() {
      return state.failure;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(listener, 'close');
      listener.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}

/** A replica of MySQL wants its source's UUID to be another one than its own: no server has this one. */
function servedLog({ identity, ranges }: ArchiveServerOptions): ServedLog {
  if (identity.flavor === 'mariadb') return { identity, ranges };
  return { identity: { serverUuid: randomUUID(), gtidMode: 'OFF', ...identity }, ranges };
}

async function listenAt(listener: Server, { host, port }: { host: string; port: number }): Promise<void> {
  listener.listen(port, host);
  try {
    await once(listener, 'listening');
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('PREFLIGHT_FAILED', `cannot listen on ${host}:${port}: ${why}`, {
      cause,
      details: { host, port },
      hint: 'Is the port in use, and is the address one of this machine? Without --listen a free port on loopback is taken.',
    });
  }
}
