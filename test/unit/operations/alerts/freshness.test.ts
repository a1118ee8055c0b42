import { describe, expect, it } from 'vitest';
import { Freshness } from '../../../../src/operations/alerts/freshness.ts';
import { aLineage } from '../../../support/in-memory-log.ts';

const now = new Date('2026-11-22T10:00:00Z');
const OLD = { time: '2026-11-22T08:59:59Z', now };
const RECENT = { time: '2026-11-22T09:30:00Z', now };
const lineage = aLineage({ id: 'shop-1' });
const at = (position: number, id = 'shop-1'): { lineage: string; file: string; position: number } => ({
  lineage: id,
  file: 'binlog.000001',
  position,
});
const target = { file: 'binlog.000001', position: 1000 };

describe('an incident is news', () => {
  it('when it is recent, whatever the archive had', () => {
    expect(new Freshness(null).isNews(at(500), RECENT)).toBe(true);
    expect(new Freshness(null).isNews(at(500), OLD)).toBe(false);
  });

  it('behind the place where the archive last had everything, however old it is', () => {
    const freshness = new Freshness(at(400));
    expect([freshness.isNews(at(399), OLD), freshness.isNews(at(400), OLD)]).toEqual([false, true]);
  });

  it('once the archive has what the source had when it was connected', () => {
    const freshness = new Freshness(null);
    freshness.streaming(lineage, target);
    freshness.reached(at(999));
    expect([freshness.isCatchingUp, freshness.isNews(at(999), OLD)]).toEqual([true, false]);
    freshness.reached(at(1000));
    expect([freshness.isCatchingUp, freshness.isNews(at(1000), OLD)]).toEqual([false, true]);
  });

  it('behind the hand-over of a new primary, and not in an unrelated log', () => {
    const handOver = { gtidState: '0-1-9', parent: at(400), child: target, stranded: 0 };
    const next = { ...aLineage({ id: 'shop-2' }), parent: 'shop-1', handOver };
    const followed = new Freshness(at(400));
    followed.streaming(next, { file: 'binlog.000001', position: 5000 });
    expect([followed.isNews(at(1000, 'shop-2'), OLD), followed.isNews(at(999, 'shop-2'), OLD)]).toEqual([true, false]);
    const broken = new Freshness(at(400));
    broken.streaming({ ...next, handOver: null }, { file: 'binlog.000001', position: 5000 });
    expect([broken.isCatchingUp, broken.isNews(at(4000, 'shop-2'), OLD)]).toEqual([true, false]);
  });
});
