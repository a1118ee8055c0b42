import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { connect, SHORT_QUESTIONS, type ServerConnection } from './connection.ts';
import { startDump } from './dump-client.ts';
import type { DumpSink } from './dump-packets.ts';
import { checkIdentity, type ServerIdentity } from './facts.ts';
import type { ServerOptions } from './server-options.ts';

/** A dump that nobody reads: as long as the server waits to send on, it removes neither the file it reads nor later ones. */
export interface ParkedDump {
  readonly file: string;
  /** Milliseconds on the monotonic clock. */
  readonly since: number;
  /** Asks on another connection whether the server still waits. */
  isWaiting(control: ServerConnection): Promise<boolean>;
  /** Lets the server go on with what it likes. */
  release(): Promise<void>;
}

/** A server gives up a reader that takes nothing for net_write_timeout, a minute unless the session says more. */
export const PARKED_SECONDS = 86_400;
const HEARTBEAT_MS = 10_000;

const NOWHERE: DumpSink = {
  rotate: () => undefined,
  append: () => undefined,
  formatAgain: () => undefined,
};

/**
 * Asks for the log from the start of `file` on and takes nothing. The server goes on until the network's buffers are full:
 * some MB over TCP, which are the only bytes that this costs. As server id 0 it throws no other reader out, and is over
 * at the log's end: too little log holds nothing.
 *
 * Tried on MariaDB 10.11.19 and MySQL 5.6.24: PURGE BINARY LOGS and expiry stop at the file, MariaDB in silence, MySQL with
 * warning 1867; without the session's net_write_timeout the server ends the dump after its global one.
 * Source: MariaDB 10.11 sql/log.cc, purge_logs and log_in_use.
 * @param place where, at whom, and a signal that ends it at once, also before it is parked
 * @throws LastgoodError `SERVER_UNREACHABLE`, also when another server answers; `SERVER_QUERY_FAILED`, `ACCESS_DENIED`
 */
export async function parkDump(
  options: ServerOptions,
  { file, expected, signal }: { file: string; expected: ServerIdentity; signal: AbortSignal },
): Promise<ParkedDump> {
  const connection = await connect(options, { ...SHORT_QUESTIONS, signal });
  try {
    await checkIdentity(connection, expected);
    await connection.query(`SET SESSION net_write_timeout = ${PARKED_SECONDS}`);
    const { threadId } = connection;
    const from = { file, position: FIRST_EVENT_OFFSET };
    const stream = await startDump(
      connection,
      { from, serverId: 0, heartbeatMs: HEARTBEAT_MS, nonBlocking: true },
      NOWHERE,
    );
    stream.pause();
    return {
      file,
      since: performance.now(),
      isWaiting: async (control) => await isDumping(control, threadId),
      release: async () => {
        stream.stop();
        await stream.finished.catch(() => undefined); // the server may have ended it before
      },
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

async function isDumping(control: ServerConnection, threadId: number): Promise<boolean> {
  const threads = await control.query<{ Id: string | number; Command: string }>('SHOW PROCESSLIST');
  return threads.some(({ Id: id, Command: command }) => Number(id) === threadId && command.startsWith('Binlog Dump'));
}
