import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { openCatalog } from '../../src/catalog/catalog.ts';
import { rebuildCatalog } from '../../src/catalog/rebuild.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { listBackups } from '../../src/operations/lists.ts';
import { openArchive, rebuildArchiveCatalog } from '../../src/operations/open-archive.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { archiveUntilCurrent, repositoryBeside, segmentsOf, silentLog, startArchiver } from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let server: TestServer;
let repository: string;

/** Two files with incidents; the first is longer than a MiB several times, so it has checkpoints. */
beforeEach(async () => {
  server = await startPrimary();
  repository = repositoryBeside(server);
  await run(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id INT AUTO_INCREMENT PRIMARY KEY, note LONGTEXT)',
    ...Array.from({ length: 12 }, () => "INSERT INTO shop.orders (note) VALUES (REPEAT('x', 400000))"),
    'TRUNCATE TABLE shop.orders',
    'FLUSH BINARY LOGS',
    'DROP DATABASE shop',
    'CREATE DATABASE crm',
  );
  await archiveUntilCurrent(server, repository);
});

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

async function run(...statements: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const statement of statements) await connection.query(statement);
}

async function dump(): Promise<unknown> {
  using archive = await openArchive(repository, { log: silentLog });
  return archive.catalog.dump();
}

async function dumpOfRebuild(): Promise<unknown> {
  const opened = await openRepository(repository);
  const path = `${opened.catalogPath}.rebuilt`;
  await rebuildCatalog(opened, path, { log: silentLog });
  using catalog = openCatalog(path);
  return catalog.dump();
}

describe('the catalog', () => {
  it('that the archiver wrote equals its rebuild, with checkpoints and incidents in it', async () => {
    const opened = await openRepository(repository);
    using written = openCatalog(opened.catalogPath);
    const [first] = await segmentsOf(repository);
    expect(written.checkpoints(first?.lineage ?? '', first?.file ?? '').length).toBeGreaterThanOrEqual(3);
    expect(written.incidents().map(({ kind }) => kind)).toEqual(['drop-database', 'truncate-table']);
    expect(written.dump()).toEqual(await dumpOfRebuild());
  });

  it('comes back by itself when it was deleted or damaged', async () => {
    const before = await dump();
    const { catalogPath } = await openRepository(repository);
    await rm(catalogPath);
    expect(await dump()).toEqual(before);
    await writeFile(catalogPath, 'no database at all'.repeat(1000));
    expect(await dump()).toEqual(before);
    await rebuildArchiveCatalog(repository, { log: silentLog });
    expect(await dump()).toEqual(before);
  });

  it('keeps what the archive no longer has as lost, until it is made anew', async () => {
    await dump();
    const { lineage = '', file = '', path = '' } = (await segmentsOf(repository))[0] ?? {};
    await rm(path);
    await rm(`${path}.json`);
    {
      using archive = await openArchive(repository, { log: silentLog });
      expect(listIncidents(archive).map(({ kind }) => kind)).toEqual(['drop-database', 'truncate-table']);
      expect(archive.catalog.checkpoints(lineage, file)).toEqual([]);
      expect(archive.catalog.lost()).toMatchObject([{ lineage, file, state: 'sealed' }]);
    }
    expect(await archiveUntilCurrent(server, repository)).toMatchObject({
      warnings: [expect.stringContaining(`archived files are gone from the repository: ${file}`)],
    });
    expect(await rebuildArchiveCatalog(repository, { log: silentLog })).toEqual([
      expect.stringMatching(/^binlog\.000001 of lineage .* and is gone: this is forgotten, take a backup$/),
    ]);
    using archive = await openArchive(repository, { log: silentLog });
    expect(archive.catalog.lost()).toEqual([]);
    expect(listIncidents(archive).map(({ kind }) => kind)).toEqual(['drop-database']);
  });

  it('follows an archive whose archiver was not there to tell', async () => {
    const { catalogPath } = await openRepository(repository);
    const before = await dump();
    await rm(catalogPath);
    await run('DROP DATABASE crm', 'FLUSH BINARY LOGS', 'CREATE DATABASE crm');
    await archiveUntilCurrent(server, repository);
    const after = await dump();
    expect(after).not.toEqual(before);
    expect(after).toEqual(await dumpOfRebuild());
  });

  it('is read again where an earlier version looked for incidents', async () => {
    const before = await dump();
    const { catalogPath } = await openRepository(repository);
    const database = new Sqlite(catalogPath);
    database.exec('UPDATE segment SET rules = 0 WHERE number = 1; DELETE FROM incident');
    database.close();
    using archive = await openArchive(repository, { log: silentLog });
    expect(listIncidents(archive).map(({ kind }) => kind)).toEqual(['truncate-table']);
    archive.catalog.forget(archive.catalog.lineages()[0]?.id ?? '', 'binlog.000002');
    expect(await dump()).toEqual(before);
  });

  it('is not rebuilt under a living archiver, and keeps up with it', async () => {
    await using _archiver = startArchiver(server, repository);
    await run('DROP DATABASE crm');
    const seen = async (): Promise<boolean> => {
      using archive = await openArchive(repository, { log: silentLog });
      return listIncidents(archive, { schema: 'crm' }).length === 1;
    };
    await waitFor(seen, { timeoutMs: 10_000, what: 'the incident to be listed' });
    await expect(rebuildArchiveCatalog(repository, { log: silentLog })).rejects.toSatisfy((error) =>
      isLastgoodError(error, 'LOCKED'),
    );
  });

  it('deleted under a living archiver hides no incident', async () => {
    await using archiver = startArchiver(server, repository);
    const opened = await openRepository(repository);
    for (const suffix of ['', '-wal', '-shm']) await rm(opened.catalogPath + suffix, { force: true });
    await run('CREATE DATABASE hr', 'DROP DATABASE hr');
    const found = async (): Promise<boolean> => {
      using archive = await openArchive(repository, { log: silentLog });
      return listIncidents(archive, { schema: 'hr' }).length === 1;
    };
    await waitFor(found, { timeoutMs: 20_000, what: 'the incident in the catalog' });
    await archiver.stop();
  });

  it('leaves a damaged segment out, and takes nothing from it', async () => {
    const [first] = await segmentsOf(repository);
    const opened = await openRepository(repository);
    await rm(opened.catalogPath);
    const bytes = await readFile(first?.path ?? '');
    bytes.write('trunkate', bytes.lastIndexOf('TRUNCATE'));
    await writeFile(first?.path ?? '', bytes);
    using archive = await openArchive(repository, { log: silentLog });
    expect(archive.catalog.segments(first?.lineage ?? '').map(({ digest }) => digest.file)).toEqual(['binlog.000002']);
    expect(listIncidents(archive).map(({ kind }) => kind)).toEqual(['drop-database']);
    const rebuilding = rebuildArchiveCatalog(repository, { log: silentLog });
    await expect(rebuilding).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED', exitCode: 21 });
  });

  it('keeps what it knew of backups when the record of one is damaged: the archiver goes on, and says so', async () => {
    const { id } = await recordBackup(repository, 'whole', await pointOf(server));
    await archiveUntilCurrent(server, repository); // now the catalog knows it
    const opened = await openRepository(repository);
    await writeFile(join(opened.backupFolder(id), 'backup.json'), '{"id": ');
    await run('CREATE DATABASE after_the_damage');
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    const { position } = await archiveUntilCurrent(server, repository, { log });
    expect((await segmentsOf(repository)).at(-1)?.bytes).toBe(position);
    expect(lines.join('')).toContain('backup.json');
    using known = openCatalog(opened.catalogPath);
    expect(known.backups().map((backup) => backup.id)).toEqual(['whole']);
    using archive = await openArchive(repository, { log: silentLog });
    expect(archive.catalog.backups().map((backup) => backup.id)).toEqual(['whole']);
    expect(await listBackups(archive)).toMatchObject([{ id: 'whole', usable: false, primary: { coordinates: null } }]);
  });

  it('is readable by its owner alone', async () => {
    const { catalogPath } = await openRepository(repository);
    expect((await stat(catalogPath)).mode & 0o777).toBe(0o600);
  });

  it('that cannot be kept is made in memory: a restore works from a copy that can only be read', async () => {
    const { catalogPath } = await openRepository(repository);
    await rm(catalogPath);
    await mkdir(catalogPath); // no file can be there now, also for root
    using archive = await openArchive(repository, { log: silentLog });
    expect(listIncidents(archive).map(({ kind }) => kind)).toEqual(['drop-database', 'truncate-table']);
  });
});
