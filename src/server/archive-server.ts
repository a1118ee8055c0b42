import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { Coordinates } from '../binlog/coordinates.ts';
import type { Logger } from '../platform/logger.ts';
import { ArchiveSession } from './archive-session.ts';
import type { ServedIdentity, ServedRange } from './served-range.ts';

const LOOPBACK = '127.0.0.1';
const USER = 'lastgood';

/** A server of archived binary logs, alive until it is disposed of. */
export interface ArchiveServer extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** Made for this server, never written anywhere. */
  readonly password: string;
  /** Where a replica stands that has applied everything offered; null until a client has been sent all of it. */
  readonly reached: Coordinates | null;
  /** What kept it from serving a client to the end; null while nothing did. */
  readonly failure: unknown;
}

export interface ArchiveServerOptions {
  readonly identity: ServedIdentity;
  /** In the order in which they are sent; nothing outside them ever is. */
  readonly ranges: readonly ServedRange[];
  readonly log: Logger;
}

/**
 * Speaks the replication protocol on loopback: any replica, told the port and the one-time password, receives the
 * ranges byte by byte, then heartbeats. A cut is exact because what is behind it is not sent, and the log of
 * a gigabyte passes in flat memory.
 */
export async function startArchiveServer({ identity, ranges, log }: ArchiveServerOptions): Promise<ArchiveServer> {
  const password = randomBytes(24).toString('base64url');
  const sessions = new Set<ArchiveSession>();
  const state = { reached: null as Coordinates | null, failure: null as unknown, connections: 0 };
  const reports = {
    onSent: (reached: Coordinates): void => {
      state.reached = reached;
    },
    onFailure: (error: unknown): void => {
      state.failure ??= error;
    },
  };
  const listener = createServer({ noDelay: true }, (socket) => {
    const connectionId = (state.connections += 1);
    const session = new ArchiveSession({
      socket,
      connectionId,
      identity,
      ranges,
      user: USER,
      password,
      log,
      ...reports,
    });
    sessions.add(session);
    socket.once('close', () => sessions.delete(session));
  });
  listener.listen(0, LOOPBACK);
  await once(listener, 'listening');
  return {
    ...{ host: LOOPBACK, port: (listener.address() as AddressInfo).port, user: USER, password },
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
