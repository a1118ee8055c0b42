import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/archive/ledger.ts';
import type { Lineage } from '../../../src/archive/lineage.ts';
import { verifyLedgerAgainst } from '../../../src/operations/verify/ledger-lineages.ts';
import { aLineage } from '../../support/in-memory-log.ts';

const FACTS = { lineage: 'shop-a', from: 'binlog.000005:900', to: 'binlog.000005:990', why: 'because', noticedAt: '' };
const CHILD = { ...FACTS, child: 'shop-b' };
const BREAK: LedgerEntry = { ...CHILD, kind: 'break' };
const GAP: LedgerEntry = { ...FACTS, kind: 'gap' };
const STRANDED: LedgerEntry = { ...CHILD, kind: 'stranded', groups: 2, firstGtid: null, lastGtid: null };
const OTHER: LedgerEntry = { ...BREAK, lineage: 'shop-z' };

const CUT_OFF: Lineage = { ...aLineage({ id: 'shop-b' }), parent: 'shop-a' };

function handedOver(stranded: number, position = 900): Lineage {
  const parent = { file: 'binlog.000005', position };
  return {
    ...CUT_OFF,
    handOver: { gtidState: '0-1-9', parent, child: { file: 'binlog.000001', position: 4 }, stranded },
  };
}

function found(lineage: Lineage, ...entries: LedgerEntry[]): string[] {
  const repository = { path: '/repo', lineageFolder: (id: string) => `/repo/lineages/${id}` };
  return verifyLedgerAgainst(repository, [aLineage({ id: 'shop-a' }), lineage], entries).map(({ check }) => check);
}

describe('a ledger and the lineages that it is about', () => {
  it('say the same after a break, a gap and a hand-over', () => {
    expect(found(CUT_OFF, BREAK)).toEqual([]);
    expect(found(CUT_OFF, GAP)).toEqual([]);
    expect(found(handedOver(2), STRANDED)).toEqual([]);
    expect(found(handedOver(0))).toEqual([]);
    expect(found(aLineage({ id: 'shop-b' }))).toEqual([]);
  });

  it('are found to differ when an entry was taken out', () => {
    expect(found(CUT_OFF)).toEqual(['ledger']);
    expect(found(handedOver(2))).toEqual(['ledger']);
  });

  it.each([
    ['fewer stranded groups', handedOver(0), STRANDED],
    ['an earlier hand-over', handedOver(2, 800), STRANDED],
    ['no hand-over', CUT_OFF, STRANDED],
    ['a hand-over over a break', handedOver(0), BREAK],
    ['another parent', CUT_OFF, OTHER],
    ['no parent', aLineage({ id: 'shop-b' }), BREAK],
  ])('are found to differ when the lineage has %s', (_what, lineage, entry) => {
    expect(found(lineage, entry)).toEqual(['lineage']);
  });
});
