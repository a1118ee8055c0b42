import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../../src/operations/open-archive.ts';
import { planService, type Service } from '../../../src/operations/plan-service.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query } from '../../support/binlog-builder.ts';

const log = new BinlogBuilder();
for (const list of ['', '0-101-1']) log.between(gtidList(list)); // two events besides the format
const [format, first, second] = log.events;
log.group([mariadbGtid('0-101-1', { standalone: true }), query('create table t (id int)')], {
  ...{ gtid: '0-101-1', ending: 'statement' },
});
const [group] = log.groups;

let folder: ArchiveFolder;

beforeAll(async () => {
  folder = await archiveFolder();
  const { writer } = folder.writer(await folder.end());
  writer.rotate('binlog.000001', 4);
  writer.append(log.bytes, 4, log.bytes.length);
  await writer.finish();
});

afterAll(async () => {
  await folder[Symbol.asyncDispose]();
});

async function servedFrom(position: number): Promise<Service> {
  using archive = await openArchive(folder.repository.path, { log: silentLog });
  const { signal } = new AbortController();
  const aim = { name: folder.lineage.name, target: { kind: 'latest' }, skip: [], signal } as const;
  return await planService(archive, { ...aim, from: `binlog.000001:${position}` });
}

describe('what is served from a place', () => {
  it.each([
    ['the beginning of the file', format?.start],
    ['another event before the first transaction', first?.start],
    ['one more', second?.start],
    ['a transaction', group?.start],
    ['the end of what is archived', log.size],
  ])('begins there, at %s', async (_, position = 0) => {
    expect((await servedFrom(position)).from).toMatchObject({ file: 'binlog.000001', position });
  });

  it.each([
    ['the format', 5],
    ['an event before the first transaction', (first?.start ?? 0) + 1],
    ['the last of them', (group?.start ?? 0) - 1],
  ])('is refused in the middle of %s', async (_, position) => {
    await expect(servedFrom(position)).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: `no event begins at --from binlog.000001:${position}`,
      hint: `Use --from binlog.000001:${group?.start}, where the next transaction begins, or --from binlog.000001:4, the beginning of the file.`,
    });
  });
});
