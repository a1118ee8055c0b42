import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../../../src/binlog/binlog-reader.ts';
import { GroupTouches, type TouchedGroup } from '../../../../src/recovery/consequences/group-touches.ts';
import { NameFilter } from '../../../../src/recovery/consequences/name-filter.ts';
import { nameOf, type Named } from '../../../../src/recovery/consequences/touch.ts';
import {
  alterGtid,
  BinlogBuilder,
  mariadbGtid,
  query,
  tableMap,
  writeRows,
  xaPrepare,
  xid,
  type RawEvent,
} from '../../../support/binlog-builder.ts';

const ORDERS: Named = { type: 'table', schema: 'shop', name: 'orders' };

/** Each group in short: `insert shop.orders rows`; halves that do nothing by themselves are left out. */
function read(groups: readonly (readonly RawEvent[])[], filter: NameFilter | null): string[][] {
  const told = tell(groups, filter).filter(({ phase, touches }) => phase === undefined || touches.length > 0);
  return told.map(({ touches, unread }) => [
    ...touches.map((touch) => `${touch.verb} ${nameOf(touch)} ${touch.by}`),
    ...(unread === null ? [] : [unread]),
  ]);
}

function tell(groups: readonly (readonly RawEvent[])[], filter: NameFilter | null): TouchedGroup[] {
  const builder = new BinlogBuilder();
  for (const events of groups) builder.group(events, { ending: 'commit' });
  const told: TouchedGroup[] = [];
  const visitor = new GroupTouches({ foldsCase: false, filter: () => filter, onGroup: (group) => told.push(group) });
  const reader = new BinlogReader({
    visitor,
    verifyChecksums: true,
    onFormat: (format) => {
      visitor.enterFile({ lineage: 'l', file: 'binlog.000001', from: 4, to: Infinity }, format);
    },
  });
  reader.walk(builder.bytes, 0, builder.size);
  return told;
}

const transaction = (...events: RawEvent[]): RawEvent[] => [mariadbGtid('0-101-1'), ...events, xid()];
const statement = (sql: string): RawEvent[] => [mariadbGtid('0-101-2', { standalone: true }), query(sql)];

describe('what groups do', () => {
  it('is told of rows, and of statements, each thing once', () => {
    const insert = [tableMap('shop', 'orders'), writeRows(8)];

    expect(read([transaction(...insert, ...insert), statement('TRUNCATE orders')], null)).toEqual([
      ['insert shop.orders rows'],
      ['truncate shop.orders text'],
    ]);
  });

  it('counts an ALTER of two halves once, with how it ended', () => {
    const sql = query('ALTER TABLE orders DROP COLUMN a');
    const [begun, done, undone] = [
      alterGtid('0-101-1', { step: 'start' }),
      alterGtid('0-101-2', { step: 'commit', first: 1 }),
      alterGtid('0-101-3', { step: 'rollback', first: 1 }),
    ];

    expect(
      read(
        [
          [begun, sql],
          [done, sql],
        ],
        null,
      ),
    ).toEqual([['alter shop.orders text']]);
    expect(
      read(
        [
          [begun, sql],
          [undone, sql],
        ],
        null,
      ),
    ).toEqual([]);
  });

  it('passes over statements about other rows, and finds names that others only mention', () => {
    const filter = new NameFilter([ORDERS]);

    expect(read([transaction(query('INSERT INTO stock VALUES (1)'))], filter)).toEqual([[]]);
    expect(read([transaction(query('INSERT INTO stock SELECT * FROM Orders o'))], filter)).toEqual([
      ['insert shop.stock text', 'read shop.Orders text'],
    ]);
  });

  it('finds that an INSERT reads its own table where it names it again', () => {
    const reads = (sql: string): boolean =>
      read([transaction(query(sql))], new NameFilter([ORDERS]))
        .flat()
        .includes('read shop.Orders text');

    expect(reads('INSERT INTO Orders VALUES (1)')).toBe(false);
    expect(reads('INSERT INTO shop.Orders VALUES (1)')).toBe(false);
    expect(reads('INSERT INTO Orders SELECT * FROM Orders')).toBe(true);
    expect(reads('INSERT INTO shop.Orders SELECT * FROM Orders o')).toBe(true);
    expect(reads('DELETE FROM Orders WHERE Orders.id = 1')).toBe(false);
  });

  it('passes over rows of other tables, but not where any table may matter', () => {
    const rows = transaction(tableMap('shop', 'stock'), writeRows(8), tableMap('shop', 'Orders'), writeRows(8));
    const ofSchema = new NameFilter([{ type: 'database', schema: 'shop', name: null }]);
    const all = ['insert shop.stock rows', 'insert shop.Orders rows'];

    expect(read([rows], new NameFilter([ORDERS]))).toEqual([['insert shop.Orders rows']]);
    expect(read([rows], ofSchema)).toEqual([all]);
    expect(read([rows], new NameFilter([ORDERS], { takesAll: true }))).toEqual([all]);
    expect(read([transaction(query('DELETE FROM stock'))], new NameFilter([], { takesAll: true }))).toEqual([
      ['delete shop.stock text'],
    ]);
  });

  it('is told of both halves of what takes two groups, also of one that was rolled back', () => {
    const halves = [
      [mariadbGtid('0-101-1'), query("XA START X'61',X'',1"), tableMap('shop', 'orders'), writeRows(8), xaPrepare('a')],
      statement("XA ROLLBACK X'61',X'',1"),
    ];

    expect(tell(halves, new NameFilter([])).map(({ phase }) => phase)).toEqual([
      { step: 'begun', key: "XA X'61',X'',1" },
      { step: 'rollback', key: "XA X'61',X'',1" },
    ]);
  });

  it('tells what may run functions and triggers, and what is made that uses a table later', () => {
    const filter = new NameFilter([ORDERS]);
    const text = (sql: string): boolean | undefined => tell([statement(sql)], filter)[0]?.hasText;
    const touches = (sql: string) => tell([statement(sql)], filter)[0]?.touches;

    expect(['INSERT INTO a VALUES (1)', 'SELECT `shop`.`f`()', 'CREATE TABLE b SELECT 1'].map(text)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['CREATE VIEW v AS SELECT 1', 'TRUNCATE a'].map(text)).toEqual([false, false]);
    expect(touches('CREATE VIEW v AS SELECT * FROM orders')).toContainEqual(
      expect.objectContaining({ name: 'orders', verb: 'read', lenient: true, isStored: true }),
    );
    expect(touches('GRANT SELECT ON orders TO ann')).toContainEqual(
      expect.objectContaining({ name: 'orders', verb: 'read', lenient: true, isStored: false }),
    );
    expect(touches('CREATE TABLE b (a INT, CONSTRAINT c FOREIGN KEY (a) REFERENCES d (a))')).toMatchObject([
      { name: 'b', namesForeignKeys: true },
    ]);
  });

  it('says so when a statement cannot be read', () => {
    expect(read([statement('FROBNICATE orders')], null)).toEqual([['does something that cannot be read']]);
  });
});
