import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/archive/ledger.ts';
import { lossFindings, type LossContext } from '../../../src/operations/losses.ts';

const FACTS = {
  lineage: 'shop-1a2b',
  from: 'binlog.000005:900',
  to: 'binlog.000008:4',
  why: 'because',
  noticedAt: '2026-11-22T10:00:00.000Z',
};
const GAP: LedgerEntry = { ...FACTS, kind: 'gap' };
const BREAK: LedgerEntry = { ...FACTS, kind: 'break', child: 'shop-3c4d', to: 'binlog.000001:4' };
const STRANDED: LedgerEntry = {
  ...FACTS,
  kind: 'stranded',
  child: 'shop-3c4d',
  groups: 2,
  firstGtid: '0-1-5',
  lastGtid: '0-1-6',
};
const INCIDENT: LedgerEntry = { ...FACTS, kind: 'source-incident', why: 'the source reports an incident' };

type Backup = LossContext['backups'][number];

function backup(lineage: string | null, finishedAt: string): Backup {
  return { id: 'b1', finishedAt, primary: { lineage } };
}

function tell(loss: LedgerEntry, ...backups: Backup[]): string[] {
  const lineages = ['shop-1a2b', 'shop-3c4d', 'shop-5e6f'].map((id) => ({ id }));
  return lossFindings({ losses: [loss], lineages, backups }).map(({ severity, check, object, found }) => {
    return `${severity} ${check} ${object ?? ''}: ${found}`;
  });
}

describe('what is told of a loss (peers 12: dbtrail #1079)', () => {
  it.each([
    [GAP, 'error gap shop-1a2b: everything from binlog.000005:900 to binlog.000008:4 is missing for good: because'],
    [
      BREAK,
      'error break shop-1a2b: its history ends at binlog.000005:900; shop-3c4d begins anew at binlog.000001:4: because',
    ],
    [
      STRANDED,
      'warning stranded shop-1a2b: 2 transactions (0-1-5 to 0-1-6) from binlog.000005:900 to binlog.000008:4 reached only the old primary, not shop-3c4d: because',
    ],
    [INCIDENT, 'error source-incident shop-1a2b: at binlog.000005:900 the source reports an incident'],
    [
      { ...GAP, kind: 'eaten-by-mice' } as unknown as LedgerEntry,
      "error eaten-by-mice shop-1a2b: a loss of kind 'eaten-by-mice' from binlog.000005:900 to binlog.000008:4: because",
    ],
  ])('%j', (loss, expected) => {
    expect(tell(loss)).toEqual([expected]);
    expect(tell(loss, backup('shop-1a2b', '2026-11-22T09:00:00Z'))).toEqual([expected]);
  });

  it.each([GAP, BREAK, STRANDED, INCIDENT])('stays as information once a backup was taken since: %j', (loss) => {
    expect(tell(loss, backup('shop-1a2b', '2026-11-22T11:00:00Z'))[0]).toMatch(/^info /);
  });

  it('is behind a backup of the lineage that followed, also when it was noticed only later', () => {
    const early = '2026-11-22T09:00:00Z';
    expect(tell(BREAK, backup('shop-3c4d', early))[0]).toMatch(/^info /);
    expect(tell(BREAK, backup('shop-5e6f', early))[0]).toMatch(/^info /);
    expect(tell(BREAK, backup(null, early))[0]).toMatch(/^error /);
    const lineages = [{ id: 'shop-1a2b' }, { id: 'shop-3c4d' }];
    const [finding] = lossFindings({ losses: [BREAK], lineages, backups: [backup('shop-3c4d', early)] });
    expect(finding?.fix).toBe(
      'Nothing to do: backup b1 stands in lineage shop-3c4d, behind it. Only restores that start before it meet this place.',
    );
  });

  it('names the command that writes stranded transactions out', () => {
    const [finding] = lossFindings({ losses: [STRANDED], lineages: [], backups: [] });
    expect(finding?.fix).toContain(
      '`lastgood export --lineage shop-1a2b --from binlog.000005:900 --to binlog.000008:4 --out DIR`',
    );
  });
});
