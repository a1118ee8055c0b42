import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { examineBackup } from '../../../src/recovery/examine-backup.ts';
import { aBackup, inMemoryLog } from '../../support/in-memory-log.ts';

const LOG = inMemoryLog([
  [1, 2, 3].map((n) => ({ gtid: `0-1-${n}`, at: n })),
  [4, 5, 6].map((n) => ({ gtid: `0-1-${n}`, at: n })),
]);

/** The folder of a backup without files is not looked at. */
const NO_FILES = '/no/such/folder';

async function why(...backup: Parameters<typeof aBackup>): Promise<string | null> {
  return (await examineBackup([LOG], aBackup(...backup), NO_FILES)).why;
}

describe('examineBackup', () => {
  it('accepts a backup whose GTIDs are those of the archive at its coordinates, and counts what is before it', async () => {
    const result = await examineBackup([LOG], aBackup('binlog.000001:456', { gtid: '0-1-2' }), NO_FILES);
    expect(result).toMatchObject({ why: null, groupsBefore: 2 });
  });

  it('accepts a backup of a replica that follows another primary too', async () => {
    expect(await why('binlog.000001:456', { gtid: '0-1-2,7-9-100' })).toBeNull();
  });

  it("refuses coordinates that are of another server's log", async () => {
    expect(await why('binlog.000001:456', { gtid: '0-1-3' })).toBe(
      'at binlog.000001:456 the backup has GTID 0-1-3, the archive 0-1-2',
    );
  });

  it('refuses coordinates inside a group', async () => {
    expect(await why('binlog.000001:400')).toBe('binlog.000001:400 is inside a transaction group (356 to 456)');
  });

  it('refuses what the archive does not cover, and says on which side', async () => {
    expect(await why('binlog.000002:900')).toBe('the archive does not reach binlog.000002:900 yet');
    expect(await why('binlog.000007:4')).toBe('the archive does not reach binlog.000007:4 yet');
    const later = inMemoryLog([[{ at: 0 }]], { firstNumber: 5 });
    const { why: reason } = await examineBackup([later], aBackup('binlog.000003:256'), NO_FILES);
    expect(reason).toBe('the archive does not have binlog.000003:256');
  });

  it('refuses a backup of no known lineage', async () => {
    expect(await why('binlog.000001:456', { lineage: null })).toBe(
      'it was taken before its primary was archived: nothing ties its coordinates to a lineage',
    );
    expect(await why('binlog.000001:456', { lineage: 'shop-0000' })).toBe('lineage shop-0000 is not in the archive');
  });

  it.each<[string, Record<string, string>, string | null]>([
    ['accepts files of the recorded size', { 'a.sql.zst': 'abc', 'b.sql.zst': '' }, null],
    ['refuses a missing file', { 'a.sql.zst': 'abc' }, 'its file b.sql.zst is missing'],
    ['refuses a shorter file', { 'a.sql.zst': 'ab', 'b.sql.zst': '' }, 'its file a.sql.zst has 2 bytes instead of 3'],
  ])('%s', async (_, stored, reason) => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    for (const [name, content] of Object.entries(stored)) await writeFile(join(folder.path, name), content);
    const files = Object.entries({ 'a.sql.zst': 3, 'b.sql.zst': 0 }).map(([name, bytes]) => ({
      name,
      bytes,
      sha256: '',
    }));
    const record = { ...aBackup('binlog.000001:456', { gtid: '0-1-2' }), files };
    expect((await examineBackup([LOG], record, folder.path)).why).toBe(reason);
  });

  describe('of MySQL', () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const own = '4e11fa47-71ca-11e1-9e33-c80aa9429562';
    const log = inMemoryLog([[1, 2, 3, 4].map((n) => ({ gtid: `${uuid}:${n}`, at: n }))], { flavor: 'mysql' });
    const reason = async (gtid: string): Promise<string | null> =>
      (await examineBackup([log], aBackup('binlog.000001:456', { gtid }), NO_FILES)).why;

    it('accepts the GTIDs of the replica itself on top', async () => {
      expect(await reason(`${uuid}:1-2,${own}:1-7`)).toBeNull();
    });

    it('refuses a backup that lacks what the log had', async () => {
      expect(await reason(`${uuid}:1`)).toContain(`the archive has GTIDs that the backup lacks: ${uuid}:2`);
    });

    it('refuses a backup that has what the log got later: it would be applied twice', async () => {
      expect(await reason(`${uuid}:1-3`)).toContain(
        `the backup already has GTIDs that come later in the archive: ${uuid}:3`,
      );
    });
  });
});
