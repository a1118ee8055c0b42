import { describe, expect, it } from 'vitest';
import { givesEachGroupAGtid, isNothingBetween } from '../../../src/operations/archive-start.ts';

const FILE = 'binlog.000007';
const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

function ends(
  gtidEnd: string | null,
  last: { file?: string; gtid: string | null } | null,
  hasAnonymous = last?.gtid === null,
): Parameters<typeof isNothingBetween>[0] {
  return { file: FILE, gtidEnd, hasAnonymous, last: last === null ? null : { file: FILE, ...last } };
}

describe('isNothingBetween', () => {
  it('takes equal GTID states for a proof where every group has a GTID', () => {
    const end = ends(`${UUID}:1-9`, { gtid: `${UUID}:9` });
    expect(isNothingBetween(end, `${UUID}:1-9`, 'mysql')).toBe(true);
    expect(isNothingBetween(end, `${UUID}:1-10`, 'mysql')).toBe(false);
    expect(isNothingBetween(ends('0-101-3', { gtid: '0-101-3' }), '0-101-3', 'mariadb')).toBe(true);
    expect(isNothingBetween(ends('0-101-3', { gtid: '0-101-3' }), '0-101-4', 'mariadb')).toBe(false);
  });

  it('does not where MySQL writes groups without one: the state stays the same over all of them', () => {
    for (const state of ['', `${UUID}:1-9`])
      expect(isNothingBetween(ends(state, { gtid: null }), state, 'mysql')).toBe(false);
  });

  it('does not where one group of a MySQL file has none: gtid_mode is permissive there, and the torn one may have none too', () => {
    const end = ends(`${UUID}:1-9`, { gtid: `${UUID}:9` }, true);
    expect(isNothingBetween(end, `${UUID}:1-9`, 'mysql')).toBe(false);
  });

  it('does not for a MySQL file without a group: whether the ones before it have GTIDs says nothing of it', () => {
    const before = { file: 'binlog.000006', gtid: `${UUID}:9` };
    expect(isNothingBetween(ends(`${UUID}:1-9`, before), `${UUID}:1-9`, 'mysql')).toBe(false);
    expect(isNothingBetween(ends('', null), '', 'mysql')).toBe(false);
    expect(isNothingBetween(ends('', null), '', 'mariadb')).toBe(true);
  });

  it('does not where a log does not say its state', () => {
    expect(isNothingBetween(ends(null, { gtid: null }), null, 'mysql')).toBe(false);
    expect(isNothingBetween(ends('0-101-3', { gtid: '0-101-3' }), null, 'mariadb')).toBe(false);
  });
});

describe('givesEachGroupAGtid', () => {
  it.each([
    ['ON', true],
    ['ON_PERMISSIVE', false],
    ['OFF_PERMISSIVE', false],
    ['OFF', false],
    [null, false],
  ])('of a MySQL server with gtid_mode %s: %s', async (mode, expected) => {
    const rows = mode === null ? [] : [{ Variable_name: 'gtid_mode', Value: mode }];
    expect(await givesEachGroupAGtid({ flavor: 'mysql', query: () => Promise.resolve(rows as never) })).toBe(expected);
  });

  it('is so of every MariaDB server, which is not asked', async () => {
    const query = (): Promise<never> => Promise.reject(new Error('asked'));
    expect(await givesEachGroupAGtid({ flavor: 'mariadb', query })).toBe(true);
  });
});
