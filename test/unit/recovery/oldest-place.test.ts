import { describe, expect, it } from 'vitest';
import type { LedgerEntry } from '../../../src/archive/ledger.ts';
import type { CatalogSegment } from '../../../src/catalog/segment-table.ts';
import type { PlanLeg } from '../../../src/recovery/crossing.ts';
import { oldestPlace } from '../../../src/recovery/oldest-place.ts';
import { inMemoryLog } from '../../support/in-memory-log.ts';

/** Files 1 to `count`, a group in each, without these. */
function segments(count: number, missing: readonly number[] = []): CatalogSegment[] {
  const groups = Array.from({ length: count }, (_, index) => [{ gtid: `0-101-${index + 1}`, at: index }]);
  return inMemoryLog(groups).segments.filter((_, index) => !missing.includes(index + 1));
}

const leg = (lineage: string, files: readonly CatalogSegment[], crossing: PlanLeg['crossing'] = null): PlanLeg => ({
  lineage,
  segments: files,
  crossing,
});
const at = (file: number, position = 300) => ({ file: `binlog.00000${file}`, position });
const crossing = {
  leave: { ...at(2), groupsBefore: 1 },
  enter: { ...at(1), groupsBefore: 1 },
  gtidState: '0-101-2',
  stranded: 0,
};

describe('the oldest place of a log without a break', () => {
  it('is the start of the first file', () => {
    expect(oldestPlace([leg('a', segments(3))], at(3), [])).toEqual({ lineage: 'a', ...at(1, 4), gtidState: '' });
  });

  it('is behind a file that is missing, unfinished or not to be trusted', () => {
    const loss: LedgerEntry = {
      ...{
        kind: 'gap',
        lineage: 'a',
        from: 'binlog.000001:300',
        to: 'binlog.000001:310',
        why: 'purged',
        noticedAt: '2026-11-22T10:00:00Z',
      },
    };
    const open = segments(3).map((one, index) => (index === 0 ? { ...one, state: 'open' as const } : one));
    const second = { lineage: 'a', ...at(2, 4), gtidState: '0-101-1' };

    expect(oldestPlace([leg('a', segments(4, [2]))], at(4), [])).toMatchObject(at(3, 4));
    expect(oldestPlace([leg('a', open)], at(3), [])).toEqual(second);
    expect(oldestPlace([leg('a', segments(3))], at(3), [loss])).toEqual(second);
    expect(oldestPlace([leg('b', segments(3))], at(3), [loss])).toMatchObject(at(1, 4));
  });

  it('does not need what lies behind the cut', () => {
    expect(oldestPlace([leg('a', segments(4, [3]))], at(2), [])).toMatchObject(at(1, 4));
    expect(oldestPlace([leg('a', segments(4, [3]))], at(3), [])).toBeNull();
  });

  it('is in the log of the primary before, where that leads to the failover', () => {
    const legs = [leg('old', segments(2)), leg('new', segments(2), crossing)];

    expect(oldestPlace(legs, at(2), [])).toEqual({ lineage: 'old', ...at(1, 4), gtidState: '' });
  });

  it('is the failover itself where the log before is broken there', () => {
    const legs = [leg('old', segments(2, [2])), leg('new', segments(2), crossing)];

    expect(oldestPlace(legs, at(2), [])).toEqual({ lineage: 'new', ...at(1), gtidState: '0-101-2' });
  });

  it('is behind the failover where the new log does not reach back to it', () => {
    const legs = [leg('old', segments(2)), leg('new', segments(3, [1]), crossing)];

    expect(oldestPlace(legs, at(3), [])).toEqual({ lineage: 'new', ...at(2, 4), gtidState: '0-101-1' });
  });
});
