import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../../src/archive/backup-record.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { examineBackup, type BackupExamination } from '../../../src/recovery/examine-backup.ts';
import type { LineageView } from '../../../src/recovery/lineage-view.ts';
import { aBackup, inMemoryLog, TEN_O_CLOCK } from '../../support/in-memory-log.ts';

const LOG = inMemoryLog([
  [1, 2, 3].map((n) => ({ gtid: `0-1-${n}`, at: n })),
  [4, 5, 6].map((n) => ({ gtid: `0-1-${n}`, at: n })),
]);

/** The folder of a backup without files is not looked at. */
const NO_FILES = '/no/such/folder';

async function examine(...look: Parameters<typeof examineBackup>): Promise<BackupExamination> {
  return (await examineBackup(...look)).main;
}

async function why(...backup: Parameters<typeof aBackup>): Promise<string | null> {
  return (await examine([LOG], aBackup(...backup), NO_FILES)).why;
}

describe('examineBackup', () => {
  it('accepts a backup whose GTIDs are those of the archive at its coordinates, and counts what is before it', async () => {
    const result = await examine([LOG], aBackup('binlog.000001:456', { gtid: '0-1-2' }), NO_FILES);
    expect(result).toMatchObject({ why: null, groupsBefore: 2 });
  });

  it('accepts a backup of a replica that follows another primary too (peers 3: PXCO PR #2493)', async () => {
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
    const { why: reason } = await examine([later], aBackup('binlog.000003:256'), NO_FILES);
    expect(reason).toBe('the archive does not have binlog.000003:256');
  });

  it('does not promise that a lineage which is closed will reach a backup', async () => {
    const next = inMemoryLog([[{ at: 0 }]], { id: 'shop-2' });
    const views = [{ ...next, lineage: { ...next.lineage, parent: LOG.lineage.id } }, LOG];
    const { why: reason } = await examine(views, aBackup('binlog.000002:900'), NO_FILES);
    expect(reason).toBe(
      `the archive of lineage ${LOG.lineage.id} ends before binlog.000002:900: it is closed, shop-2 follows it`,
    );
  });

  it('warns of a domain of the log that the backup has nothing of: its replica may ignore it', async () => {
    const log = inMemoryLog([['0-1-1', '5-1-1', '0-1-2'].map((gtid, at) => ({ gtid, at }))]);
    const result = await examine([log], aBackup('binlog.000001:556', { gtid: '0-1-2', id: 'b1' }), NO_FILES);
    expect(result).toMatchObject({ why: null, neighbours: { gtidState: '0-1-2,5-1-1' } });
    expect(result.warnings).toEqual([
      'backup b1 has no GTIDs of domains that the log has (5-1-1): if its replica ignores them, the restore lacks their older writes',
    ]);
    const whole = await examine([log], aBackup('binlog.000001:556', { gtid: '0-1-2,5-1-1' }), NO_FILES);
    expect(whole.warnings).toEqual([]);
  });

  it('finds the lineage of a backup that was taken before its server was archived, by its GTIDs', async () => {
    const unknown = { lineage: null, gtid: '0-1-2', finishedAt: TEN_O_CLOCK + 60 };
    const result = await examine([LOG], aBackup('binlog.000001:456', unknown), NO_FILES);
    expect(result).toMatchObject({ why: null, groupsBefore: 2, record: { primary: { lineage: 'shop-1a2b' } } });
    for (const other of [
      { gtid: '0-1-3' },
      { gtid: '7-1-2' },
      { gtid: '' },
      { gtid: null },
      { finishedAt: TEN_O_CLOCK - 60 },
    ]) {
      expect(await why('binlog.000001:456', { ...unknown, ...other })).toBe(
        'it was taken before its primary was archived: nothing ties its coordinates to a lineage',
      );
    }
    const otherServer = { ...LOG, lineage: { ...LOG.lineage, serverId: 9 } };
    expect((await examine([otherServer], aBackup('binlog.000001:456', unknown), NO_FILES)).why).not.toBeNull();
  });

  it('finds the newer lineage of a server whose file names came back (peers 24: mariadb-operator #1815)', async () => {
    const first = { ...LOG, lineage: { ...LOG.lineage, id: 'shop-first' } };
    const again = inMemoryLog([[7, 8, 9].map((n) => ({ gtid: `0-1-${n}`, at: n }))], {
      id: 'shop-again',
      gtidStart: '0-2-6',
    });
    const lineageOf = async (gtid: string, change: Partial<LineageView['lineage']> = {}): Promise<string | null> => {
      const recorded = { gtid, lineage: 'shop-first', finishedAt: TEN_O_CLOCK + 60 };
      const views = [{ ...again, lineage: { ...again.lineage, ...change } }, first];
      return (await examine(views, aBackup('binlog.000001:456', recorded), NO_FILES)).record.primary.lineage;
    };
    expect(await lineageOf('0-1-8')).toBe('shop-again');
    expect(await lineageOf('0-1-2')).toBe('shop-first');
    expect(await lineageOf('0-1-8', { serverId: 2 })).toBe('shop-first');
  });

  it('finds a backup in each lineage that holds its file: its own log was archived anew', async () => {
    const anew = { ...LOG, lineage: { ...LOG.lineage, id: 'shop-anew', parent: 'shop-other' } };
    const record = aBackup('binlog.000001:456', { gtid: '0-1-2', finishedAt: TEN_O_CLOCK + 60 });
    const lineagesOf = async (change: Partial<BackupRecord['primary']>, views: LineageView[] = [anew, LOG]) => {
      const changed = { ...record, primary: { ...record.primary, ...change } };
      const { main, all } = await examineBackup(views, changed, NO_FILES);
      return [main.record, ...all.map((one) => one.record)].map(({ primary }) => primary.lineage);
    };
    expect(await lineagesOf({})).toEqual(['shop-1a2b', 'shop-1a2b', 'shop-anew']);
    expect(await lineagesOf({ lineage: 'shop-anew' })).toEqual(['shop-anew', 'shop-anew', 'shop-1a2b']);
    // Not by its names alone: the archive there has other GTIDs, or none are known, or the file is an older one.
    const other = inMemoryLog([[7, 8, 9].map((n) => ({ gtid: `0-1-${n}`, at: n }))], { id: 'shop-other' });
    expect(await lineagesOf({}, [other, LOG])).toEqual(['shop-1a2b', 'shop-1a2b']);
    expect(await lineagesOf({ gtid: null })).toEqual(['shop-1a2b', 'shop-1a2b']);
    const opened = anew.segments.map((segment) => ({
      ...segment,
      digest: { ...segment.digest, openedAt: segment.digest.openedAt - 1 },
    }));
    expect(await lineagesOf({}, [{ ...anew, segments: opened }, LOG])).toEqual(['shop-1a2b', 'shop-1a2b']);
  });

  it('leaves a backup with the lineage that wrote its place, not with one that only repeats it', async () => {
    const child = { file: 'binlog.000001', position: 556 };
    const handOver = { gtidState: '0-1-3', parent: child, child, stranded: 0 };
    const shortened = { ...LOG, lineage: { ...LOG.lineage, id: 'shop-shortened', parent: 'shop-1a2b', handOver } };
    const record = aBackup('binlog.000001:456', { gtid: '0-1-2', finishedAt: TEN_O_CLOCK + 60 });
    expect((await examine([shortened, LOG], record, NO_FILES)).record.primary.lineage).toBe('shop-1a2b');
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
    expect((await examine([LOG], record, folder.path)).why).toBe(reason);
  });

  describe('of MySQL', () => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
    const own = '4e11fa47-71ca-11e1-9e33-c80aa9429562';
    const log = inMemoryLog([[1, 2, 3, 4].map((n) => ({ gtid: `${uuid}:${n}`, at: n }))], { flavor: 'mysql' });
    const reason = async (gtid: string): Promise<string | null> =>
      (await examine([log], aBackup('binlog.000001:456', { gtid }), NO_FILES)).why;

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
