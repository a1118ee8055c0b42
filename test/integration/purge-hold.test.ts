import { describe, expect, it } from 'vitest';
import { waitFor } from '../../src/platform/wait.ts';
import { PurgeHold } from '../../src/operations/purge-hold.ts';
import { listBinaryLogs } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { readServerIdentity } from '../../src/server/facts.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { repositoryBeside, silentLog, startArchiver, waitUntilSettled } from '../support/archiver.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';
import { startSilentProxy } from '../support/silent-proxy.ts';

const GIB = 1024 ** 3;
/** The server gives up a silent reader after so many seconds, unless the reader's session says otherwise. */
const NET_WRITE_TIMEOUT = 1;

async function fourFiles(connection: ServerConnection): Promise<void> {
  await connection.query('CREATE DATABASE shop');
  await connection.query('CREATE TABLE shop.big (id INT AUTO_INCREMENT PRIMARY KEY, content LONGBLOB)');
  for (let file = 1; file <= 3; file += 1) {
    for (let row = 1; row <= 3; row += 1)
      await connection.query("INSERT INTO shop.big (content) VALUES (REPEAT('x', 2000000))");
    await connection.query('FLUSH LOGS');
  }
}

async function files(connection: ServerConnection): Promise<string[]> {
  return (await listBinaryLogs(connection)).map(({ file }) => file);
}

async function purgeAll(connection: ServerConnection): Promise<string[]> {
  await connection.query(`PURGE BINARY LOGS TO '${(await files(connection)).at(-1) ?? ''}'`);
  return await files(connection);
}

/** MariaDB keeps a file a moment longer, until its engines need nothing of it; and a server takes a moment to see a reader go. */
async function waitUntilPurged(connection: ServerConnection, last: string | undefined): Promise<void> {
  const probe = async (): Promise<boolean> => (await purgeAll(connection)).join() === last;
  await waitFor(probe, { timeoutMs: 15_000, what: 'all files but the last to be purged' });
}

/** Over TCP: its buffers are the largest. */
async function viaTcp(server: TestServer, connection: ServerConnection): Promise<ServerOptions> {
  await connection.query("GRANT ALL ON *.* TO 'archiver'@'127.0.0.1' IDENTIFIED BY 'pw'");
  return server.tcpOptions({ name: 'shop', user: 'archiver', password: 'pw' });
}

async function isParked(connection: ServerConnection): Promise<boolean> {
  const threads = await connection.query<{ Command: string; State: string | null; Time: string }>('SHOW PROCESSLIST');
  // Longer than the server's own patience: only the session's lets it wait on.
  return threads.some(
    ({ Command, State, Time }) =>
      Command === 'Binlog Dump' && State === 'Writing to net' && Number(Time) > NET_WRITE_TIMEOUT,
  );
}

/** A log that keeps what it is told. */
function listeningLog(): { said: string[]; listening: typeof silentLog } {
  const said: string[] = [];
  const listening = Object.assign(Object.create(silentLog) as typeof silentLog, {
    error: (_facts: object, what: string) => said.push(what),
    warn: ({ error }: { error: string }) => said.push(error),
  });
  return { said, listening };
}

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('a hold on the purge of %s', (_name, start) => {
  it('keeps what is needed and what follows, and no more, until it is let go (peers 16: kubeblocks-addons #3087)', async () => {
    await using server = await start({
      args: [`--net-write-timeout=${NET_WRITE_TIMEOUT}`],
    });
    await using connection = await server.connect();
    await fourFiles(connection);
    const [first, second, third, fourth] = await files(connection);
    await waitUntilSettled(server); // else MariaDB would keep older files by itself
    const primary = await viaTcp(server, connection);
    const identity = await readServerIdentity(connection);
    {
      await using hold = new PurgeHold({ primary, limitBytes: GIB, log: silentLog, everyMs: 50 });
      hold.need(first ?? '', identity);
      await waitFor(async () => await isParked(connection), { timeoutMs: 15_000, what: 'the dump to wait' });
      expect(await purgeAll(connection)).toEqual([first, second, third, fourth]);
    }
    await waitUntilPurged(connection, fourth);
  });
});

it('a hold lets go of more log than its limit, and never is on another server than the archived one', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  const primary = await viaTcp(server, connection);
  const [file = ''] = await files(connection);
  const { said, listening } = listeningLog();
  const hear = async (limitBytes: number, serverId: number): Promise<void> => {
    await using hold = new PurgeHold({ primary, limitBytes, log: listening, everyMs: 50 });
    hold.need(file, { serverId, serverUuid: null });
    const before = said.length;
    await waitFor(() => said.length > before, { timeoutMs: 15_000, what: 'a word of the hold' });
  };
  const { serverId } = await readServerIdentity(connection);
  await hear(100, serverId);
  await hear(GIB, 4711);
  expect(said).toEqual([
    'letting the primary purge: the hold is over its limit',
    expect.stringContaining('is another server now: server_id 101 instead of 4711'),
  ]);
});

it('a hold ends though its question gets no answer', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  const primary = await viaTcp(server, connection);
  await using proxy = await startSilentProxy(server.port);
  const identity = await readServerIdentity(connection);
  const [file = ''] = await files(connection);
  const { said, listening } = listeningLog();
  const via = { ...primary, port: proxy.port };
  const hold = new PurgeHold({ primary: via, limitBytes: 100, log: listening, everyMs: 50 });
  hold.need(file, identity);
  await waitFor(() => said.length > 0, { timeoutMs: 15_000, what: 'a word of the hold' });
  proxy.fallSilent();
  await waitFor(() => proxy.swallowed > 0, { timeoutMs: 15_000, what: 'a question' });
  await hold[Symbol.asyncDispose]();
  expect(said).toEqual(['letting the primary purge: the hold is over its limit']);
}, 20_000);

it('an archiver with --hold-purge holds what it has not sealed, until it stops', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  await connection.query('CREATE DATABASE shop');
  await connection.query('CREATE TABLE shop.big (content LONGBLOB)');
  await connection.query("INSERT INTO shop.big VALUES (REPEAT('x', 2000000))");
  await connection.query('FLUSH LOGS');
  const held = await files(connection);
  const repository = repositoryBeside(server);
  await using archiver = startArchiver(server, repository, { holdPurge: { limitBytes: GIB } });
  await waitFor(async () => await isParked(connection), { timeoutMs: 15_000, what: 'the dump to wait' });
  expect(await purgeAll(connection)).toEqual(held);
  await archiver.stop();
  await waitUntilPurged(connection, held.at(-1));
});
