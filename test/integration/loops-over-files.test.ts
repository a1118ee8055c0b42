import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { scan } from '../../src/operations/scan.ts';
import { verify } from '../../src/operations/verify.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveToTheLastByte, repositoryBeside, silentLog } from '../support/archiver.ts';
import { run } from '../support/backup-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

async function fill(connection: ServerConnection, rows: number): Promise<void> {
  await run(connection, ['CREATE DATABASE shop', 'CREATE TABLE shop.i (id INT PRIMARY KEY)']);
  await connection.query(`INSERT INTO shop.i VALUES ${Array.from({ length: rows }, (_, id) => `(${id})`).join()}`);
}

async function scanned({ datadir }: Pick<TestServer, 'datadir'>, massRows: number): Promise<Incident[]> {
  const { incidents } = await scan({ paths: [datadir], verifyChecksums: true, massRows });
  return incidents.slice();
}

const whole = ({ file, state, rows, loop, settledBy }: Incident): unknown => ({ file, state, rows, loop, settledBy });

describe('a loop of deletes over a rotation', () => {
  it('is listed when all of it is a mass, the same by the archive, a rebuild of its catalog and a scan', async () => {
    await using primary = await startPrimary();
    const repository = repositoryBeside(primary);
    await using connection = await primary.connect();
    await fill(connection, 1000);
    const loop = Array.from({ length: 3 }, () => 'DELETE FROM shop.i LIMIT 100');
    await run(connection, [...loop, 'FLUSH BINARY LOGS', ...loop, 'FLUSH BINARY LOGS', ...loop.slice(1)]);
    await archiveToTheLastByte(primary, repository);
    {
      using archive = await openArchive(repository, { log: silentLog });
      const listed = listIncidents(archive, {}, { massRows: 800, massShare: 1 });
      expect(listed.map(({ file, rows, loop: all }) => [file.slice(-1), rows.deleted, all?.deleted])).toEqual([
        ['3', 200, 800],
        ['2', 300, 800],
        ['1', 300, 800],
      ]);
      expect(listIncidents(archive, {}, { massRows: 801, massShare: 1 })).toEqual([]);
      const inFiles = (await scanned(primary, 800)).toReversed();
      expect(inFiles.map(whole)).toEqual(listed.map(whole));
    }
    const opened = await openRepository(repository);
    const rebuilt = `${opened.catalogPath}.rebuilt`;
    await rebuildCatalog(opened, rebuilt, { log: silentLog });
    using written = openCatalog(opened.catalogPath);
    using again = openCatalog(rebuilt);
    expect(again.dump()).toEqual(written.dump());
    const { findings } = await verify({
      repositoryPath: repository,
      keyFile: null,
      since: null,
      backups: false,
      jobs: 1,
    });
    expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([]);
  });
});

describe('files of a server that crashed', () => {
  it('are whole: what was prepared before is decided behind the crash, but not over a file that is missing', async () => {
    const durable = ['--innodb-flush-log-at-trx-commit=1', '--sync-binlog=1'];
    await using primary = await startPrimary({ args: durable });
    const repository = repositoryBeside(primary);
    {
      await using connection = await primary.connect();
      await fill(connection, 200);
      await run(connection, ["XA START 'x'", 'DELETE FROM shop.i', "XA END 'x'", "XA PREPARE 'x'"]);
    }
    await primary.kill();
    await primary.restart();
    await using connection = await primary.connect();
    await run(connection, ['FLUSH BINARY LOGS', "XA ROLLBACK 'x'"]);
    await archiveToTheLastByte(primary, repository);
    const settledBy = { file: 'binlog.000003' };
    expect(await scanned(primary, 100)).toMatchObject([{ state: 'rolled-back', settledBy }]);
    {
      using archive = await openArchive(repository, { log: silentLog });
      expect(archive.catalog.incidents({ all: true })).toMatchObject([{ state: 'rolled-back', settledBy }]);
    }
    const opened = await openRepository(repository);
    const [lineage] = await opened.lineages();
    const segments = await opened.segments(lineage?.id ?? '');
    await rm(segments[1]?.path ?? '');
    await rm(join(primary.datadir, 'binlog.000002'));
    expect(await scanned(primary, 100)).toMatchObject([{ state: 'pending', settledBy: null }]);
    using archive = await openArchive(repository, { log: silentLog });
    expect(archive.catalog.incidents({})).toMatchObject([{ state: 'pending', settledBy: null }]);
  });
});
