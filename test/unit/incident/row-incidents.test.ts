import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../../src/binlog/binlog-reader.ts';
import { IncidentFinder } from '../../../src/incident/finder.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import {
  annotateRows,
  BinlogBuilder,
  mariadbGtid,
  MYSQL,
  query,
  xaPrepare,
  xid,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable } from '../../support/row-builder.ts';

const UPDATE = 24;
const DELETE = 25;
const INSERT = 23;
const HAS_FOREIGN_KEYS = 2;

const table = (name: string, id: number): BuiltTable => ({
  id,
  schema: 'shop',
  table: name,
  columns: [{ type: 3, metadata: [], nullable: false }],
});
const ORDERS = table('orders', 1);
const ITEMS = table('items', 2);

function rows(of: BuiltTable, type: number, count: number, endsStatement = true): RawEvent {
  const images = type === UPDATE ? 2 : 1;
  const row = Array.from({ length: images }, () => [Buffer.alloc(4)]);
  const present = Array.from({ length: images }, () => [true]);
  return rowsOf({ table: of, type, present, endsStatement, rows: Array.from({ length: count }, () => row) });
}

const deletes = (of: BuiltTable, count: number, text = 'DELETE FROM t LIMIT 50'): RawEvent[] => [
  annotateRows(text),
  tableMapOf(of),
  rows(of, DELETE, count),
];

let sequence = 0;

/** A group of MariaDB. */
function addGroup(builder: BinlogBuilder, events: readonly RawEvent[], end: RawEvent = xid()): void {
  sequence += 1;
  builder.group([mariadbGtid(`0-101-${sequence}`), ...events, end], { ending: 'commit' });
}

/** All that is told of incidents, in order; a loop that goes on comes again. */
function told(builder: BinlogBuilder, piece = builder.size): Incident[] {
  const incidents: Incident[] = [];
  const keep = (incident: Incident): unknown => incidents.push(incident);
  const finder = new IncidentFinder({ lineage: null, found: keep, grown: keep });
  const reader = new BinlogReader({
    verifyChecksums: true,
    visitor: finder,
    onFormat: (format) => {
      finder.enterFile('binlog.000001', format);
    },
  });
  const { bytes } = builder;
  const block = Buffer.alloc(builder.size);
  let kept = 0;
  for (let at = 0; at < bytes.length; at += piece) {
    const filled = kept + bytes.copy(block, kept, at, at + piece);
    const used = reader.walk(block, 0, filled);
    block.copyWithin(0, used, filled);
    kept = filled - used;
    block.fill(0xff, kept); // what is left behind must not be read again
  }
  expect(reader.finish().problems).toEqual([]);
  return incidents;
}

/** The newest of each, as a catalog keeps them. */
function found(builder: BinlogBuilder): Incident[] {
  return [...new Map(told(builder).map((incident) => [incident.id, incident])).values()];
}

describe('rows of a group', () => {
  it('are an incident from 100 deleted or 1000 updated on, whichever table they are of', () => {
    const builder = new BinlogBuilder();
    for (const counts of [
      [99, 0],
      [60, 40],
      [0, 999],
      [0, 1000],
      [100, 1000],
    ] as const) {
      addGroup(builder, [
        tableMapOf(ORDERS),
        rows(ORDERS, DELETE, counts[0] - Math.floor(counts[0] / 2)),
        ...deletes(ITEMS, Math.floor(counts[0] / 2)),
        annotateRows('UPDATE orders SET id = id'),
        tableMapOf(ORDERS),
        rows(ORDERS, UPDATE, counts[1]),
      ]);
    }
    expect(found(builder).map(({ kind, rows: changed }) => ({ kind, ...changed }))).toEqual([
      { kind: 'mass-update', deleted: 0, updated: 1000 },
      { kind: 'mass-delete', deleted: 100, updated: 1000 },
    ]);
  });

  it('are each counted for their table, with the statement that changed most', () => {
    const builder = new BinlogBuilder();
    addGroup(builder, [
      ...deletes(ORDERS, 70, 'DELETE 1'),
      ...deletes(ITEMS, 80, 'DELETE 2'),
      ...deletes(ITEMS, 5, 'DELETE 3'),
    ]);
    for (const piece of [7, 100, 1000]) {
      expect(told(builder, piece)).toMatchObject([
        {
          kind: 'mass-delete',
          statement: 'DELETE 2',
          rows: { deleted: 155, updated: 0 },
          objects: [
            { name: 'orders', rows: { deleted: 70, updated: 0 } },
            { name: 'items', rows: { deleted: 85, updated: 0 } },
          ],
        },
      ]);
    }
  });

  it('that were deleted are shown with the statement that deleted most, though another updated more', () => {
    const builder = new BinlogBuilder();
    const updates = (count: number): RawEvent[] => [
      annotateRows('UPDATE items SET id = 0'),
      tableMapOf(ITEMS),
      rows(ITEMS, UPDATE, count),
    ];
    addGroup(builder, [...updates(5000), ...deletes(ORDERS, 120, 'DELETE FROM orders'), ...updates(20)]);
    addGroup(builder, [...deletes(ORDERS, 90, 'DELETE FROM orders'), ...updates(1000)]);
    for (const piece of [100, 100_000]) {
      expect(told(builder, piece).map(({ kind, statement }) => `${kind} ${statement}`)).toEqual([
        'mass-delete DELETE FROM orders',
        'mass-update UPDATE items SET id = 0',
      ]);
    }
  });

  it('that a REPLACE deletes are updated ones, where it puts others in their place', () => {
    const builder = new BinlogBuilder();
    const replaced = (text: string): RawEvent[] => [
      annotateRows(text),
      tableMapOf(ORDERS),
      rows(ORDERS, DELETE, 1200, false),
      rows(ORDERS, INSERT, 1200),
    ];
    addGroup(builder, replaced('/* nightly */ REPLACE INTO orders SELECT * FROM new'));
    addGroup(builder, replaced("LOAD DATA INFILE 'x' REPLACE INTO TABLE orders"));
    addGroup(builder, replaced('DELETE FROM orders'));
    expect(found(builder).map(({ kind, rows: changed }) => ({ kind, ...changed }))).toEqual([
      { kind: 'mass-update', deleted: 0, updated: 1200 },
      { kind: 'mass-update', deleted: 0, updated: 1200 },
      { kind: 'mass-delete', deleted: 1200, updated: 0 },
    ]);
  });

  it('whose children the server names but logs no rows of may have taken more along', () => {
    const builder = new BinlogBuilder();
    const statement = [annotateRows('DELETE FROM orders'), tableMapOf(ORDERS), tableMapOf(ITEMS)];
    addGroup(builder, [...statement, rows(ORDERS, DELETE, 100)]);
    addGroup(builder, [...statement, rows(ORDERS, DELETE, 100, false), rows(ITEMS, DELETE, 1)]);
    expect(found(builder).map(({ cascades }) => cascades)).toEqual([[{ schema: 'shop', name: 'items' }], undefined]);
    const mysql = new BinlogBuilder({ version: MYSQL });
    const parent = [tableMapOf(ORDERS, HAS_FOREIGN_KEYS), rows(ORDERS, DELETE, 100)];
    mysql.group([query('BEGIN'), ...parent, xid()], { ending: 'commit' });
    expect(found(mysql)).toMatchObject([{ cascades: true, threadId: 7, statement: '' }]);
  });

  it('are counted for a group that destroys in another way too', () => {
    const builder = new BinlogBuilder();
    addGroup(builder, [query('CREATE OR REPLACE TABLE `a` (id INT)'), ...deletes(ORDERS, 3)]);
    expect(found(builder)).toMatchObject([{ kind: 'replace-table', rows: { deleted: 3, updated: 0 } }]);
  });

  it('that a savepoint took back are none', () => {
    const builder = new BinlogBuilder();
    const [set, undo] = [query('SAVEPOINT `s`'), query('ROLLBACK TO `s`')];
    addGroup(builder, [...deletes(ITEMS, 100), set, ...deletes(ORDERS, 500), undo]);
    builder.time += 60; // no loop goes on so late
    addGroup(builder, [set, ...deletes(ORDERS, 500), undo, ...deletes(ITEMS, 99)]);
    for (const piece of [13, 900, builder.size])
      expect(told(builder, piece).map(({ rows: changed }) => changed)).toEqual([{ deleted: 100, updated: 0 }]);
  });

  it('are of no table when their own group did not name one', () => {
    const builder = new BinlogBuilder();
    addGroup(builder, deletes(ORDERS, 100));
    addGroup(builder, [rows(ORDERS, DELETE, 20_000)]);
    expect(found(builder).map(({ objects, rows: changed }) => [objects.length, changed])).toEqual([
      [1, { deleted: 100, updated: 0 }],
      [0, { deleted: 0, updated: 0, atLeast: true }],
    ]);
  });

  it('take effect only if their group does', () => {
    const builder = new BinlogBuilder();
    addGroup(builder, deletes(ORDERS, 100), query('ROLLBACK'));
    addGroup(builder, deletes(ORDERS, 100), xaPrepare('a'));
    builder.unfinished([mariadbGtid('0-101-999'), ...deletes(ORDERS, 100)]).between({ type: 3, body: Buffer.alloc(0) });
    expect(found(builder).map(({ state }) => state)).toEqual(['rolled-back', 'pending', 'rolled-back']);
  });

  it('that cannot be counted are at least so many, and a suspicion where they may be a mass', () => {
    const unknown: BuiltTable = { ...ORDERS, columns: [{ type: 99, metadata: [], nullable: false }] };
    const event = (bytes: number): RawEvent => {
      const { type, body } = rowsOf({ table: unknown, type: DELETE, present: [[true]], rows: [] });
      return { type, body: Buffer.concat([body, Buffer.alloc(bytes)]) };
    };
    const builder = new BinlogBuilder();
    addGroup(builder, [tableMapOf(unknown), event(1000)]);
    addGroup(builder, [tableMapOf(unknown), event(70_000)]);
    addGroup(builder, [tableMapOf(unknown), event(1000), ...deletes(ITEMS, 100)]);
    expect(found(builder)).toMatchObject([
      { suspicious: true, kind: 'mass-delete', rows: { deleted: 0, updated: 0, atLeast: true } },
      { suspicious: false, kind: 'mass-delete', rows: { deleted: 100, updated: 0, atLeast: true } },
    ]);
  });
});

describe('a loop of small deletes', () => {
  it('is one incident that grows, from the group on that makes it a mass', () => {
    const builder = new BinlogBuilder();
    for (const count of [50, 49, 1, 30]) {
      addGroup(builder, deletes(ORDERS, count, `DELETE FROM orders WHERE id > ${count} LIMIT 50`));
      addGroup(builder, deletes(ITEMS, 1));
    }
    const ends = builder.groups.filter((_, index) => index % 2 === 0);
    const loop = told(builder);
    expect(loop.map(({ rows: { deleted }, groups, lastEnd }) => ({ deleted, groups, lastEnd }))).toEqual([
      { deleted: 100, groups: 3, lastEnd: ends[2]?.end },
      { deleted: 130, groups: 4, lastEnd: ends[3]?.end },
    ]);
    expect(new Set(loop.map(({ id }) => id)).size).toBe(1);
    expect(loop.at(-1)).toMatchObject({ start: ends[0]?.start, end: ends[0]?.end, lastGood: { end: ends[0]?.start } });
    for (const piece of [11, 64, 999]) expect(told(builder, piece)).toEqual(loop);
  });

  it('is over after half a minute, and never one of another table, statement, server or thread', () => {
    const builder = new BinlogBuilder();
    addGroup(builder, deletes(ORDERS, 60));
    builder.time += 31;
    addGroup(builder, deletes(ORDERS, 60));
    addGroup(builder, deletes(ITEMS, 60));
    addGroup(builder, deletes(ORDERS, 60, 'DELETE FROM orders WHERE paid LIMIT 50'));
    expect(told(builder)).toEqual([]);
    addGroup(builder, deletes(ORDERS, 60));
    expect(told(builder)).toMatchObject([{ groups: 2, rows: { deleted: 120 } }]);
  });

  it('does not begin with a few rows, as the queue of a worker would', () => {
    const builder = new BinlogBuilder();
    for (let group = 0; group < 200; group += 1) addGroup(builder, deletes(ORDERS, 24));
    expect(told(builder)).toEqual([]);
  });
});
