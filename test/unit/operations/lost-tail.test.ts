import { rename, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/archive/repository.ts';
import type { Coordinates } from '../../../src/binlog/coordinates.ts';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { findMissingSegments } from '../../../src/operations/missing-segments.ts';
import { exportLogs } from '../../../src/operations/export.ts';
import { openArchive } from '../../../src/operations/open-archive.ts';
import { makePlan } from '../../../src/operations/plan.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, rotate } from '../../support/binlog-builder.ts';
import { verifyAt } from '../../support/verify-scene.ts';

let folder: ArchiveFolder;
/** Group boundaries of the open file. */
let middle: number;
let end: number;

/** Two sealed files of one group, an open one of two: a DROP in its second group. */
beforeEach(async () => {
  folder = await archiveFolder();
  using catalog = openCatalog(folder.repository.catalogPath);
  const { writer } = folder.writer(await folder.end(), {
    onDurable: (update) => {
      catalog.record(folder.lineage, update);
    },
  });
  for (const number of [1, 2, 3]) {
    const state = number === 1 ? '' : `0-101-${number - 1}`;
    const builder = new BinlogBuilder().between(gtidList(state));
    addGroup(builder, `0-101-${number}`, 'create table t (id int)');
    middle = builder.size;
    if (number === 3) addGroup(builder, '0-101-4', 'drop table t');
    end = builder.size;
    if (number < 3) builder.between(rotate(`binlog.00000${number + 1}`));
    writer.rotate(`binlog.00000${number}`, 4);
    writer.append(builder.bytes, 4, builder.bytes.length);
  }
  await writer.finish();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

function addGroup(builder: BinlogBuilder, gtid: string, statement: string): void {
  builder.group([mariadbGtid(gtid, { standalone: true }), query(statement)], { gtid, ending: 'statement' });
}

async function read<T>(use: (archive: Awaited<ReturnType<typeof openArchive>>) => Promise<T> | T): Promise<T> {
  using archive = await openArchive(folder.repository.path, { log: silentLog });
  return await use(archive);
}

/** What `status` and `doctor` say. */
async function told(): Promise<string[]> {
  const findings = await read(async (archive) => findMissingSegments(archive, archive.catalog.lineages()));
  return findings.map(({ severity, check, found, fix }) => {
    expect(fix).toContain('`lastgood verify`');
    return `${severity} ${check}: ${found}`;
  });
}

async function verified(): Promise<string[]> {
  const { findings } = await verifyAt(folder.repository.path, { backups: false });
  return findings.filter(({ severity }) => severity === 'error').map(({ check, found }) => `${check}: ${found}`);
}

/** Exports what is archived, up to a place; the names of the files. */
async function exported(to: Coordinates | null): Promise<string[]> {
  await using out = await makeTempDirectory('lastgood-export-');
  const { signal } = new AbortController();
  const { repository } = folder;
  const { files } = await exportLogs({
    repository,
    name: 'shop',
    lineage: null,
    from: null,
    to,
    out: out.path,
    signal,
  });
  return files.map(({ file }) => file);
}

const latest = async (): Promise<unknown> => read(async (archive) => makePlan(archive, { kind: 'latest' }));

describe('an archive whose end is gone', () => {
  it('says so in every command, however often it was looked at, when the open file was cut', async () => {
    await truncate(folder.path('binlog.000003'), middle);
    for (let round = 0; round < 2; round += 1)
      expect(await told()).toEqual([
        `error lost bytes: binlog.000003 was archived up to ${end}, and can be read only up to ${middle} now`,
      ]);
    await expect(latest()).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: expect.stringContaining(`archived up to ${end}, and can be read only up to ${middle} now`) as string,
    });
    expect(await verified()).toEqual([
      `segment: at offset ${middle}: it ends here, though ${end} bytes of it were durable`,
    ]);
    await expect(exported(null)).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: `binlog.000003 was archived up to ${end}, and has ${middle} bytes now`,
    });
    expect(await exported({ file: 'binlog.000003', position: middle })).toHaveLength(3);
  });

  it('says so when the files are gone, sealed ones with their manifests', async () => {
    for (const name of ['binlog.000002', 'binlog.000002.json', 'binlog.000003']) await rm(folder.path(name));
    for (let round = 0; round < 2; round += 1)
      expect(await told()).toEqual([
        'error missing segments: archived files are gone from the repository: binlog.000002, binlog.000003',
      ]);
    await expect(latest()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    expect(await verified()).toHaveLength(2);
  });

  it('says so when its newest manifest is damaged, also where no catalog knows what was behind', async () => {
    await rm(folder.path('binlog.000003'));
    await folder.put('binlog.000002.json', Buffer.from('{'));
    await rm(folder.repository.catalogPath);
    for (let round = 0; round < 2; round += 1)
      await expect(latest()).rejects.toMatchObject({ code: 'REPOSITORY_UNREADABLE' });
  });

  it('says so when the whole lineage is gone', async () => {
    await rm(folder.path(''), { recursive: true });
    for (let round = 0; round < 2; round += 1)
      expect(await told()).toEqual([
        'error missing segments: archived files are gone from the repository: binlog.000001, binlog.000002, binlog.000003',
      ]);
    expect(await verified()).toEqual([
      'missing segment: the lineage is not there, though the catalog has what was archived of it: binlog.000001 to binlog.000003',
    ]);
  });

  it('still knows the incident that is lost, and why it cannot be planned', async () => {
    const incident = await read(({ catalog }) => catalog.incidents()[0]?.id ?? '');
    await truncate(folder.path('binlog.000003'), middle);
    expect(await read(({ catalog }) => catalog.incidents().map(({ id }) => id))).toEqual([incident]);
    const plan = read(async (archive) => makePlan(archive, { kind: 'before-incident', incident }));
    await expect(plan).rejects.toMatchObject({ hint: expect.stringContaining('Archived bytes are lost') as string });
  });

  it('has nothing to say any more when the bytes are there again', async () => {
    const before = await read(({ catalog }) => catalog.dump());
    const bytes = await folder.read('binlog.000003');
    await truncate(folder.path('binlog.000003'), middle);
    await rename(folder.path('binlog.000002'), join(folder.repository.path, 'aside'));
    expect(await told()).toHaveLength(2);
    await folder.put('binlog.000003', bytes);
    await rename(join(folder.repository.path, 'aside'), folder.path('binlog.000002'));
    expect(await told()).toEqual([]);
    expect(await verified()).toEqual([]);
    expect(await read(({ catalog }) => catalog.dump())).toEqual(before);
  });
});

describe('a repository whose records are gone', () => {
  it('cannot be read, which is not to be empty', async () => {
    await rm(folder.path('lineage.json'));
    const error = { code: 'REPOSITORY_UNREADABLE', message: expect.stringContaining('though segments are') as string };
    await expect(latest()).rejects.toMatchObject(error);
    await expect(folder.repository.lineages()).rejects.toMatchObject(error);
  });

  it('is refused, and not gone round for ever, when lineages come after one another (archive, plan, status)', async () => {
    const other = { ...folder.lineage, id: 'shop-other', parent: folder.lineage.id };
    await folder.repository.writeLineage(other);
    await folder.repository.writeLineage({ ...folder.lineage, parent: other.id });
    await expect(latest()).rejects.toMatchObject({
      code: 'ARCHIVE_DAMAGED',
      message: expect.stringContaining('comes after itself') as string,
    });
    expect(await verified()).toContain('lineage: by its parents the lineage comes after itself');
    await rm(join(folder.repository.path, 'lineages', 'shop-other'), { recursive: true });
    await folder.repository.writeLineage({ ...folder.lineage, parent: folder.lineage.id });
    await expect(folder.repository.lineages()).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('is not made anew over its lineages', async () => {
    const { path } = folder.repository;
    await rm(join(path, 'repository.json'));
    const error = { code: 'REPOSITORY_UNREADABLE', message: expect.stringContaining('though lineages are') as string };
    await expect(openRepository(path)).rejects.toMatchObject(error);
    await expect(openRepository(path, { create: true })).rejects.toMatchObject(error);
    expect(await verified()).toEqual(['record: it is not there']);
  });
});
