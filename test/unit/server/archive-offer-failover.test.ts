import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../../src/binlog/mysql-gtid.ts';
import type { OfferRequest } from '../../../src/server/archive-offer.ts';
import type { ServedIdentity } from '../../../src/server/served-range.ts';
import type { BinlogBuilder } from '../../support/binlog-builder.ts';
import { groupsOffered, mariadbFile, mysqlFile, servedBytes } from '../../support/served-bytes.ts';
import { MARIADB_SOURCE } from '../../support/served-identity.ts';

const identity = { ...MARIADB_SOURCE, gtidState: '0-101-1' };

describe('an offer over a failover', () => {
  // The new primary's file began while it was a replica, and is entered where it took over, at its group 6.
  const enterAt = ({ groups }: BinlogBuilder, gtid: string): number =>
    groups.find((group) => group.gtid === gtid)?.start ?? 0;

  it('begins in the old log for a MariaDB replica that stands where the new one was opened', async () => {
    const old = mariadbFile('0-101-1', ['0-101-2', '0-101-3', '0-101-4', '0-101-5']);
    const young = mariadbFile('0-101-3', ['0-101-4', '0-101-5', '0-101-6']);
    const ranges = [
      servedBytes('shop-1.binlog.000007', old.bytes),
      servedBytes('shop-2.binlog.000002', young.bytes, { from: enterAt(young, '0-101-6') }),
    ];
    const log = { identity, ranges };
    const files = new Map([
      ['shop-1.binlog.000007', old],
      ['shop-2.binlog.000002', young],
    ]);
    const behind = async (state: string): Promise<string[] | string> =>
      await groupsOffered(log, { by: 'gtid-position', state }, files);

    expect(await behind('0-101-3')).toEqual(['0-101-4', '0-101-5', '0-101-6']);
    expect(await behind('0-101-4')).toEqual(['0-101-5', '0-101-6']);
    expect(await behind('0-101-6')).toEqual([]);
  });

  it.each([
    [
      [1, 2],
      [3, 4, 5, 6],
    ],
    [
      [1, 2, 4],
      [3, 5, 6],
    ],
    [[1, 2, 3, 4, 5], [6]],
    [[1, 2, 3, 4, 5, 6], []],
  ])('gives a MySQL replica with %j exactly %j', async (has, lacks) => {
    const uuid = '3e11fa47-71ca-11e1-9e33-c80aa9429561';
    const gtids = (...numbers: number[]): string[] => numbers.map((number) => `${uuid}:${number}`);
    const old = mysqlFile([{ uuid, intervals: [[1, 3]] }], gtids(3, 4, 5));
    const young = mysqlFile([{ uuid, intervals: [[1, 2]] }], gtids(2, 3, 4, 5, 6));
    const ranges = [
      servedBytes('shop-1.binlog.000007', old.bytes),
      servedBytes('shop-2.binlog.000002', young.bytes, { from: enterAt(young, `${uuid}:6`) }),
    ];
    const mysql: ServedIdentity = { ...identity, flavor: 'mysql', gtidMode: 'ON', gtidState: `${uuid}:1-2` };
    const request: OfferRequest = { by: 'gtid-set', gtids: GtidSet.parse(gtids(...has).join(',')) };
    const files = new Map([
      ['shop-1.binlog.000007', old],
      ['shop-2.binlog.000002', young],
    ]);

    expect(await groupsOffered({ identity: mysql, ranges }, request, files)).toEqual(gtids(...lacks));
  });
});
