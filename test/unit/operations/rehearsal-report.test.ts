import { describe, expect, it } from 'vitest';
import { reportText, type RehearsalOutcome } from '../../../src/operations/rehearsal-report.ts';

const outcome = {
  plan: {
    target: { resolved: { file: 'binlog.000003', position: 900, gtid: '0-1-12', between: 'after 0-1-12, the last' } },
    backup: { id: '20261122-100000-3f9a', bytes: 1000 },
    bytes: 2000,
  },
  proof: {
    ok: false,
    checks: [{ check: "every table is equal to the replica's", ok: false, found: 'different: shop.a|b' }],
    appliedGroups: 7,
    tables: [{ schema: 'shop', name: 'a|b', rows: 3, checksum: null }],
  },
  seconds: { load: 1, replay: 2.25, proof: 0.5, total: 3.8 },
  rehearsal: { id: 'rehearsal-1', startedAt: '2026-11-22T10:00:00Z' },
} as unknown as RehearsalOutcome;

describe('the report of a rehearsal', () => {
  it('says in its first line whether the restore works', () => {
    const works = { ...outcome, proof: { ...outcome.proof, ok: true } };

    expect(reportText(outcome).split('\n')[0]).toBe('# Rehearsal rehearsal-1: THE RESTORE FAILED ITS PROOF');
    expect(reportText(works).split('\n')[0]).toBe('# Rehearsal rehearsal-1: the restore works');
  });

  it('lists what was checked, how long it took and every table, also under names with a bar', () => {
    const lines = reportText(outcome).split('\n');

    expect(lines).toContain("| every table is equal to the replica's | **no** | different: shop.a\\|b |");
    expect(lines).toContain('| replay | 2.3 |');
    expect(lines).toContain('| shop.a\\|b | 3 | unreadable |');
    expect(lines).toContain('- Restored to: binlog.000003:900, GTID 0-1-12, after 0-1-12, the last');
  });
});
