import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BinlogReader } from '../../src/binlog/binlog-reader.ts';
import { MAX_WHOLE_EVENT_BYTES } from '../../src/binlog/event-walker.ts';
import type { RowChange } from '../../src/binlog/group.ts';
import { BinlogBuilder, MYSQL, query, xid, type RawEvent } from '../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltColumn, type BuiltTable, type Value } from '../support/row-builder.ts';

/** A kind of column, and the values that it stores. */
interface ColumnKind {
  readonly type: number;
  readonly metadata: readonly number[];
  readonly value: fc.Arbitrary<Buffer>;
}

const bytes = (length: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

const fixed = (type: number, metadata: readonly number[], length: number): ColumnKind => ({
  type,
  metadata,
  value: bytes(length),
});

/** A length of so many bytes, and the value. */
const long = (type: number, metadata: readonly number[], prefix: number, most = 400): ColumnKind => ({
  type,
  metadata,
  value: fc.uint8Array({ maxLength: Math.min(most, 256 ** prefix - 1) }).map((array) => {
    const length = Buffer.alloc(prefix);
    length.writeUIntLE(array.length, 0, prefix);
    return Buffer.concat([length, array]);
  }),
});

const KINDS: readonly ColumnKind[] = [
  ...[fixed(1, [], 1), fixed(2, [], 2), fixed(3, [], 4), fixed(9, [], 3), fixed(8, [], 8), fixed(13, [], 1)],
  ...[fixed(4, [4], 4), fixed(5, [8], 8), fixed(10, [], 3), fixed(17, [0], 4), fixed(17, [5], 7), fixed(18, [6], 8)],
  ...[fixed(19, [3], 5), fixed(16, [0, 1], 1), fixed(16, [1, 1], 2), fixed(16, [7, 7], 8), fixed(246, [65, 30], 30)],
  ...[fixed(246, [10, 2], 5), fixed(246, [5, 5], 3), fixed(254, [247, 1], 1), fixed(254, [247, 2], 2)],
  ...[fixed(254, [248, 8], 8), long(254, [254, 40], 1), long(254, [0xee, 0xfc], 2), long(254, [0xde, 0], 2)],
  ...[long(15, [255, 0], 1), long(15, [0, 1], 2), long(15, [40, 0], 1), long(252, [1], 1), long(252, [2], 2)],
  ...[long(252, [3], 3), long(252, [4], 4), long(245, [4], 4), long(255, [4], 4), long(242, [4], 4)],
  ...[long(140, [2], 2), long(141, [0, 2], 2)],
];

interface Scene {
  readonly table: BuiltTable;
  readonly events: readonly RawEvent[];
  readonly deleted: number;
  readonly updated: number;
}

const columns = fc.array(fc.tuple(fc.constantFrom(...KINDS), fc.boolean()), { minLength: 1, maxLength: 20 });

function scenes(types: readonly number[]): fc.Arbitrary<Scene> {
  return fc.tuple(columns, fc.integer({ min: 1, max: 2 ** 40 })).chain(([kinds, id]) => {
    const table = tableOf(kinds, id);
    const event = fc.constantFrom(...types).chain((type) => rowEvent(table, kinds, type));
    return fc.array(event, { minLength: 1, maxLength: 4 }).map((events) => ({
      table,
      events: events.map(({ event: raw }) => raw),
      deleted: events.reduce((sum, { type, rows }) => sum + (isDelete(type) ? rows : 0), 0),
      updated: events.reduce((sum, { type, rows }) => sum + (isDelete(type) ? 0 : rows), 0),
    }));
  });
}

const isDelete = (type: number): boolean => type === 25 || type === 32;

/** The images of `rows` again and again, until the event is too large to hold. */
const largeEvents = fc.tuple(columns, fc.constantFrom(24, 25, 31, 32, 39)).chain(([kinds, type]) => {
  const table = tableOf(kinds, 11);
  const images = isDelete(type) ? 1 : 2;
  return fc
    .record({ present: presentOf(kinds, images), rows: fc.array(rowOf(kinds, images), { minLength: 1, maxLength: 3 }) })
    .map(({ present, rows }) => {
      const one =
        rowsOf({ table, type, present, rows }).body.length - rowsOf({ table, type, present, rows: [] }).body.length;
      const times = Math.ceil((1.2 * MAX_WHOLE_EVENT_BYTES) / one);
      const many = Array.from({ length: times }, () => rows).flat();
      return { table, type, rows: many.length, event: rowsOf({ table, type, present, rows: many }) };
    });
});

type Kinds = readonly (readonly [ColumnKind, boolean])[];

function tableOf(kinds: Kinds, id: number): BuiltTable {
  const built = kinds.map(([{ type, metadata }, nullable]): BuiltColumn => ({ type, metadata, nullable }));
  return { id, schema: 'shop', table: 'orders', columns: built };
}

/** Which columns each image has; the first has at least one. */
function presentOf(kinds: Kinds, images: number): fc.Arbitrary<boolean[][]> {
  const bits = fc.array(fc.boolean(), { minLength: kinds.length, maxLength: kinds.length });
  return fc
    .array(bits, { minLength: images, maxLength: images })
    .map(([first = [], ...rest]) => [first.includes(true) ? first : first.map(() => true), ...rest]);
}

function rowOf(kinds: Kinds, images: number): fc.Arbitrary<Value[][]> {
  const image = fc.tuple(
    ...kinds.map(([{ value }, nullable]): fc.Arbitrary<Value> => (nullable ? fc.option(value) : value)),
  );
  return fc.array(image, { minLength: images, maxLength: images });
}

function rowEvent(
  table: BuiltTable,
  kinds: Kinds,
  type: number,
): fc.Arbitrary<{ event: RawEvent; type: number; rows: number }> {
  const images = isDelete(type) ? 1 : 2;
  return fc
    .record({
      present: presentOf(kinds, images),
      rows: fc.array(rowOf(kinds, images), { maxLength: 12 }),
      extra: fc.constantFrom(Buffer.alloc(0), Buffer.from([0, 4, 1, 2])),
    })
    .map(({ present: bits, rows, extra }) => ({
      event: rowsOf({ table, type, present: bits, rows, extra }),
      type,
      rows: rows.length,
    }));
}

/** What a reader hands over when the bytes come in pieces of this size. */
function changesIn(log: Buffer, piece: number): RowChange[] {
  const changes: RowChange[] = [];
  const reader = new BinlogReader({
    verifyChecksums: true,
    visitor: {
      query: () => undefined,
      group: () => undefined,
      rows: (change) => changes.push({ ...change }),
    },
  });
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < log.length; at += piece) {
    rest = Buffer.concat([rest, log.subarray(at, at + piece)]);
    rest = rest.subarray(reader.walk(rest, 0, rest.length));
  }
  expect(reader.finish().problems).toEqual([]);
  return changes;
}

function totals(changes: readonly RowChange[]): { deleted: number; updated: number; exact: boolean } {
  const sum = (kind: string): number =>
    changes.filter((change) => change.kind === kind).reduce((total, { rows }) => total + rows, 0);
  return { deleted: sum('delete'), updated: sum('update'), exact: changes.every(({ exact }) => exact) };
}

function logOf({ table, events }: Pick<Scene, 'table' | 'events'>): BinlogBuilder {
  const statements = events.flatMap((event) => [tableMapOf(table), event]);
  return new BinlogBuilder({ version: MYSQL }).group([query('BEGIN'), ...statements, xid()], { ending: 'commit' });
}

describe('counting the rows of events', () => {
  it.each([
    ['of version 1', [24, 25]],
    ['of version 2, with partial JSON', [31, 32, 39]],
  ])('gives the rows that were written, whatever the table: %s', (_, types) => {
    fc.assert(
      fc.property(scenes(types), fc.integer({ min: 1, max: 4000 }), (scene, piece) => {
        const { bytes: log } = logOf(scene);
        const expected = { deleted: scene.deleted, updated: scene.updated, exact: true };
        expect(totals(changesIn(log, log.length))).toEqual(expected);
        expect(totals(changesIn(log, piece))).toEqual(expected);
      }),
      { numRuns: 150 },
    );
  });

  it('gives them for an event that is too large to hold, however its bytes arrive', () => {
    fc.assert(
      fc.property(largeEvents, fc.integer({ min: 70_000, max: 1_500_000 }), ({ table, event, type, rows }, piece) => {
        const { bytes: log } = logOf({ table, events: [event] });
        expect(log.length).toBeGreaterThan(MAX_WHOLE_EVENT_BYTES);
        const expected = { deleted: isDelete(type) ? rows : 0, updated: isDelete(type) ? 0 : rows, exact: true };
        expect(totals(changesIn(log, piece))).toEqual(expected);
      }),
      { numRuns: 15 },
    );
  });

  it('says that there are at least so many where an event is cut short or is of no table', () => {
    const table: BuiltTable = {
      id: 7,
      schema: 'shop',
      table: 'orders',
      columns: [{ type: 15, metadata: [100, 0], nullable: false }],
    };
    const rows = ['a', 'bc', 'def'].map((text) => [[Buffer.from([text.length, ...Buffer.from(text)])]]);
    const event = rowsOf({ table, type: 25, present: [[true]], rows });
    const cut: RawEvent = { ...event, body: event.body.subarray(0, -1) };
    const foreign = rowsOf({ table: { ...table, id: 8 }, type: 25, present: [[true]], rows });
    const { bytes: log } = logOf({ table, events: [event, cut, foreign] });
    const found = changesIn(log, log.length).map(({ table: name, rows: count, exact }) => [name, count, exact]);
    expect(found).toEqual([
      ['orders', 3, true],
      ['orders', 2, false],
      ['', 0, false],
    ]);
  });
});
