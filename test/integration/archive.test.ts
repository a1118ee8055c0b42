import { appendFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  ARCHIVER_SERVER_ID,
  archiveToTheLastByte,
  archiveUntilCurrent,
  primarySettings,
  repositoryBeside,
  segmentsOf,
  silentLog,
  startArchiver,
} from '../support/archiver.ts';
import { cmpMasked } from '../support/compare.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

/** Every archived file against the server's own, byte for byte; `stopped` servers have written all they will. */
async function differences(server: TestServer, repository: string): Promise<string[]> {
  await archiveToTheLastByte(server, repository);
  const found: string[] = [];
  for (const { path, file } of await segmentsOf(repository)) {
    const difference = await cmpMasked(path, join(server.datadir, file));
    if (difference !== null) found.push(difference);
  }
  return found;
}

async function rotate(server: TestServer): Promise<void> {
  await using connection = await server.connect();
  await connection.query('FLUSH BINARY LOGS');
}

async function waitForSegments(repository: string, count: number): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const segments = await segmentsOf(repository).catch(() => []); // before the archiver's first steps
    return segments.length >= count;
  };
  await waitFor(probe, { timeoutMs: 30_000, what: `${count} segments` });
}

async function waitForGtid(repository: string, gtid: string): Promise<void> {
  const probe = async (): Promise<boolean> => {
    const opened = await openRepository(repository).catch(() => null); // before the archiver's first steps
    if (opened === null) return false;
    using catalog = openCatalog(opened.catalogPath);
    return catalog.lineages().some(({ id }) => catalog.segments(id).at(-1)?.digest.gtidEnd === gtid);
  };
  await waitFor(probe, { timeoutMs: 30_000, what: `${gtid} in the archive` });
}

const TORN_BYTES = 30;

/** What a power cut leaves: the head of an event whose rest was never written. */
async function appendTornEvent(path: string): Promise<void> {
  const header = Buffer.alloc(TORN_BYTES);
  header.writeUInt32LE(Math.floor(Date.now() / 1000), 0);
  header.writeUInt8(162, 4);
  header.writeUInt32LE(101, 5);
  header.writeUInt32LE(42, 9);
  header.writeUInt32LE((await stat(path)).size + 42, 13);
  await appendFile(path, header);
}

describe('archive', () => {
  it('holds every file of a primary under load, over rotations, byte for byte', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository);
    const workload = await startWorkload(() => server.connect());
    for (const committed of [500, 1000, 1500]) {
      await waitFor(() => workload.committed > committed, { timeoutMs: 30_000, what: `${committed} transactions` });
      await rotate(server);
    }
    await workload.stop();
    await archiver.stop();
    await archiveUntilCurrent(server, repository);
    const segments = await segmentsOf(repository);
    expect(segments.map(({ state }) => state)).toEqual(['sealed', 'sealed', 'sealed', 'open']);
    expect(await differences(server, repository)).toEqual([]);
    expect(segments[2]?.manifest?.gtidEnd).toBe(segments[2]?.manifest?.last?.gtid);
  });

  it('keeps a catalog that equals its rebuild', async () => {
    await using server = await startPrimary();
    const path = repositoryBeside(server);
    await using archiver = startArchiver(server, path);
    const workload = await startWorkload(() => server.connect());
    await waitFor(() => workload.committed > 300, { timeoutMs: 30_000, what: '300 transactions' });
    await rotate(server);
    await using connection = await server.connect();
    await connection.query('DROP DATABASE crm');
    await workload.stop().catch(() => undefined); // its writers met the dropped schema
    await archiver.stop();
    await archiveUntilCurrent(server, path);
    const repository = await openRepository(path);
    const rebuilt = join(server.directory, 'rebuilt.sqlite');
    await rebuildCatalog(repository, rebuilt, { log: silentLog });
    using kept = openCatalog(repository.catalogPath);
    using fresh = openCatalog(rebuilt);
    expect(kept.incidents({}).map(({ statement }) => statement)).toEqual(['DROP DATABASE crm']);
    expect(kept.dump()).toEqual(fresh.dump());
  });

  it('goes on where it stopped, also inside a file', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    for (const statement of ['CREATE DATABASE a', 'CREATE DATABASE b', 'FLUSH BINARY LOGS', 'CREATE DATABASE c']) {
      await connection.query(statement);
      await archiveUntilCurrent(server, repository);
    }
    await archiveToTheLastByte(server, repository);
    const again = await archiveUntilCurrent(server, repository);
    expect(again.bytes).toBe(0);
    expect(again.gtid).toBe('0-101-3');
    expect(await differences(server, repository)).toEqual([]);
  });

  it('carries events larger than a protocol packet', async () => {
    await using server = await startPrimary({ args: ['--max-allowed-packet=64M'] });
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE big');
    await connection.query('CREATE TABLE big.t (id INT PRIMARY KEY, c LONGBLOB)');
    for (const [id, size] of [1, 16_777_100, 16_777_215, 16_777_300, 40_000_000, 5].entries()) {
      await connection.query("INSERT INTO big.t VALUES (?, REPEAT('x', ?))", [id, size]);
    }
    await archiveUntilCurrent(server, repository);
    expect(await differences(server, repository)).toEqual([]);
  });

  it.each(['NONE', 'CRC32'])('archives files with checksum %s, and a change between them', async (checksum) => {
    await using server = await startPrimary({ args: [`--binlog-checksum=${checksum}`] });
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE a');
    await archiveUntilCurrent(server, repository);
    await connection.query(`SET GLOBAL binlog_checksum = ${checksum === 'NONE' ? 'CRC32' : 'NONE'}`);
    await connection.query('CREATE DATABASE b');
    await archiveUntilCurrent(server, repository);
    const segments = await segmentsOf(repository);
    expect(segments.map(({ state }) => state)).toEqual(['sealed', 'open']);
    expect(await differences(server, repository)).toEqual([]);
  });

  it('follows a server over a clean stop and over kill -9', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository);
    for (const [name, end] of [['a', 'stop'] as const, ['b', 'kill'] as const]) {
      const connection = await server.connect();
      await connection.query(`CREATE DATABASE ${name}`);
      await waitForSegments(repository, 1);
      await connection.close();
      await server[end]();
      await server.restart();
    }
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE c');
    await waitForSegments(repository, 3);
    await archiver.stop();
    await archiveUntilCurrent(server, repository);
    const segments = await segmentsOf(repository);
    expect(segments.map(({ manifest }) => manifest?.ended)).toEqual(['stop', 'source-crashed', undefined]);
    expect(await differences(server, repository)).toEqual([]);
  });

  it('cuts what a crash of its own left behind the last whole group', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE a');
    await archiveUntilCurrent(server, repository);
    const [segment] = await segmentsOf(repository);
    await appendFile(segment?.path ?? '', Buffer.alloc(33, 1));
    await connection.query('CREATE DATABASE b');
    await archiveUntilCurrent(server, repository);
    expect(await differences(server, repository)).toEqual([]);
  });

  it('archives MySQL 5.6 with GTIDs', async () => {
    await using server = await startMysql56();
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE a');
    await connection.query('FLUSH BINARY LOGS');
    await connection.query('DROP DATABASE a');
    const result = await archiveUntilCurrent(server, repository);
    expect(result.gtid).toMatch(/^[0-9a-f-]{36}:1-2$/);
    expect(await differences(server, repository)).toEqual([]);
  });

  it('seals a file that its source tore and cannot read to its end, and goes on in the next', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using archiver = startArchiver(server, repository);
    const connection = await server.connect();
    for (const name of ['a', 'b', 'c']) await connection.query(`CREATE DATABASE ${name}`);
    await waitForGtid(repository, '0-101-3');
    await connection.close();
    await server.kill();
    await appendTornEvent(join(server.datadir, 'binlog.000001'));
    await server.restart();
    await using again = await server.connect();
    await again.query('CREATE DATABASE d');
    await waitForSegments(repository, 2);
    await archiver.stop();
    await archiveUntilCurrent(server, repository);
    const [crashed, open] = await segmentsOf(repository);
    expect(crashed?.manifest).toMatchObject({ ended: 'source-crashed', tornBytes: TORN_BYTES, gtidEnd: '0-101-3' });
    expect(await cmpMasked(open?.path ?? '', join(server.datadir, 'binlog.000002'))).toBeNull();
  });

  it('goes on when the source forgets a domain that it no longer writes', async () => {
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    await using connection = await server.connect();
    for (const domain of [7, 0]) {
      await connection.query(`SET gtid_domain_id = ${domain}`);
      await connection.query(`CREATE DATABASE in_domain_${domain}`);
    }
    await connection.query('FLUSH BINARY LOGS');
    await archiveUntilCurrent(server, repository);
    await connection.query("PURGE BINARY LOGS TO 'binlog.000002'");
    await connection.query('FLUSH BINARY LOGS');
    await archiveUntilCurrent(server, repository);
    await connection.query("PURGE BINARY LOGS TO 'binlog.000003'");
    await connection.query('FLUSH BINARY LOGS DELETE_DOMAIN_ID=(7)');
    expect(await archiveUntilCurrent(server, repository)).toMatchObject({ file: 'binlog.000004', gtid: '0-101-1' });
  });

  it('names the missing privilege', async () => {
    await using server = await startPrimary();
    await using root = await server.connect();
    await root.query("CREATE USER weak@'127.0.0.1' IDENTIFIED BY 'secret'");
    await root.query("GRANT BINLOG MONITOR ON *.* TO weak@'127.0.0.1'");
    const account = server.tcpOptions({ name: 'primary', user: 'weak', password: 'secret' });
    const primary = { ...account, name: 'shop', serverId: ARCHIVER_SERVER_ID };
    await expect(archiveUntilCurrent(server, repositoryBeside(server), { primary })).rejects.toMatchObject({
      code: 'PRIVILEGE_MISSING',
      exitCode: 12,
    });
  });

  it('refuses a source without binary log, a server_id in use, and a second archiver', async () => {
    await using silent = await startPrimary({ args: ['--skip-log-bin'] });
    await expect(archiveUntilCurrent(silent, repositoryBeside(silent))).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('log_bin is OFF') as string,
    });
    await using server = await startPrimary();
    const repository = repositoryBeside(server);
    const primary = { ...primarySettings(server), serverId: 101 };
    await expect(archiveUntilCurrent(server, repository, { primary })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
    });
    await using archiver = startArchiver(server, repository);
    await waitForSegments(repository, 1);
    await expect(archiveUntilCurrent(server, repository)).rejects.toMatchObject({ code: 'LOCKED', exitCode: 11 });
    await archiver.stop();
  });
});
