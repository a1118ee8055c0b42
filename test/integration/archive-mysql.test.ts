import { appendFile, readFile, stat, truncate } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { exportLogs } from '../../src/operations/export.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { CHECKSUM_BYTES } from '../../src/binlog/checksum.ts';
import { readBinlogEnd } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import {
  ARCHIVER_SERVER_ID,
  archiveToTheLastByte,
  archiveUntilCurrent,
  repositoryBeside,
  segmentsOf,
  startArchiver,
} from '../support/archiver.ts';
import { readInPieces } from '../support/binlog-reading.ts';
import { cmpMasked } from '../support/compare.ts';
import { startMysql56, type TestServer } from '../support/servers.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { startWorkload } from '../support/workload.ts';

const WITHOUT_GTIDS = ['--gtid-mode=OFF', '--skip-enforce-gtid-consistency', '--binlog-checksum=NONE'];
const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['with GTIDs', []],
  ['without GTIDs and checksums', WITHOUT_GTIDS],
];

const IN_USE_OFFSET = 21;

/** Every archived file, as `export` gives it, against the server's own, byte for byte. */
async function differences(server: TestServer): Promise<string[]> {
  await archiveToTheLastByte(server, repositoryBeside(server));
  return await differencesNow(server);
}

/** The same of the newest lineage, as far as it is archived. */
async function differencesNow(server: TestServer): Promise<string[]> {
  await using folder = await makeTempDirectory('lastgood-test-');
  const { files } = await exportLogs({
    repository: await openRepository(repositoryBeside(server)),
    ...{ name: 'shop', lineage: null, from: null, to: null, out: join(folder.path, 'out') },
    signal: new AbortController().signal,
  });
  const found: string[] = [];
  for (const { path, file } of files) {
    const difference = await cmpMasked(path, join(server.datadir, file));
    if (difference !== null) found.push(difference);
  }
  return found;
}

/** Names of the archived files, lineage by lineage. */
async function archivedFiles(repository: string): Promise<string[]> {
  const opened = await openRepository(repository);
  const lineages = await Promise.all((await opened.lineages()).map(async ({ id }) => await opened.segments(id)));
  return lineages.map((segments) => segments.map(({ file }) => file).join(' '));
}

async function runAll(connection: ServerConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

async function ends(server: TestServer): Promise<(string | undefined)[]> {
  return (await segmentsOf(repositoryBeside(server))).map(({ manifest }) => manifest?.ended);
}

async function hasSegments(server: TestServer, count: number): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const segments = await segmentsOf(repositoryBeside(server)).catch(() => []); // before the archiver's first steps
    return segments.length >= count;
  };
  await waitFor(probe, { timeoutMs: 30_000, what: `${count} segments` });
}

/** The head of an event whose rest was never written. */
async function tearEvent(path: string): Promise<void> {
  await appendFile(path, (await readFile(path)).subarray(4, 40));
}

/** Takes the XID event at the end of the file away: the transaction before it never was. */
async function tearGroup(path: string): Promise<void> {
  const bytes = await readFile(path);
  const { events } = readInPieces(bytes).reading;
  const lengths = [XID_BYTES, XID_BYTES + CHECKSUM_BYTES];
  const length = lengths.find((wanted) => bytes.readUInt32LE(bytes.length - wanted + 9) === wanted) ?? 0;
  await truncate(path, bytes.length - length);
  expect(readInPieces(await readFile(path)).reading.events).toBeLessThan(events);
}

const XID_BYTES = 27;
/** Header, a position, and the name of the next file; without a checksum. */
const ROTATE_BYTES = 19 + 8 + 'binlog.000002'.length;

describe('an archive of MySQL 5.6', () => {
  it.each(KINDS)('equals a log written under load %s, over rotations and a change of checksums', async (_, args) => {
    await using server = await startMysql56({ args });
    await using archiver = startArchiver(server, repositoryBeside(server));
    await using connection = await server.connect();
    const workload = await startWorkload(() => server.connect());
    for (const [committed, statement] of [
      [300, 'FLUSH BINARY LOGS'],
      [600, "SET GLOBAL binlog_checksum = IF(@@GLOBAL.binlog_checksum = 'NONE', 'CRC32', 'NONE')"],
      [900, 'FLUSH BINARY LOGS'],
    ] as const) {
      await waitFor(() => workload.committed > committed, { timeoutMs: 30_000, what: `${committed} transactions` });
      await connection.query(statement);
    }
    await workload.stop();
    await archiver.stop();
    expect(await differences(server)).toEqual([]);
    const checksums = (await segmentsOf(repositoryBeside(server))).map(({ manifest }) => manifest?.checksum);
    expect(new Set(checksums.slice(0, 3))).toEqual(new Set(['crc32', 'none']));
  });

  it('goes on in the middle of a file, and carries events larger than a packet', async () => {
    await using server = await startMysql56({ args: ['--max-allowed-packet=64M'] });
    await using connection = await server.connect();
    await runAll(connection, [
      'CREATE DATABASE big',
      // MySQL 5.6 allows InnoDB a tenth of its redo log for one value.
      'CREATE TABLE big.t (id INT PRIMARY KEY, c LONGBLOB) ENGINE=MyISAM',
    ]);
    for (const [id, size] of [1, 16_777_100, 16_777_215, 40_000_000, 5].entries()) {
      await archiveUntilCurrent(server, repositoryBeside(server));
      await connection.query("INSERT INTO big.t VALUES (?, REPEAT('x', ?))", [id, size]);
    }
    expect(await differences(server)).toEqual([]);
  });

  it('follows a server over a clean stop and over kill -9 (peers 28: binlog server PR #50, #51)', async () => {
    await using server = await startMysql56();
    await using archiver = startArchiver(server, repositoryBeside(server));
    for (const [index, end] of (['stop', 'kill'] as const).entries()) {
      const connection = await server.connect();
      await connection.query(`CREATE DATABASE ${end}_${index}`);
      await hasSegments(server, index + 1);
      await connection.close();
      await server[end]();
      await server.restart();
    }
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE after_all');
    await hasSegments(server, 3);
    await archiver.stop();
    await archiveUntilCurrent(server, repositoryBeside(server));
    expect(await ends(server)).toEqual(['stop', 'source-crashed', undefined]);
    expect(await differences(server)).toEqual([]);
  });

  it('is whole when the server, without GTIDs and checksums, trims what a crash tore', async () => {
    await using server = await startMysql56({ args: WITHOUT_GTIDS });
    const crash = async (tear: (path: string) => Promise<void>, statements: readonly string[]): Promise<void> => {
      const connection = await server.connect();
      await runAll(connection, statements);
      const { coordinates } = await readBinlogEnd(connection);
      await connection.close();
      await server.kill();
      const path = join(server.datadir, coordinates.file);
      expect(((await readFile(path))[IN_USE_OFFSET] ?? 0) & 1).toBe(1);
      await tear(path);
      await server.restart();
    };
    await crash(tearEvent, [
      'CREATE DATABASE a',
      'CREATE TABLE a.t (id INT PRIMARY KEY)',
      'INSERT INTO a.t VALUES (1)',
    ]);
    await archiveUntilCurrent(server, repositoryBeside(server));
    await crash(tearGroup, ['INSERT INTO a.t VALUES (2)', 'INSERT INTO a.t VALUES (3)']);
    expect(await differences(server)).toEqual([]);
    const manifests = (await segmentsOf(repositoryBeside(server))).map(({ manifest }) => manifest);
    expect(manifests.map((manifest) => manifest?.ended)).toEqual(['source-crashed', 'source-crashed', undefined]);
    expect(manifests.map((manifest) => manifest?.groups)).toEqual([3, 1, undefined]);
  });

  it('is told the way on when the source, without GTIDs, cannot read older files, and goes it when asked to', async () => {
    await using server = await startMysql56({ args: WITHOUT_GTIDS });
    const repository = repositoryBeside(server);
    const connection = await server.connect();
    await runAll(connection, ['CREATE DATABASE a', 'CREATE DATABASE b', 'FLUSH BINARY LOGS', 'CREATE DATABASE c']);
    await runAll(connection, ['FLUSH BINARY LOGS', 'CREATE DATABASE d']);
    await connection.close();
    await server.stop();
    const torn = join(server.datadir, 'binlog.000001');
    await truncate(torn, (await stat(torn)).size - ROTATE_BYTES - 20); // into the last group
    await truncate(join(server.datadir, 'binlog.000002'), 0);
    await server.restart();
    for (let run = 0; run < 2; run += 1)
      // it stops in the same way again
      await expect(archiveUntilCurrent(server, repository)).rejects.toMatchObject({
        code: 'SERVER_QUERY_FAILED',
        message: expect.stringMatching(
          /cannot read its binary log on from binlog\.000001:\d+, where the archive ends: /,
        ) as string,
        hint: expect.stringContaining(
          '`lastgood archive --new-lineage` goes on in the next file that can be read',
        ) as string,
      });
    const { warnings } = await archiveUntilCurrent(server, repository, { newLineage: true });
    expect(warnings).toEqual([expect.stringContaining('of its own log: lineage ')]);
    const opened = await openRepository(repository);
    const [gap, ...others] = await opened.ledger.entries();
    expect(others).toEqual([]);
    expect(gap).toMatchObject({
      kind: 'gap',
      to: 'binlog.000003:4',
      why: expect.stringContaining('could not read its own log') as string,
    });
    expect(await differencesNow(server)).toEqual([]);
    const [left, next] = await opened.lineages();
    expect(next?.parent).toBe(left?.id);
    const states = async (id = ''): Promise<unknown[]> =>
      (await opened.segments(id)).map(({ file, state, manifest }) => [file, state, manifest?.groups]);
    expect(await states(left?.id)).toEqual([['binlog.000001', 'sealed', 1]]);
    expect(await states(next?.id)).toEqual([
      ['binlog.000003', 'sealed', 1],
      ['binlog.000004', 'open', undefined],
    ]);
  });

  it('is not joined to another log, without GTIDs, when it is reset and rotates at once while it is archived', async () => {
    await using server = await startMysql56({ args: WITHOUT_GTIDS });
    await using connection = await server.connect();
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository);
    await connection.query('CREATE DATABASE a');
    const { coordinates } = await readBinlogEnd(connection);
    const isThere = async (): Promise<boolean> =>
      (await segmentsOf(repository).catch(() => []))[0]?.bytes === coordinates.position;
    await waitFor(isThere, { timeoutMs: 20_000, what: 'the first log' });
    await runAll(connection, [
      'RESET MASTER',
      'CREATE DATABASE b',
      'CREATE DATABASE c',
      'FLUSH BINARY LOGS',
      'CREATE DATABASE d',
    ]);
    const wentOn = async (): Promise<boolean> => (await archivedFiles(repository))[1]?.endsWith('2') === true;
    await waitFor(wentOn, { timeoutMs: 20_000, what: 'the second log' });
    await archiver.stop();
    expect(await archivedFiles(repository)).toEqual(['binlog.000001', 'binlog.000001 binlog.000002']);
    expect(await differencesNow(server)).toEqual([]);
  });

  it('is not joined to another log either when it is reset while its archiver is files behind', async () => {
    await using server = await startMysql56({ args: WITHOUT_GTIDS });
    await using connection = await server.connect();
    await runAll(connection, [
      "GRANT ALL ON *.* TO archiver@'127.0.0.1' IDENTIFIED BY 'secret'",
      'CREATE DATABASE a',
      'CREATE TABLE a.t (id INT PRIMARY KEY, content LONGBLOB)',
      ...Array.from({ length: 40 }, (_, id) => `INSERT INTO a.t VALUES (${id}, REPEAT('x', 1000000))`),
      'FLUSH BINARY LOGS',
    ]);
    const dump = new Set<Socket>();
    let isHeld = true;
    await using proxy = await startTcpProxy(server.port, ({ client, upstream }) => {
      let bytes = 0; // a look at the log takes less than a megabyte and what the buffers hold
      client.pipe(upstream);
      upstream.on('data', (chunk) => {
        bytes += chunk.length;
        client.write(chunk);
        if (isHeld && bytes > 20_000_000) dump.add(upstream.pause());
      });
    });
    const account = server.tcpOptions({ name: 'shop', user: 'archiver', password: 'secret' });
    const primary = { ...account, port: proxy.port, name: 'shop', serverId: ARCHIVER_SERVER_ID };
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository, { primary });
    await waitFor(() => dump.size > 0, { timeoutMs: 20_000, what: 'the dump' });
    await runAll(connection, ['RESET MASTER', 'CREATE DATABASE b', 'FLUSH BINARY LOGS', 'CREATE DATABASE c']);
    isHeld = false;
    for (const socket of dump) socket.resume();
    const wentOn = async (): Promise<boolean> => (await archivedFiles(repository))[1]?.endsWith('2') === true;
    await waitFor(wentOn, { timeoutMs: 20_000, what: 'the second log' });
    await archiver.stop();
    expect(await archivedFiles(repository)).toEqual(['binlog.000001', 'binlog.000001 binlog.000002']);
    expect(await differencesNow(server)).toEqual([]);
  });

  it('names the server by its uuid, and counts what it was told was executed before (peers 32: vitess PR #13555)', async () => {
    await using server = await startMysql56();
    await using connection = await server.connect();
    const purged = '3e11fa47-71ca-11e1-9e33-c80aa9429562:1-24';
    await connection.query(`SET GLOBAL gtid_purged = '${purged}'`);
    await runAll(connection, ['CREATE DATABASE a', 'FLUSH BINARY LOGS', 'CREATE DATABASE b']);
    const result = await archiveUntilCurrent(server, repositoryBeside(server));
    const [row] = await connection.query<{ uuid: string; executed: string }>(
      "SELECT @@server_uuid AS uuid, REPLACE(@@GLOBAL.gtid_executed, '\n', '') AS executed",
    );
    expect(result.gtid).toBe(row?.executed);
    expect(row?.executed).toContain(purged);
    const states = (await segmentsOf(repositoryBeside(server))).map(({ manifest }) => manifest?.gtidStart);
    expect(states).toEqual(['', purged, undefined]);
    expect(await differences(server)).toEqual([]);
    const [lineage] = await (await openRepository(repositoryBeside(server))).lineages();
    expect(lineage).toMatchObject({ flavor: 'mysql', serverId: 101, serverUuid: row?.uuid, firstGtidState: '' });
  });
});
