import { readFile } from 'node:fs/promises';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { schemaState } from '../../../src/catalog/schema.ts';
import { openArchive } from '../../../src/operations/open-archive.ts';
import { openSharedCatalog } from '../../../src/operations/shared-catalog.ts';
import { acquireLock } from '../../../src/platform/lock.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { SCHEMA_2 } from '../../support/schema-2.ts';

let folder: ArchiveFolder;
let path: string;

beforeEach(async () => {
  folder = await archiveFolder();
  path = folder.repository.catalogPath;
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

/** What an archiver of the version before has open, and does at each group. */
function openBySchema2(): Disposable & { recordSegment(): void } {
  const database = new Sqlite(path);
  database.pragma('journal_mode = WAL');
  database.exec(SCHEMA_2);
  database.prepare('INSERT INTO lineage VALUES (?, ?, ?)').run('old', '2026-11-22T10:00:00Z', '{"id":"old"}');
  const put = database.prepare('INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?)');
  return {
    recordSegment: () => put.run('old', 1, 'binlog.000001', 'open', 256, '{}'),
    [Symbol.dispose]: () => database.close(),
  };
}

const locked = (name: string): ReturnType<typeof acquireLock> =>
  acquireLock(folder.repository.archiverLockPath(name), 'archive');

describe('the catalog of an earlier version', () => {
  it('stays as it is beside an archiver, which goes on; a command reads the archive instead', async () => {
    using old = openBySchema2();
    await using _archiver = await locked('another, without a lineage yet');
    using archive = await openArchive(folder.repository.path, { log: silentLog });
    expect(archive.catalog.lineages()).toEqual([folder.lineage]);
    expect(schemaState(path)).toBe('earlier');
    expect(() => {
      old.recordSegment();
    }).not.toThrow();
  });

  it('is brought up to date by a command while no archiver runs, and the locks are free again', async () => {
    openBySchema2()[Symbol.dispose]();
    {
      using archive = await openArchive(folder.repository.path, { log: silentLog });
      expect(archive.catalog.lineages()).toEqual([folder.lineage]);
    }
    expect(schemaState(path)).toBe('known');
    await using _archiver = await locked(folder.lineage.name);
  });

  it('is brought up to date by an archiver, which holds its own lock, unless another one runs', async () => {
    openBySchema2()[Symbol.dispose]();
    const own = folder.lineage.name;
    await using _own = await locked(own);
    {
      await using _other = await locked('other');
      using inMemory = await openSharedCatalog(folder.repository, { log: silentLog, own });
      expect(inMemory.lineages()).toEqual([]);
      expect(schemaState(path)).toBe('earlier');
    }
    using kept = await openSharedCatalog(folder.repository, { log: silentLog, own });
    expect(kept.lineages().map(({ id }) => id)).toEqual(['old']);
    expect(schemaState(path)).toBe('known');
  });
});

it('of a newer version stays as it is too, and is done without', async () => {
  openCatalog(path)[Symbol.dispose]();
  const database = new Sqlite(path);
  database.pragma('user_version = 99');
  database.close();
  const before = await readFile(path);
  using archive = await openArchive(folder.repository.path, { log: silentLog });
  expect(archive.catalog.lineages()).toEqual([folder.lineage]);
  expect((await readFile(path)).equals(before)).toBe(true);
});
