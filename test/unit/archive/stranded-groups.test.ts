import { describe, expect, it } from 'vitest';
import { findCommonPlace } from '../../../src/archive/hand-over.ts';
import { strandedGroups, type StrandedGroups } from '../../../src/archive/stranded-groups.ts';
import type { Flavor } from '../../../src/binlog/gtid.ts';
import { endOf, logOfGroups, type PlainGroup } from '../../support/log-of-groups.ts';

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

function groups(...gtids: string[]): PlainGroup[] {
  return gtids.map((gtid) => ({ gtid, time: 0 }));
}

async function stranded(
  parent: PlainGroup[][],
  child: PlainGroup[][],
  { flavor = 'mariadb', isSameServer = false }: { flavor?: Flavor; isSameServer?: boolean } = {},
): Promise<StrandedGroups> {
  const [old, other] = [logOfGroups(parent, { flavor }), logOfGroups(child, { flavor })];
  const place = await findCommonPlace(old, other, endOf(parent, flavor));
  if (place === null) throw new Error('no common place');
  return await strandedGroups(old, isSameServer ? null : other, place);
}

const OLD = [groups('0-1-1', '0-1-2'), groups('0-1-3', '0-1-4')];
const NONE = { groups: 0, firstGtid: null, lastGtid: null };

describe('strandedGroups', () => {
  it('counts what lies behind the place, over files', async () => {
    expect(await stranded(OLD, [groups('0-1-1', '0-2-2', '0-2-3', '0-2-4')])).toEqual({
      groups: 3,
      firstGtid: '0-1-2',
      lastGtid: '0-1-4',
      end: { file: 'binlog.000002', position: 120 },
      hasDiverged: true,
    });
  });

  it('finds none behind the end', async () => {
    const end = { file: 'binlog.000002', position: 120 };
    expect(await stranded(OLD, [OLD.flat(), groups('0-2-5')])).toEqual({ ...NONE, end, hasDiverged: true });
  });

  it('calls nothing lost that the replica committed in another order', async () => {
    const parent = [groups('0-1-1', '7-1-1'), groups('0-1-2', '7-1-2', '0-1-3')];
    const child = [groups('0-1-1', '7-1-1', '7-1-2', '0-1-2'), groups('0-2-3')];
    expect(await stranded(parent, child)).toMatchObject({ groups: 1, firstGtid: '0-1-3', lastGtid: '0-1-3' });
    const early = [groups('0-1-1', '7-1-1'), groups('7-1-2', '0-2-2')];
    expect(await stranded(parent, early)).toEqual({
      groups: 2,
      firstGtid: '0-1-2',
      lastGtid: '0-1-3',
      end: { file: 'binlog.000002', position: 130 },
      hasDiverged: true,
    });
  });

  it('knows MySQL groups whose numbers came in another order', async () => {
    const numbers = (...list: number[]): PlainGroup[] => groups(...list.map((number) => `${UUID}:${number}`));
    const child = [numbers(1, 2, 4, 3, 6)];
    expect(await stranded([numbers(1, 2, 3, 4, 5, 6)], child, { flavor: 'mysql' })).toMatchObject({
      groups: 1,
      firstGtid: `${UUID}:5`,
      hasDiverged: false,
    });
  });

  it('has not gone its own way when all behind the place are groups of the old primary: the rest may still come', async () => {
    const parent = [groups('0-1-1', '7-1-1', '0-1-2', '7-1-2')];
    expect(await stranded(parent, [groups('0-1-1', '7-1-1', '7-1-2')])).toMatchObject({
      groups: 1,
      hasDiverged: false,
    });
    expect(await stranded(parent, [groups('0-1-1', '7-1-1', '7-1-2', '0-2-2')])).toMatchObject({
      groups: 1,
      hasDiverged: true,
    });
  });

  it('does not take a new group for a lost one that had its number, on the server that lost it', async () => {
    const again = [groups('0-1-1', '7-1-1', '7-1-2', '7-1-3'), groups('0-1-2')];
    const parent = [groups('0-1-1', '7-1-1', '0-1-2')];
    expect(await stranded(parent, again)).toMatchObject({ groups: 0 });
    expect(await stranded(parent, again, { isSameServer: true })).toMatchObject({ groups: 1, hasDiverged: true });
  });
});
