import { describe, expect, it } from 'vitest';
import { findCommonPlace, groupsBehind } from '../../../src/archive/hand-over.ts';
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

describe('groupsBehind', () => {
  it('counts what lies behind a place, over files', async () => {
    expect(await groupsBehind(logOfGroups(OLD), { file: 'binlog.000001', position: 110 })).toEqual({
      groups: 3,
      firstGtid: '0-1-2',
      lastGtid: '0-1-4',
      end: { file: 'binlog.000002', position: 120 },
    });
  });

  it('finds none behind the end', async () => {
    const end = { file: 'binlog.000002', position: 120 };
    expect(await groupsBehind(logOfGroups(OLD), end)).toEqual({ groups: 0, firstGtid: null, lastGtid: null, end });
  });
});
