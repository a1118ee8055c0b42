import { expect, it } from 'vitest';
import { listIncidents, showIncident } from '../../src/operations/incidents.ts';
import type { EvidenceOptions } from '../../src/operations/evidence/evidence-source.ts';
import { writeLostRows } from '../../src/operations/evidence/write-lost-rows.ts';
import { isArchiverAlive, openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { acquireLock } from '../../src/platform/lock.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { listBinaryLogs } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog, startArchiver } from '../support/archiver.ts';
import { holdSyncs } from '../support/held-syncs.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

/** Rows that are gone, a salvaged copy of the table in another schema, and no backup: only the primary knows the columns. */
async function loseRows(connection: ServerConnection): Promise<void> {
  const creation = 'CREATE TABLE orders (id INT PRIMARY KEY, a INT, b INT)';
  for (const sql of [
    ...['CREATE DATABASE shop', 'CREATE TABLE shop.other (id INT AUTO_INCREMENT PRIMARY KEY)', 'USE shop', creation],
    ...['INSERT INTO orders SELECT seq, seq, seq FROM seq_1_to_300', 'DELETE FROM orders'],
    ...['CREATE DATABASE shop_restored', 'USE shop_restored', creation],
  ])
    await connection.query(sql);
}

async function sqlOf(archive: OpenArchive, options: EvidenceOptions): Promise<string> {
  const [incident] = listIncidents(archive, { all: true, kind: 'mass-delete' });
  const pieces: string[] = [];
  for await (const piece of await writeLostRows(archive, incident?.id ?? '', { ...options, format: 'sql' }))
    pieces.push(piece);
  return pieces.join('');
}

function options(server: TestServer, more: Partial<EvidenceOptions> = {}): EvidenceOptions {
  return { live: async () => await server.connect(), log: silentLog, ...more };
}

/** A log that does something when it is told of a wait. */
function logThat(waits: () => void): typeof silentLog {
  return Object.assign(Object.create(silentLog) as typeof silentLog, { info: waits });
}

/** Writes until it is told to stop, transaction after transaction. */
async function keepWriting(server: TestServer, signal: AbortSignal): Promise<void> {
  await using connection = await server.connect();
  while (!signal.aborted) await connection.query('INSERT INTO shop.other () VALUES ()');
}

async function knowsIncident(path: string): Promise<boolean> {
  using archive = await openArchive(path, { log: silentLog });
  return listIncidents(archive, { all: true, kind: 'mass-delete' }).length > 0;
}

it('takes columns from a primary that goes on writing, as its archiver does', { timeout: 60_000 }, async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  await loseRows(connection);
  const path = repositoryBeside(server);
  await using _archiver = startArchiver(server, path);
  const known = async (): Promise<boolean> => await knowsIncident(path).catch(() => false);
  await waitFor(known, { timeoutMs: 20_000, what: 'the incident in the archive' });
  const writer = new AbortController();
  const writing = keepWriting(server, writer.signal);
  try {
    for (let round = 0; round < 4; round += 1) {
      if (round === 2) await connection.query('FLUSH LOCAL LOGS');
      using archive = await openArchive(path, { log: silentLog });
      expect(await sqlOf(archive, options(server))).toContain('(`id`, `a`, `b`) VALUES\n(300, 300, 300)');
    }
    await connection.query('ALTER TABLE shop.orders MODIFY b INT AFTER id');
    using archive = await openArchive(path, { log: silentLog });
    const refused = await sqlOf(archive, options(server)).catch((error: unknown) => String(error));
    const [, file, position] = /the statement at (\S+):(\d+) may have changed it/.exec(refused) ?? [];
    const events = await connection.query(`SHOW BINLOG EVENTS IN '${file}' FROM ${position} LIMIT 1`);
    expect(events).toMatchObject([{ Event_type: 'Gtid' }]);
    const [incident] = listIncidents(archive, { all: true, kind: 'mass-delete' });
    const { commands } = await showIncident(archive, incident?.id ?? '', options(server));
    expect(commands.join()).not.toContain('--rows-as');
  } finally {
    writer.abort();
    await writing;
  }
});

it('waits for an archiver whose disk is slow', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  await loseRows(connection);
  const path = repositoryBeside(server);
  await archiveUntilCurrent(server, path);
  await using _archiver = startArchiver(server, path);
  using archive = await openArchive(path, { log: silentLog });
  const isAtWork = async (): Promise<boolean> => await isArchiverAlive(archive.repository, 'shop');
  await waitFor(isAtWork, { timeoutMs: 20_000, what: 'the archiver' });
  using syncs = await holdSyncs();
  await connection.query('INSERT INTO shop.other () VALUES ()');
  await waitFor(() => syncs.begun > 0, { timeoutMs: 20_000, what: 'a sync' });
  let waits = 0;
  const log = logThat(() => {
    waits += 1;
    syncs.release();
  });
  expect(await sqlOf(archive, options(server, { log }))).toContain('(300, 300, 300)');
  expect(waits).toBe(1);
});

it('waits no longer than it may for an archiver that does not come, and ends when it is told to', async () => {
  await using server = await startPrimary();
  await using connection = await server.connect();
  await loseRows(connection);
  const path = repositoryBeside(server);
  await archiveUntilCurrent(server, path);
  using archive = await openArchive(path, { log: silentLog });
  await connection.query('INSERT INTO shop.other () VALUES ()');
  await expect(sqlOf(archive, options(server))).rejects.toThrow('archive to the end, then ask again');

  await using _held = await acquireLock(archive.repository.archiverLockPath('shop'), 'archive');
  const last = (await listBinaryLogs(connection)).at(-1);
  await expect(sqlOf(archive, options(server, { patienceMs: 300 }))).rejects.toMatchObject({
    code: 'ROWS_UNAVAILABLE',
    message: expect.stringContaining(
      `does not reach ${last?.file}:${last?.bytes}, where the primary stood 0.3 s ago`,
    ) as string,
  });
  const told = new AbortController();
  const log = logThat(() => {
    told.abort();
  });
  const ended = sqlOf(archive, options(server, { log, signal: told.signal, patienceMs: 60_000 }));
  await expect(ended).rejects.toMatchObject({ code: 'INTERRUPTED' });
});
