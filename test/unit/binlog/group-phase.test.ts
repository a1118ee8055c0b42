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
