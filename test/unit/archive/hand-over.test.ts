import { describe, expect, it } from 'vitest';
import { findCommonPlace } from '../../../src/archive/hand-over.ts';
import { endOf, logOfGroups, type PlainGroup } from '../../support/log-of-groups.ts';

/** `0-1-4@40`: a group and when it was written. */
function groups(...texts: string[]): PlainGroup[] {
  return texts.map((text) => {
    const [gtid = '', time = '0'] = text.split('@');
    return { gtid, time: Number(time) };
  });
}

const OLD = [groups('0-1-1', '0-1-2'), groups('0-1-3', '0-1-4')];

async function commonPlace(parent: PlainGroup[][], child: PlainGroup[][]): ReturnType<typeof findCommonPlace> {
  return await findCommonPlace(logOfGroups(parent), logOfGroups(child), endOf(parent));
}

describe('findCommonPlace', () => {
  it('finds the end of the old log in the middle of the new one', async () => {
    expect(await commonPlace(OLD, [groups('0-1-1', '0-1-2', '0-1-3', '0-1-4', '0-2-5')])).toEqual({
      gtidState: '0-1-4',
      parent: { file: 'binlog.000002', position: 120 },
      child: { file: 'binlog.000001', position: 140 },
      hasDiverged: true,
    });
  });

  it('finds the last common place before writes that reached only the old primary, though both count on alike', async () => {
    const found = await commonPlace(OLD, [groups('0-1-1', '0-1-2'), groups('0-2-3', '0-2-4', '0-2-5')]);
    expect(found).toMatchObject({ gtidState: '0-1-2', child: { file: 'binlog.000002', position: 100 } });
    expect(found?.parent).toEqual({ file: 'binlog.000002', position: 100 });
  });

  it('passes over files that the new primary has begun since', async () => {
    const child = [groups('0-1-1', '0-1-2', '0-1-3'), groups('0-1-4', '0-2-5'), groups('0-2-6'), groups('0-2-7')];
    expect((await commonPlace(OLD, child))?.child).toEqual({ file: 'binlog.000002', position: 110 });
  });

  it('needs every domain to stand at the same place', async () => {
    const parent = [groups('0-1-1', '7-1-1', '0-1-2', '7-1-2')];
    const child = [groups('0-1-1', '7-1-1', '7-1-2', '0-1-2', '0-2-3')];
    expect(await commonPlace(parent, child)).toMatchObject({ gtidState: '0-1-2,7-1-2' });
    const behind = [groups('0-1-1', '7-1-1', '7-1-2', '0-2-2')];
    expect(await commonPlace(parent, behind)).toMatchObject({ gtidState: '0-1-1,7-1-1' });
  });

  it('says that a log which ends at the place has not gone its own way yet', async () => {
    expect(await commonPlace(OLD, [groups('0-1-1', '0-1-2', '0-1-3')])).toMatchObject({
      gtidState: '0-1-3',
      hasDiverged: false,
    });
  });

  it('finds nothing where nothing is common, or the common part was purged', async () => {
    expect(await commonPlace(OLD, [groups('0-2-1', '0-2-2')])).toBeNull();
    const purged = logOfGroups([groups('0-2-6')], { start: '0-2-5' });
    expect(await findCommonPlace(logOfGroups(OLD), purged, endOf(OLD))).toBeNull();
  });

  it('finds a place behind which the new log has more than is kept at once', async () => {
    const later = Array.from({ length: 160_000 }, (_, n) => ({ gtid: `0-1-${n + 2}`, time: 0 }));
    const parent = [[...groups('0-1-1', '7-1-1', '7-1-2'), ...later]];
    const child = [[...groups('0-1-1', '7-1-1'), ...later]];
    expect(await commonPlace(parent, child)).toMatchObject({ gtidState: '0-1-1,7-1-1' });
  });

  it('takes an empty state for no proof', async () => {
    expect(await commonPlace([groups('0-1-1')], [groups('0-2-1')])).toBeNull();
    expect(await commonPlace([groups()], [groups()])).toBeNull();
  });

  it('is not deceived by a rebuilt server that counts the same GTIDs again, at another time', async () => {
    const parent = [groups('0-1-1@1000', '0-1-2@1010', '0-1-3@1020')];
    const rebuilt = ['0-1-1@90000', '0-1-2@90010'];
    expect(await commonPlace(parent, [groups(...rebuilt, '0-2-3@90020')])).toBeNull();
    expect(await commonPlace(parent, [groups(...rebuilt), groups('0-2-3@90020')])).toBeNull();
  });

  it('allows for the time that a transaction took: a replica writes its beginning, the primary its commit', async () => {
    const parent = [groups('0-1-1@1000', '0-1-2@1600')];
    expect(await commonPlace(parent, [groups('0-1-1@1000', '0-1-2@1000', '0-2-3@1601')])).toMatchObject({
      gtidState: '0-1-2',
    });
  });
});

describe('findCommonPlace in MySQL logs with groups without a GTID', () => {
  const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  const with1To = (count: number): PlainGroup[] =>
    Array.from({ length: count }, (_, n) => ({ gtid: `${UUID}:${n + 1}`, time: n }));
  const without = (count: number): PlainGroup[] => Array.from({ length: count }, () => ({ gtid: null, time: 9 }));
  const mysql = { flavor: 'mysql' } as const;

  async function place(parent: PlainGroup[][], child: PlainGroup[][]): ReturnType<typeof findCommonPlace> {
    return await findCommonPlace(logOfGroups(parent, mysql), logOfGroups(child, mysql), endOf(parent, 'mysql'));
  }

  it('proves nothing by a state that those groups do not change', async () => {
    expect(await place([with1To(2)], [with1To(2)])).not.toBeNull();
    expect(await place([with1To(2), without(5)], [with1To(2), without(3)])).toBeNull();
    expect(await place([[...with1To(2), ...without(1)]], [with1To(2)])).toBeNull();
    expect(await place([with1To(2)], [[...with1To(2), ...without(1)]])).toBeNull();
  });

  it('looks for them in the file before, too, when the place is where a file begins', async () => {
    expect(await place([without(3), []], [[], with1To(1)])).toBeNull(); // an empty state
    expect(await place([[...with1To(2), ...without(3)], [], []], [with1To(2)])).toBeNull();
    expect(await place([with1To(2)], [[...with1To(2), ...without(3)], [], []])).toBeNull();
  });

  it('is found in the files that were written since they have GTIDs', async () => {
    const all = with1To(4);
    const log = [without(3), all.slice(0, 2), all.slice(2)];
    const found = await place(log, [without(3), all.slice(0, 3)]);
    expect(found).toMatchObject({ gtidState: `${UUID}:1-3`, parent: { file: 'binlog.000003', position: 110 } });
  });
});
