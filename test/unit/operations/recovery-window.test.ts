import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/archive/ledger.ts';
import { findWindow } from '../../../src/operations/recovery-window.ts';
import { examineBackup, type BackupExamination } from '../../../src/recovery/examine-backup.ts';
import { aBackup, inMemoryLog, TEN_O_CLOCK, type InMemoryLog } from '../../support/in-memory-log.ts';
import { lineageTree, type LineageTree } from '../../support/lineage-tree.ts';

/** shop-1 wrote five groups, shop-2 took over and wrote three; shop-1 still wrote two that nobody else has. */
function failover(): LineageTree {
  return lineageTree([
    { domains: [0, 0, 0, 0, 0], flushes: [3], overlap: 0, stranded: 2 },
    { domains: [0, 0, 0], flushes: [], overlap: 2, stranded: 0 },
  ]);
}

const BEFORE = { lineage: 'shop-1', id: 'before', coordinates: 'binlog.000001:456', gtid: '0-1-2' };
const STRANDED = { lineage: 'shop-1', id: 'stranded', coordinates: 'binlog.000002:556', gtid: '0-1-6' };
const AFTER = { lineage: 'shop-2', id: 'after', coordinates: 'binlog.000001:556', gtid: '0-2-6' };

async function windowOf(
  views: readonly InMemoryLog[],
  backups: readonly (typeof BEFORE)[],
  losses: readonly LedgerEntry[] = [],
) {
  const examined: BackupExamination[] = [];
  for (const { coordinates, ...more } of backups) {
    const record = aBackup(coordinates, { ...more, finishedAt: TEN_O_CLOCK + 100 });
    examined.push(...(await examineBackup(views, record, '/no/such/folder')).all);
  }
  return await findWindow(views, examined, losses);
}

describe('the recovery window', () => {
  it('begins at a backup of the old primary and ends with the newest write of the new one', async () => {
    const { window, findings } = await windowOf(failover().views, [BEFORE, AFTER]);
    expect(window).toEqual({
      from: '2026-11-22T10:00:01Z',
      fromGtid: '0-1-2',
      to: '2026-11-22T10:00:07Z',
      toGtid: '0-2-8',
    });
    expect(findings).toEqual([]);
  });

  it('does not count a backup that holds what reached only the old primary, and says why', async () => {
    const { window, findings } = await windowOf(failover().views, [STRANDED, AFTER]);
    expect(window.fromGtid).toBe('0-2-6');
    expect(findings).toMatchObject([
      {
        object: 'stranded',
        found: 'it holds writes that reached only an old primary: it cannot be brought to the present one',
      },
    ]);
  });

  it('begins behind what the ledger says is lost, whatever the archive holds (peers 11: dbtrail #765)', async () => {
    const loss = { from: 'binlog.000001:456', to: 'binlog.000001:500', why: 'lost', noticedAt: '2026-11-22T10:00:00Z' };
    const losses = [{ ...loss, kind: 'source-incident', lineage: 'shop-1' }] as const;
    expect((await windowOf(failover().views, [BEFORE, AFTER], losses)).window.fromGtid).toBe('0-2-6');
    const { window, findings } = await windowOf(failover().views, [BEFORE], losses);
    expect(window.from).toBeNull();
    expect(findings[0]).toMatchObject({
      object: 'before',
      found: expect.stringContaining('cannot be trusted: lost') as string,
    });
  });

  it('begins after a break', async () => {
    const views = failover().views.map((view) => ({ ...view, lineage: { ...view.lineage, handOver: null } }));
    expect((await windowOf(views, [BEFORE, AFTER])).window.fromGtid).toBe('0-2-6');
    const { window, findings } = await windowOf(views, [BEFORE]);
    expect(window).toEqual({ from: null, to: null, fromGtid: null, toGtid: null });
    expect(findings.map(({ found }) => found)).toEqual([
      "no backup can be restored and brought to the archive's end: only earlier targets can be reached, from backup before at shop-1/binlog.000001:456",
    ]);
    const none = await windowOf(views, []);
    expect(none.findings.map(({ found }) => found)).toEqual([
      "no backup can be restored and brought to the archive's end: nothing can be recovered",
    ]);
  });

  it('says nothing of a backup whose record names the lineage after a reset log, while it stands in the one before', async () => {
    const old = inMemoryLog([[1, 2, 3, 4, 5].map((n) => ({ gtid: `0-1-${n}`, at: n }))], {
      id: 'shop-1',
      firstNumber: 13,
    });
    const fresh = inMemoryLog([[6, 7].map((n) => ({ gtid: `0-1-${n}`, at: n + 10 }))], { id: 'shop-2' });
    const views = [{ ...fresh, lineage: { ...fresh.lineage, parent: 'shop-1' } }, old];
    const misnamed = { lineage: 'shop-2', id: 'misnamed', coordinates: 'binlog.000013:456', gtid: '0-1-2' };
    const good = { lineage: 'shop-2', id: 'good', coordinates: 'binlog.000001:356', gtid: '0-1-6' };
    const { window, findings } = await windowOf(views, [misnamed, good]);
    expect(window.fromGtid).toBe('0-1-6');
    expect(findings).toEqual([]);
    const alone = await windowOf(views, [misnamed]);
    expect(alone.window.from).toBeNull();
    expect(alone.findings).toMatchObject([
      { check: 'recovery window', found: expect.stringContaining('misnamed at shop-1/binlog.000013:456') as string },
    ]);
    const ahead = { ...misnamed, coordinates: 'binlog.000014:456' };
    expect((await windowOf(views, [ahead, good])).findings).toMatchObject([
      { object: 'misnamed', found: 'the archive does not reach binlog.000014:456 yet' },
    ]);
  });

  it('is closed without an archive', async () => {
    const { findings } = await windowOf([], [BEFORE]);
    expect(findings.map(({ found }) => found)).toEqual(['nothing is archived yet: nothing can be recovered']);
  });
});
