import { describe, expect, it } from 'vitest';
import { listSegments } from '../../../src/operations/lists.ts';
import { openArchive, type OpenArchive } from '../../../src/operations/open-archive.ts';
import { formatSeconds } from '../../../src/platform/time.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, mariadbGtid, query, rotate } from '../../support/binlog-builder.ts';

const HOUR = 3600;
const TEN = Date.UTC(2026, 10, 22, 10) / 1000;

/** Files of one group each, an hour apart; the builder's group comes a second after its file. */
async function threeFiles(): Promise<ArchiveFolder> {
  const folder = await archiveFolder();
  const { writer } = folder.writer(await folder.end());
  for (const index of [0, 1, 2]) {
    const gtid = `0-101-${index + 1}`;
    const { bytes } = new BinlogBuilder({ time: TEN + index * HOUR })
      .between(gtidList(index === 0 ? '' : `0-101-${index}`))
      .group([mariadbGtid(gtid, { standalone: true }), query('drop table t')], { gtid, ending: 'statement' })
      .between(rotate(`binlog.00000${index + 2}`));
    writer.rotate(`binlog.00000${index + 1}`, 4);
    writer.append(bytes, 4, bytes.length);
  }
  await writer.finish();
  return folder;
}

async function opened({ repository }: ArchiveFolder): Promise<OpenArchive> {
  return await openArchive(repository.path, { log: silentLog });
}

describe('listSegments', () => {
  it('gives the files in the order of the log, sealed and open', async () => {
    await using folder = await threeFiles();
    using archive = await opened(folder);
    const listed = await listSegments(archive);
    expect(listed.map(({ file, state, groups }) => [file, state, groups])).toEqual([
      ['binlog.000001', 'sealed', 1],
      ['binlog.000002', 'sealed', 1],
      ['binlog.000003', 'open', 1],
    ]);
    expect(listed[0]?.sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(listed[2]?.sha256).toBeNull();
    expect(listed.map(({ from, to }) => [from, to])).toEqual(
      [0, 1, 2].map((index) => {
        const time = formatSeconds(TEN + index * HOUR + 1);
        return [time, time];
      }),
    );
  });

  it('gives only files with a transaction of the time asked for, or later', async () => {
    await using folder = await threeFiles();
    using archive = await opened(folder);
    const [, second] = await listSegments(archive);
    const time = second?.last?.time ?? '';
    const since = async (text: string): Promise<string[]> =>
      (await listSegments(archive, { since: text })).map(({ file }) => file);
    expect(await since(time)).toEqual(['binlog.000002', 'binlog.000003']);
    expect(await since(formatSeconds(Date.parse(time) / 1000 + 1))).toEqual(['binlog.000003']);
    expect(await since('2027-01-01T00:00:00+05:30')).toEqual([]);
    await expect(listSegments(archive, { since: '2026-11-22 10:00' })).rejects.toMatchObject({ code: 'TIME_INVALID' });
  });

  it('gives one lineage, and refuses one that is not archived', async () => {
    await using folder = await threeFiles();
    using archive = await opened(folder);
    expect(await listSegments(archive, { lineage: folder.lineage.id })).toHaveLength(3);
    await expect(listSegments(archive, { lineage: 'shop-other' })).rejects.toMatchObject({
      code: 'TARGET_UNREACHABLE',
      message: "there is no lineage 'shop-other'",
    });
  });
});
