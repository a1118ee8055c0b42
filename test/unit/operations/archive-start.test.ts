import { describe, expect, it } from 'vitest';
import { isNothingBetween } from '../../../src/operations/archive-start.ts';

const FILE = 'binlog.000007';
const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

function ends(
  gtidEnd: string | null,
  last: { file?: string; gtid: string | null } | null,
): Parameters<typeof isNothingBetween>[0] {
  return { file: FILE, gtidEnd, last: last === null ? null : { file: FILE, ...last } };
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
