import { describe, expect, it } from 'vitest';
import { CheckpointCollector } from '../../../src/archive/checkpoint.ts';
import { aGroup } from '../../support/in-memory-log.ts';

const FILE = 'binlog.000001';

function collect(
  groups: readonly { start: number; end: number; time: number }[],
  everyBytes = 100,
): CheckpointCollector {
  const collector = new CheckpointCollector(everyBytes);
  collector.enterFile(FILE);
  for (const group of groups) collector.group(aGroup(group), () => `state before ${group.start}`);
  return collector;
}

describe('CheckpointCollector', () => {
  it('marks the first group that starts at or after each threshold', () => {
    const groups = [4, 60, 110, 150, 200, 310].map((start) => ({ start, end: start + 40, time: start }));
    expect(
      collect(groups)
        .drain()
        .map(({ offset }) => offset),
    ).toEqual([110, 200, 310]);
  });

  it('tells the state, the times and the number of groups before the mark', () => {
    const groups = [
      { start: 4, end: 60, time: 900 },
      { start: 60, end: 110, time: 800 },
      { start: 110, end: 150, time: 850 },
    ];
    expect(collect(groups).drain()).toEqual([
      { file: FILE, offset: 110, gtidState: 'state before 110', time: 850, maxTimeBefore: 900, groupsBefore: 2 },
    ]);
  });

  it('takes one mark after a group that is longer than several thresholds', () => {
    const groups = [
      { start: 4, end: 950, time: 1 },
      { start: 950, end: 980, time: 2 },
      { start: 980, end: 1010, time: 3 },
      { start: 1010, end: 1020, time: 4 },
    ];
    expect(
      collect(groups)
        .drain()
        .map(({ offset }) => offset),
    ).toEqual([950, 1010]);
  });

  it('asks for the GTID state only when a mark is due', () => {
    const collector = new CheckpointCollector(100);
    let asked = 0;
    collector.enterFile(FILE);
    for (const start of [4, 40, 80, 120, 160]) {
      collector.group(aGroup({ start, end: start + 40, time: 1 }), () => String((asked += 1)));
    }
    expect(asked).toBe(1);
  });

  it('gives the same marks however often they are fetched', () => {
    const groups = Array.from({ length: 40 }, (_, n) => ({ start: 4 + n * 37, end: 41 + n * 37, time: n }));
    const collector = new CheckpointCollector(100);
    collector.enterFile(FILE);
    const piecewise = groups.flatMap((group) => {
      collector.group(aGroup(group), () => `state before ${group.start}`);
      return collector.drain();
    });
    expect(piecewise).toEqual(collect(groups).drain());
  });

  it('begins anew with each file', () => {
    const collector = collect([{ start: 150, end: 190, time: 5 }]);
    collector.enterFile('binlog.000002');
    collector.group(aGroup({ start: 120, end: 130, time: 6 }), () => null);
    expect(collector.drain().at(-1)).toEqual({
      file: 'binlog.000002',
      offset: 120,
      gtidState: null,
      time: 6,
      maxTimeBefore: null,
      groupsBefore: 0,
    });
  });
});
