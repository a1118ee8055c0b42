import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeRecord } from '../../../src/archive/repository.ts';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { catchUp } from '../../../src/catalog/rebuild.ts';
import { archivedTo } from '../../../src/operations/exposure.ts';
import { listBackups } from '../../../src/operations/lists.ts';
import { openArchive, rebuildArchiveCatalog, type OpenArchive } from '../../../src/operations/open-archive.ts';
import { pinById } from '../../../src/operations/pins.ts';
import { makePlan } from '../../../src/operations/plan.ts';
import { readStatus, type Status } from '../../../src/operations/status.ts';
import { makeDirectory } from '../../../src/platform/durable-file.ts';
import { checkPlan } from '../../../src/recovery/check-plan.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, rotate } from '../../support/binlog-builder.ts';
import { aBackup } from '../../support/in-memory-log.ts';

let folder: ArchiveFolder;

const recordOf = (id: string): string => join(folder.repository.backupFolder(id), 'backup.json');
const lineageRecord = (): string => folder.path('lineage.json');

/** Two files of one group each, the second one open, and a backup before the first group under each of these ids. */
async function archiveWith(...ids: string[]): Promise<void> {
  const { writer } = folder.writer(await folder.end());
  for (const number of [1, 2]) {
    const gtid = `0-101-${number}`;
    const builder = new BinlogBuilder()
      .between(gtidList(number === 1 ? '' : '0-101-1'))
      .group([mariadbGtid(gtid, { standalone: true }), query('create table t (id int)')], {
        gtid,
        ending: 'statement',
      });
    const { bytes } = number === 1 ? builder.between(rotate('binlog.000002')) : builder;
    writer.rotate(`binlog.00000${number}`, 4);
    writer.append(bytes, 4, bytes.length);
  }
  await writer.finish();
  const start = new BinlogBuilder().between(gtidList('')).size;
  for (const id of ids) {
    await makeDirectory(folder.repository.backupFolder(id));
    await writeRecord(recordOf(id), aBackup(`binlog.000001:${start}`, { id, gtid: '' }));
  }
}

async function withArchive<T>(work: (archive: OpenArchive) => T | Promise<T>): Promise<T> {
  using archive = await openArchive(folder.repository.path, { log: silentLog });
  return await work(archive);
}

const plan = async (options: { backup?: string } = {}): Promise<Plan> =>
  await withArchive((archive) => makePlan(archive, { kind: 'latest' }, options));

/** Of a primary that does not answer: all else is told. */
const status = async (): Promise<Status> => {
  const primary = { name: 'shop', host: '127.0.0.1', port: 1, user: 'nobody', password: '', tls: 'off' } as const;
  return await withArchive((archive) => readStatus(archive, { primary }));
};

const edit = async (path: string, from: string, to: string): Promise<void> => {
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
};

beforeEach(async () => {
  folder = await archiveFolder();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a backup whose record was edited', () => {
  const why = (id: string): string => `cannot read '${recordOf(id)}': it is not as it was written`;

  beforeEach(async () => {
    await archiveWith('b1', 'b2');
    await edit(recordOf('b2'), 'binlog.000001', 'binlog.000002');
  });

  it('is listed as unusable, with why, and all that is not known of it is null', async () => {
    const [first, second] = await withArchive((archive) => listBackups(archive));
    expect(first).toMatchObject({ id: 'b1', usable: true, why: null });
    expect(second).toEqual({
      ...{ id: 'b2', method: null, tool: null, toolVersion: null, startedAt: null, finishedAt: null, bytes: null },
      replica: { server: null, coordinates: null, gtid: null },
      primary: { server: null, lineage: null, coordinates: null, gtid: null },
      ...{ usable: false, why: why('b2') },
    });
  });

  it('is passed over by a plan, which says so', async () => {
    const { backup, candidates, warnings } = await plan();
    expect(backup.id).toBe('b1');
    expect(warnings).toContain(`backup b2 was passed over: ${why('b2')}`);
    expect(candidates.map(({ backup: id, usable, chosen }) => ({ id, usable, chosen }))).toEqual([
      { id: 'b1', usable: true, chosen: true },
      { id: 'b2', usable: false, chosen: false },
    ]);
  });

  it('is told of by the status: it may be the newest', async () => {
    const { window, lastBackup, findings } = await status();
    expect(window.from).not.toBeNull();
    expect(lastBackup).toMatchObject({ id: 'b2', usable: false });
    const [found] = findings.filter(({ object }) => object === 'b2');
    expect(found).toMatchObject({ severity: 'warning', check: 'backup usable' });
    expect(found?.found).toContain(why('b2'));
    expect(found?.fix).toContain('move the folder');
  });

  it('is an error for whoever names it', async () => {
    const error = { code: 'REPOSITORY_UNREADABLE', exitCode: 10, message: why('b2') };
    await expect(plan({ backup: 'b2' })).rejects.toMatchObject(error);
    const pinning = withArchive((archive) =>
      pinById(archive, 'b2', { reason: 'ticket 4711', by: 'user', at: new Date() }),
    );
    await expect(pinning).rejects.toMatchObject(error);
    expect((await plan({ backup: 'b1' })).warnings.filter((warning) => warning.includes('b2'))).toEqual([]);
  });

  it('stops a plan that relies on it, and no other one', async () => {
    const made = await plan();
    await expect(checkPlan(folder.repository, made)).resolves.toBeUndefined();
    await edit(recordOf('b1'), '"bytes": 1000', '"bytes": 1001');
    await expect(checkPlan(folder.repository, made)).rejects.toMatchObject({
      ...{ code: 'REPOSITORY_UNREADABLE', message: why('b1') },
    });
  });

  it('is not "there is none", also when there is no other one', async () => {
    await edit(recordOf('b1'), '"bytes": 1000', '"bytes": 1001');
    const message = expect.stringMatching(`: none can be read; b1: ${why('b1')}; b2: ${why('b2')}$`) as string;
    await expect(plan()).rejects.toMatchObject({ code: 'BACKUP_MISSING', message });
    const { window, findings } = await status();
    expect(window.from).toBeNull();
    expect(findings.map(({ check }) => check)).toContain('recovery window');
  });

  it('stays in the catalog as it was, and a rebuild tells of it', async () => {
    await edit(recordOf('b2'), 'binlog.000002', 'binlog.000001');
    await withArchive(() => undefined); // now the catalog knows both
    await edit(recordOf('b2'), 'binlog.000001', 'binlog.000002');
    const ids = async (): Promise<string[]> =>
      await withArchive(({ catalog }) => catalog.backups().map(({ id }) => id));
    expect(await ids()).toEqual(['b1', 'b2']);
    expect(await rebuildArchiveCatalog(folder.repository.path, { log: silentLog })).toEqual([why('b2')]);
    expect(await ids()).toEqual(['b1']);
  });
});

describe('the record of a rehearsal that is damaged', () => {
  it('stops nothing, counts for nothing, and is told of', async () => {
    await archiveWith('b1');
    const path = join(folder.repository.path, 'rehearsals', 'r1.json');
    await writeFile(path, '{"id": "r1"');
    expect((await plan()).backup.id).toBe('b1');
    const found = (await status()).findings.filter(({ check }) => check === 'rehearsal');
    expect(found.map(({ object, found: text }) => [object, text])).toEqual([
      ['r1', expect.stringContaining(`cannot read '${path}'`) as string],
      [null, 'no rehearsal can be read'],
    ]);
  });
});

describe('the list of pins that cannot be read', () => {
  it('is an error of the status, which tells everything else', async () => {
    await archiveWith('b1');
    await mkdir(join(folder.repository.path, 'pins.jsonl'));
    const { window, findings } = await status();
    expect(window.from).not.toBeNull();
    expect(findings.find(({ check }) => check === 'pins')).toMatchObject({ severity: 'error' });
  });
});

describe('a manifest that is damaged', () => {
  const manifest = (): string => folder.path('binlog.000001.json');

  it('stops what needs its segment and nothing else, is told of, and has nothing to say once it is put back', async () => {
    await archiveWith('b1');
    const end = (): Promise<unknown> => withArchive((archive) => archive.catalog.dump());
    const [before, text] = [await end(), await readFile(manifest(), 'utf8')];
    expect((await plan()).backup.id).toBe('b1');
    await writeFile(manifest(), text.slice(0, -9));
    await expect(plan()).rejects.toMatchObject({ exitCode: 20 });
    for (let round = 0; round < 2; round += 1) {
      const { archiver, findings } = await status();
      expect(archiver.file).toBe('binlog.000002');
      expect(findings.filter(({ check }) => /manifest|segments/.test(check))).toEqual([
        {
          ...{ severity: 'error', check: 'damaged manifest', object: folder.lineage.id },
          found: expect.stringContaining(`nothing of binlog.000001 can be used: cannot read '${manifest()}'`) as string,
          fix: expect.stringContaining('put a good one from a second copy') as string,
        },
      ]);
    }
    await expect(rebuildArchiveCatalog(folder.repository.path, { log: silentLog })).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
    });
    await writeFile(manifest(), text);
    expect(await end()).toEqual(before);
    expect((await plan()).backup.id).toBe('b1');
  });
});

describe('a lineage.json that was edited', () => {
  beforeEach(async () => {
    await archiveWith('b1');
    await withArchive(() => undefined);
    await edit(lineageRecord(), '"parent": null', '"parent": "shop-9999"');
  });

  it('is believed by no list, plan or restore', async () => {
    await expect(plan()).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
      message: `cannot read '${lineageRecord()}': it is not as it was written`,
      hint: expect.stringMatching(
        /second copy.* move the folder '.*shop-1a2b' out of the repository, and keep it/,
      ) as string,
    });
  });

  it('does not stop the archiver, which goes by bytes, and says so', async () => {
    const lines: string[] = [];
    const log = pino({ level: 'error' }, { write: (line: string) => lines.push(line) });
    using catalog = openCatalog(folder.repository.catalogPath);
    await catchUp(folder.repository, catalog, { log, openSegments: 'leave' });
    expect(lines.join('')).toContain('lineage.json');
  });

  it('is none when it was only laid out anew', async () => {
    await edit(lineageRecord(), '"parent": "shop-9999"', '"parent": null');
    await writeFile(lineageRecord(), JSON.stringify(JSON.parse(await readFile(lineageRecord(), 'utf8'))));
    expect((await plan()).backup.id).toBe('b1');
  });
});

describe('where a lineage is archived to', () => {
  it('is its newest file, and each file is sealed or not', async () => {
    await archiveWith();
    await withArchive(({ catalog }) => {
      const end = archivedTo(catalog, folder.lineage);
      expect(end).toMatchObject({ file: 'binlog.000002', gtidState: '0-101-2', lineage: { id: folder.lineage.id } });
      const files = ['binlog.000001', 'binlog.000002', 'binlog.000003'];
      expect(files.map((file) => end?.isSealed(file))).toEqual([true, false, false]);
      expect(archivedTo(catalog, { ...folder.lineage, id: 'other' })).toBeNull();
    });
  });
});
