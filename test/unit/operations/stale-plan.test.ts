import { access, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { writeRecord } from '../../../src/archive/repository.ts';
import { openCatalog } from '../../../src/catalog/catalog.ts';
import { readPlanFile } from '../../../src/cli/plan-file.ts';
import { openArchive } from '../../../src/operations/open-archive.ts';
import { makePlan } from '../../../src/operations/plan.ts';
import { makeDirectory } from '../../../src/platform/durable-file.ts';
import { checkPlan } from '../../../src/recovery/check-plan.ts';
import type { Plan } from '../../../src/recovery/plan.ts';
import { runPlan } from '../../../src/recovery/restore.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, rotate } from '../../support/binlog-builder.ts';
import { aBackup } from '../../support/in-memory-log.ts';

let folder: ArchiveFolder;
let plan: Plan;

const backupFolder = (): string => folder.repository.backupFolder('b1');
const dump = { name: 'dump.sql.zst', bytes: 5, sha256: 'no restore comes as far as to read it' };

/** A file of the source with one group; all but the last that is archived end with a ROTATE. */
function fileOf(number: number, options: { time?: number } = {}): BinlogBuilder {
  const gtid = `0-101-${number}`;
  return new BinlogBuilder(options)
    .between(gtidList(number === 1 ? '' : `0-101-${number - 1}`))
    .group([mariadbGtid(gtid, { standalone: true }), query('create table t (id int)')], { gtid, ending: 'statement' });
}

async function archive(file: string, builder: BinlogBuilder, from = 4): Promise<void> {
  using catalog = openCatalog(folder.repository.catalogPath);
  const onDurable = (update: Parameters<typeof catalog.record>[1]): void => {
    catalog.record(folder.lineage, update);
  };
  const { writer } = folder.writer(await folder.end(), { onDurable });
  if (from === 4) writer.rotate(file, 4);
  writer.append(builder.bytes, from, builder.bytes.length);
  await writer.finish();
}

async function planLatest(): Promise<Plan> {
  using opened = await openArchive(folder.repository.path, { log: silentLog });
  return await makePlan(opened, { kind: 'latest' });
}

beforeEach(async () => {
  folder = await archiveFolder();
  for (const number of [1, 2]) {
    const builder = fileOf(number).between(rotate(`binlog.00000${number + 1}`));
    await archive(`binlog.00000${number}`, builder);
  }
  await archive('binlog.000003', fileOf(3));
  await makeDirectory(backupFolder());
  const start = new BinlogBuilder().between(gtidList('')).size;
  const record = { ...aBackup(`binlog.000001:${start}`, { id: 'b1', gtid: '' }), files: [dump] };
  await writeRecord(join(backupFolder(), 'backup.json'), record);
  await writeFile(join(backupFolder(), dump.name), '12345');
  plan = await planLatest();
});

afterEach(async () => {
  await folder[Symbol.asyncDispose]();
});

describe('a plan kept in a file', () => {
  const path = (): string => join(folder.repository.path, '..', 'plan.json');
  const save = async (content: unknown): Promise<void> => {
    await writeFile(path(), typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  };

  it('is read as it was printed, also with what is no part of it', async () => {
    await save({ ...plan, datadir: { path: '/srv/restored', freeBytes: 1 } });
    expect(await readPlanFile(path())).toMatchObject({ ...plan });
  });

  it.each([
    { of: 'another range', change: (made: Plan) => ({ ...made, segments: made.segments.slice(1) }) },
    { of: 'another backup', change: (made: Plan) => ({ ...made, backup: { ...made.backup, id: 'b2' } }) },
    { of: 'other groups', change: (made: Plan) => ({ ...made, groups: made.groups + 1 }) },
    { of: 'less room', change: (made: Plan) => ({ ...made, diskBytes: 0 }) },
    { of: 'another aim', change: (made: Plan) => ({ ...made, target: { ...made.target, kind: 'at' } }) },
    {
      of: 'something else left out',
      change: (made: Plan) => ({ ...made, skipped: [{ id: 'inc-1', file: 'binlog.000001', start: 4, end: 5 }] }),
    },
  ])('is refused with $of than it was made with', async ({ change }) => {
    await save(change(plan));
    await expect(readPlanFile(path())).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      message: `'${path()}' cannot be run as a plan: it was changed after the plan was made`,
    });
  });

  it.each([
    { what: 'no JSON', content: '{', why: /: it is no JSON at position 1$/ },
    {
      what: 'a password, which it does not show',
      content: 'secret\n',
      why: /^'[^']*' cannot be run as a plan: it is no JSON$/,
    },
    { what: 'something else', content: { error: {} }, why: /: it has no plan's target$/ },
    { what: 'less than a plan', content: { of: 'plan', without: 'segments' }, why: /: it has no plan's segments$/ },
  ])('is refused when it holds $what', async ({ content, why }) => {
    const { segments, ...rest } = plan;
    expect(segments).not.toEqual([]);
    await save(typeof content === 'object' && 'without' in content ? rest : content);
    await expect(readPlanFile(path())).rejects.toMatchObject({
      code: 'PLAN_INVALID',
      message: expect.stringMatching(why) as unknown,
    });
  });

  it('is refused when it cannot be read', async () => {
    await expect(readPlanFile(path())).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: `--plan: cannot read '${path()}'`,
    });
  });
});

describe('a plan', () => {
  it('is not made stale by what is archived behind it, nor by the sealing of its last file', async () => {
    expect(plan.reliesOn.files.map(({ file, sha256 }) => [file, sha256 === null])).toEqual([
      ['binlog.000001', false],
      ['binlog.000002', false],
      ['binlog.000003', true],
    ]);
    const grown = fileOf(3).between(rotate('binlog.000004'));
    await archive('binlog.000003', grown, fileOf(3).size);
    await archive('binlog.000004', fileOf(4));
    expect((await folder.segments()).map(({ state }) => state)).toEqual(['sealed', 'sealed', 'sealed', 'open']);
    await expect(checkPlan(folder.repository, plan)).resolves.toBeUndefined();
    expect((await planLatest()).fingerprint).not.toBe(plan.fingerprint);
  });

  it('is the same when it is made again', async () => {
    expect(await planLatest()).toEqual(plan);
  });

  it.each([
    {
      what: 'its backup is pruned',
      spoil: () => rm(backupFolder(), { recursive: true }),
      code: 'BACKUP_MISSING',
      message: 'backup b1 of the plan is not in the repository any more',
    },
    {
      what: 'a file of its backup is cut',
      spoil: () => truncate(join(backupFolder(), dump.name), 2),
      code: 'BACKUP_MISSING',
      message: 'backup b1 is not whole any more: its file dump.sql.zst has 2 bytes instead of 5',
    },
    {
      what: 'its backup is another one',
      spoil: () =>
        writeRecord(join(backupFolder(), 'backup.json'), { ...plan.backup, files: [{ ...dump, sha256: 'another' }] }),
      code: 'BACKUP_MISSING',
      message: 'backup b1 is another one than when the plan was made',
    },
    {
      what: 'a segment is pruned',
      spoil: async () => {
        await rm(folder.path('binlog.000002.json'));
        await rm(folder.path('binlog.000002'), { force: true });
        await rm(folder.path('binlog.000002.zst'), { force: true });
      },
      code: 'ARCHIVE_GAP',
      message: 'binlog.000002 of lineage shop-1a2b is not in the archive any more',
    },
    {
      what: 'another segment is under the name',
      spoil: async () => {
        const manifest = JSON.parse(await readFile(folder.path('binlog.000002.json'), 'utf8')) as object;
        await writeRecord(folder.path('binlog.000002.json'), { ...manifest, sha256: '00' });
      },
      code: 'ARCHIVE_DAMAGED',
      message: 'binlog.000002 of lineage shop-1a2b is not the file that it was when the plan was made',
    },
    {
      what: 'the open file was cut',
      spoil: () => truncate(folder.path('binlog.000003'), 200),
      code: 'ARCHIVE_DAMAGED',
      message: /^binlog.000003 of lineage shop-1a2b has 200 bytes, the plan needs it up to \d+$/,
    },
    {
      what: 'the open file is another one of its name',
      spoil: () => writeFile(folder.path('binlog.000003'), fileOf(3, { time: 1_700_000_000 }).bytes),
      code: 'ARCHIVE_DAMAGED',
      message: 'binlog.000003 of lineage shop-1a2b is not the file that it was when the plan was made',
    },
  ])('does not run when $what, and nothing is written', async ({ spoil, code, message }) => {
    await spoil();
    const datadir = join(folder.repository.path, '..', 'restored');
    const { repository } = folder;
    const into = { kind: 'scratch', datadir } as const;
    const run = runPlan({ plan, repository, into, incident: null, reference: null, log: silentLog });
    await expect(run).rejects.toMatchObject({
      code,
      message: typeof message === 'string' ? message : (expect.stringMatching(message) as unknown),
      hint: expect.stringContaining('with `lastgood plan`: another backup may still reach the target.') as unknown,
    });
    await expect(access(datadir)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
