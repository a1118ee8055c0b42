/** What other archivers got wrong without a word: each test carries the number of its entry in the survey of peers. */
import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository, type ArchivedSegment } from '../../src/archive/repository.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { readStatus } from '../../src/operations/status.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { listBinaryLogs } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import {
  archiveToTheLastByte,
  archiveUntilCurrent,
  primarySettings,
  repositoryBeside,
  segmentsOf,
  silentLog,
} from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startFlakyProxy } from '../support/flaky-proxy.ts';
import { startPair } from '../support/pair.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const MEBIBYTE = 1024 * 1024;

async function query(connection: ServerConnection, ...statements: string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

async function newestSegments(path: string): Promise<ArchivedSegment[]> {
  const repository = await openRepository(path);
  return await repository.segments((await repository.lineages()).at(-1)?.id ?? '');
}

/** Changes one byte in the middle of a server's own file, as a failing disk would. */
async function flipByte(server: TestServer, file: string): Promise<void> {
  await using handle = await open(join(server.datadir, file), 'r+');
  const at = Math.floor((await handle.stat()).size / 2);
  const byte = Buffer.alloc(1);
  await handle.read(byte, 0, 1, at);
  byte[0] = (byte[0] ?? 0) ^ 0x10;
  await handle.write(byte, 0, 1, at);
}

describe('a file of the source that is damaged there', () => {
  it('stops the archive with its name and place, and not in silence; what is behind it is archived once it is gone (peers 5: PXCO PR #1423)', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    const path = repositoryBeside(server);
    await query(connection, 'CREATE DATABASE shop', 'CREATE TABLE shop.t (id INT PRIMARY KEY, content LONGBLOB)');
    await query(connection, 'FLUSH BINARY LOGS', `INSERT INTO shop.t VALUES (1, REPEAT('x', ${MEBIBYTE}))`);
    await query(connection, 'FLUSH BINARY LOGS', 'INSERT INTO shop.t VALUES (2, NULL)');
    await flipByte(server, 'binlog.000002');
    await expect(archiveUntilCurrent(server, path)).rejects.toMatchObject({
      code: 'STREAM_DAMAGED',
      exitCode: 21,
      message: expect.stringMatching(/^'binlog\.000002' is damaged at offset \d+: /) as string,
    });
    expect((await segmentsOf(path))[0]?.state).toBe('sealed');
    {
      using archive = await openArchive(path, { log: silentLog });
      const { exposure, purge } = await readStatus(archive, { primary: primarySettings(server) });
      expect(exposure.groups).toBeGreaterThanOrEqual(1);
      expect(purge?.oldestNeeded).toBe('binlog.000002');
    }
    // A file that the engines may still need for their own recovery stays for another rotation.
    const purged = async (): Promise<boolean> => {
      await query(connection, 'FLUSH BINARY LOGS', "PURGE BINARY LOGS TO 'binlog.000003'");
      return (await listBinaryLogs(connection))[0]?.file === 'binlog.000003';
    };
    await waitFor(purged, { timeoutMs: 15_000, what: 'the damaged file to be purged' });
    const { warnings } = await archiveUntilCurrent(server, path);
    expect(warnings).toEqual([expect.stringContaining('binlog.000003')]);
    expect(await (await openRepository(path)).ledger.entries()).toMatchObject([{ kind: 'gap', to: 'binlog.000003:4' }]);
    expect((await newestSegments(path))[0]?.file).toBe('binlog.000003');
  });
});

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('a connection to %s that is cut inside a transaction', (_name, start) => {
  it('neither loses nor doubles it, and goes on at its beginning (peers 9: dbtrail #491, peers 15: mysql-binlog-connector-java #53, peers 31: WAL-G PR #2249)', async () => {
    await using server = await start();
    await using connection = await server.connect();
    const path = repositoryBeside(server);
    await query(
      connection,
      "GRANT ALL ON *.* TO 'archiver'@'127.0.0.1' IDENTIFIED BY 'pw'",
      'CREATE DATABASE shop',
      'CREATE TABLE shop.t (id INT PRIMARY KEY, content LONGBLOB)',
      'BEGIN',
      ...[1, 2, 3, 4].map((id) => `INSERT INTO shop.t VALUES (${id}, REPEAT('x', ${MEBIBYTE / 2}))`),
      'COMMIT',
      'ALTER TABLE shop.t ADD COLUMN note INT',
      'INSERT INTO shop.t VALUES (5, NULL, 1)',
    );
    // Inside the first, the second, the fourth row of the transaction, and just before its end.
    const cuts = [0.2, 0.9, 1.7, 1.99].map((size) => Math.floor(size * MEBIBYTE));
    let cut = 0;
    const cutAfterBytes = (): number => cuts[cut] ?? Infinity;
    await using proxy = await startFlakyProxy({ targetPort: server.port, cutAfterBytes, maxCuts: cuts.length });
    const { socket: _, ...primary } = {
      ...primarySettings(server),
      ...server.tcpOptions({ name: 'shop', user: 'archiver', password: 'pw' }),
      port: proxy.port,
    };
    const starts: string[] = [];
    const log = Object.assign(Object.create(silentLog) as typeof silentLog, {
      info: ({ from }: { from?: string }, what: string) => what === 'streaming' && starts.push(from ?? ''),
      warn: () => (cut = proxy.cuts),
    });
    const { reconnects } = await archiveUntilCurrent(server, path, { primary, log });
    expect(proxy.cuts).toBeGreaterThanOrEqual(cuts.length); // some of them in a look at the log before the stream
    expect(reconnects).toBeGreaterThanOrEqual(2);
    expect(new Set(starts.slice(1)).size).toBe(1); // each time from the same whole group on
    await archiveToTheLastByte(server, path);
    const [segment] = await segmentsOf(path);
    expect(await cmpMasked(segment?.path ?? '', join(server.datadir, segment?.file ?? ''))).toBeNull();
    using archive = await openArchive(path, { log: silentLog });
    const [lineage] = archive.catalog.lineages();
    // GRANT, CREATE twice, the transaction, ALTER, INSERT.
    expect(archive.catalog.segments(lineage?.id ?? '')[0]?.digest.groups).toBe(6);
  });
});

describe('another node with the same transactions in other files', () => {
  it('goes on without a gap after a failover, whatever files it has (peers 26: PXCO PR #2354)', async () => {
    await using pair = await startPair();
    const { primary, replica } = pair;
    await using old = await primary.connect();
    await using successor = await replica.connect();
    await query(old, 'CREATE DATABASE a', 'FLUSH BINARY LOGS', 'CREATE DATABASE b', 'FLUSH BINARY LOGS');
    await query(old, 'CREATE DATABASE c');
    await pair.caughtUp();
    const path = repositoryBeside(replica);
    await archiveUntilCurrent(primary, path);
    await query(successor, 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = OFF', 'CREATE DATABASE d');
    await query(successor, 'FLUSH BINARY LOGS');
    const { warnings } = await archiveUntilCurrent(replica, path);
    expect(warnings).toEqual([]);
    const repository = await openRepository(path);
    const [first, second] = await repository.lineages();
    expect(second).toMatchObject({ parent: first?.id, handOver: { stranded: 0 } });
    expect(await repository.ledger.entries()).toEqual([]);
    using archive = await openArchive(path, { log: silentLog });
    expect((await readStatus(archive, { primary: primarySettings(replica) })).gaps).toEqual([]);
  });

  it('is not taken for the archived one because its server_id and GTIDs are the same (peers 25: mariadb-operator PR #1621)', async () => {
    await using first = await startPrimary();
    await using second = await startPrimary();
    for (const [server, extra] of [
      [first, 'SELECT 1'],
      [second, 'FLUSH BINARY LOGS'],
    ] as const) {
      await using connection = await server.connect();
      // The moment differs also when both are started within a second.
      await query(connection, `SET TIMESTAMP = UNIX_TIMESTAMP() - ${extra.length}`);
      await query(connection, 'CREATE DATABASE a', extra, 'CREATE DATABASE b');
    }
    const path = repositoryBeside(second);
    await archiveUntilCurrent(first, path);
    const [before] = await segmentsOf(path);
    const bytes = await readFile(before?.path ?? '');
    const { warnings, gtid } = await archiveUntilCurrent(second, path);
    expect(gtid).toBe('0-101-2');
    expect(warnings).toEqual([expect.stringContaining("is not the history of lineage 'shop-")]);
    const repository = await openRepository(path);
    expect(await repository.ledger.entries()).toMatchObject([{ kind: 'break', lineage: before?.lineage }]);
    expect(await readFile(before?.path ?? '')).toEqual(bytes);
    for (const segment of await newestSegments(path))
      expect(await cmpMasked(segment.path, join(second.datadir, segment.file))).toBeNull();
  });
});
