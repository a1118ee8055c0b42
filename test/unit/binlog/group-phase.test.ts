import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../../src/binlog/binlog-reader.ts';
import type { Group } from '../../../src/binlog/group.ts';
import {
  alterGtid,
  BinlogBuilder,
  mariadbGtid,
  MYSQL,
  mysqlGtid,
  query,
  xaPrepare,
  xid,
  type BinlogOptions,
  type RawEvent,
} from '../../support/binlog-builder.ts';

const UUID = '3e11fa47-71ca-11e1-9e33-c80aa9429562';

function groupsOf(events: readonly RawEvent[], options: BinlogOptions = {}): Group[] {
  const { bytes } = new BinlogBuilder(options).group(events, { ending: 'statement' });
  const groups: Group[] = [];
  const visitor = { query: () => undefined, group: (group: Group) => groups.push(group) };
  new BinlogReader({ visitor, verifyChecksums: true }).walk(bytes, 0, bytes.length);
  return groups;
}

describe('the phase of a group', () => {
  it('is begun by a START ALTER, and named by its own GTID', () => {
    for (const groupCommit of [false, true]) {
      const [group] = groupsOf([alterGtid('3-101-26', { step: 'start', groupCommit }), query('ALTER TABLE a DROP b')]);
      expect(group?.phase).toEqual({ step: 'begun', key: 'ALTER 3-26' });
    }
  });

  it.each(['commit', 'rollback'] as const)('names the START ALTER in its %s', (step) => {
    for (const groupCommit of [false, true]) {
      const gtid = alterGtid('3-101-29', { step, first: 26, groupCommit });
      const [group] = groupsOf([gtid, query('ALTER TABLE a DROP b')]);
      expect(group?.phase).toEqual({ step, key: 'ALTER 3-26' });
    }
  });

  it.each([
    ['MariaDB', mariadbGtid('0-101-7', { flags: 64 }), {}],
    ['MySQL', mysqlGtid(`${UUID}:7`), { version: MYSQL }],
  ])('is the same for an XA PREPARE of %s and the statements that end it', (_flavor, gtid, options) => {
    const prepared = [gtid, query("XA START X'416263',X'',1"), query("XA END X'416263',X'',1"), xaPrepare('Abc')];
    expect(groupsOf(prepared, options)[0]?.phase).toEqual({ step: 'begun', key: "XA X'416263',X'',1" });
    for (const [text, step] of [
      ["XA COMMIT X'416263',X'',1", 'commit'],
      ["xa rollback X'416263', X'', 1", 'rollback'],
    ] as const) {
      expect(groupsOf([query(text)], options)[0]?.phase).toEqual({ step, key: "XA X'416263',X'',1" });
    }
  });

  it.each([
    ['one phase', [query("XA START X'416263',X'',1"), xaPrepare('Abc', { onePhase: true })]],
    ['a statement that only begins like it', [query("XA COMMIT 'abc'")]],
    ['a common transaction', [mariadbGtid('0-101-8'), query('DELETE FROM a'), xid()]],
  ])('is none for %s', (_title, events) => {
    expect(groupsOf(events)[0]?.phase).toBeUndefined();
  });

  it('is none for an XA id longer than there are: it is damaged, or another format', () => {
    expect(groupsOf([query("XA START X'41',X'',1"), xaPrepare('x'.repeat(65))])[0]?.phase).toBeUndefined();
  });

  it('tells whether only transactional tables were changed, where the source says so', () => {
    const transaction = (gtid: RawEvent): RawEvent[] => [gtid, query('DELETE FROM a'), query('ROLLBACK')];
    expect(groupsOf(transaction(mariadbGtid('0-101-9')))[0]?.transactional).toBe(true);
    expect(groupsOf(transaction(mariadbGtid('0-101-9', { transactional: false })))[0]?.transactional).toBe(false);
    const mysql = [mysqlGtid(`${UUID}:7`), query('BEGIN'), query('DELETE FROM a'), query('ROLLBACK')];
    expect(groupsOf(mysql, { version: MYSQL })[0]?.transactional).toBeUndefined();
  });
});

describe('the connection that a GTID event of MariaDB 11.5 names', () => {
  const THREAD_ID = 16;
  const extra = (flags: number, ...rest: number[]): Buffer =>
    Buffer.from([flags | THREAD_ID, ...rest, 0x39, 0x30, 0, 0]);
  const sequence = Buffer.from([26, 0, 0, 0, 0, 0, 0, 0]);
  const rows: readonly (readonly [title: string, flags: number, behind: readonly Buffer[]])[] = [
    ['a group by itself', 4, [extra(0)]],
    ['a group of a group commit', 4 | 2, [Buffer.alloc(8, 0x5a), extra(0)]],
    ['several engines', 0, [extra(1, 2)]],
    ['a second half of an ALTER', 1 | 32, [extra(4, ...sequence)]],
    ['a prepared transaction', 64, [Buffer.from([1, 0, 0, 0, 2, 1, 0x61, 0x62, 0x63]), extra(0)]],
    ['one of a group commit', 64 | 2, [Buffer.alloc(8, 0x5a), Buffer.from([1, 0, 0, 0, 1, 0, 0x61]), extra(0)]],
  ];

  it.each(rows)('is the thread of %s', (_title, flags, behind) => {
    const { type, body } = mariadbGtid('0-101-7', { flags, transactional: false });
    const gtid = { type, body: Buffer.concat([body.subarray(0, 13), ...behind]) };
    expect(groupsOf([gtid, xid()])[0]?.threadId).toBe(12_345);
    const cut = { type, body: gtid.body.subarray(0, -1) };
    expect(groupsOf([cut, xid()])[0]?.threadId ?? null).toBeNull();
  });

  it('is unknown where the event names none', () => {
    expect(groupsOf([mariadbGtid('0-101-7'), xid()])[0]?.threadId).toBeNull();
  });
});
