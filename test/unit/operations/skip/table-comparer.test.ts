import { describe, expect, it } from 'vitest';
import type { Group } from '../../../../src/binlog/group.ts';
import { formatGtid } from '../../../../src/binlog/gtid-text.ts';
import { readBinlog } from '../../../../src/binlog/read-binlog.ts';
import { TableComparer } from '../../../../src/operations/skip/table-comparer.ts';
import type { RowAnswer } from '../../../../src/recovery/consequences/analyse-skips.ts';
import type { GroupPlace } from '../../../../src/recovery/consequences/conflict-list.ts';
import { GroupSpans } from '../../../../src/recovery/consequences/group-spans.ts';
import type { TableFacts, TextType } from '../../../../src/recovery/consequences/table-facts.ts';
import { BinlogBuilder, mariadbGtid, xid, type RawEvent } from '../../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable, type Value } from '../../../support/row-builder.ts';

const [LONG, DOUBLE, DATE, VARCHAR, BLOB] = [3, 5, 10, 15, 252];
const [INSERT, UPDATE, DELETE, PARTIAL] = [30, 31, 32, 39];
const PLACE = { lineage: 'l', file: 'binlog.000001' };

const TABLE: BuiltTable = {
  ...{ id: 7, schema: 'shop', table: 'orders' },
  columns: [
    { type: LONG, metadata: [], nullable: false },
    { type: VARCHAR, metadata: [100, 0], nullable: true },
    { type: DATE, metadata: [], nullable: true },
    { type: DOUBLE, metadata: [8], nullable: true },
    { type: BLOB, metadata: [4], nullable: true },
  ],
};
const COLUMNS = ['id', 'name', 'day', 'size', 'picture'];
const ALL = COLUMNS.map(() => true);
const UTF8 = { charset: 'utf8mb4', collation: 'utf8mb4_unicode_ci' };

interface Row {
  readonly id: number;
  readonly name?: string | Buffer;
  readonly day?: readonly [year: number, month: number, day: number];
  readonly size?: number;
  readonly pictureBytes?: number;
}

function image({ id, name, day, size, pictureBytes }: Row): Value[] {
  const number = (bytes: number, value: number): Buffer => {
    const buffer = Buffer.alloc(bytes);
    buffer.writeUIntLE(value, 0, bytes);
    return buffer;
  };
  const double = Buffer.alloc(8);
  double.writeDoubleLE(size ?? 0);
  return [
    number(4, id),
    name === undefined ? null : Buffer.from([Buffer.byteLength(name), ...Buffer.from(name)]),
    day === undefined ? null : number(3, day[0] * 512 + day[1] * 32 + day[2]),
    size === undefined ? null : double,
    pictureBytes === undefined ? null : Buffer.concat([number(4, pictureBytes), Buffer.alloc(pictureBytes)]),
  ];
}

type Change = readonly [type: number, rows: readonly (readonly Row[])[], present?: readonly (readonly boolean[])[]];

const inserts = (...rows: Row[]): Change => [INSERT, rows.map((row) => [row])];
const deletes = (...rows: Row[]): Change => [DELETE, rows.map((row) => [row])];
const updates = (before: Row, after: Row): Change => [UPDATE, [[before, after]]];

function eventOf([type, rows, present]: Change): RawEvent {
  const images = type === UPDATE || type === PARTIAL ? [ALL, ALL] : [ALL];
  return rowsOf({ table: TABLE, type, present: present ?? images, rows: rows.map((row) => row.map(image)) });
}

interface Scene {
  readonly key?: readonly string[];
  readonly prefix?: number;
  /** Of its text; bytes where it is null. */
  readonly text?: TextType | null;
  readonly until?: number;
  /** A group that another skip leaves out. */
  readonly other?: number;
}

/** Compares by the primary key `id`, and by another unique key; the first group is skipped. */
async function compare(changes: readonly Change[], o: Scene = {}): Promise<RowAnswer[]> {
  const builder = new BinlogBuilder();
  const starts = changes.map((change, index) => {
    const events = [mariadbGtid(`0-101-${index + 1}`), tableMapOf(TABLE), eventOf(change), xid()];
    return builder.group(events, { ending: 'commit' }).groups.at(-1)?.start ?? 0;
  });
  const placeAt = (index: number): GroupPlace => ({ ...PLACE, start: starts[index] ?? 0, gtid: `0-101-${index + 1}` });
  const spanOf = (index: number): { lineage: string; file: string; start: number; end: number } => {
    return { ...PLACE, start: starts[index] ?? 0, end: starts[index + 1] ?? builder.size };
  };
  const own = new GroupSpans([spanOf(0)]);
  const skipped = new GroupSpans([spanOf(0), ...(o.other === undefined ? [] : [spanOf(o.other)])]);
  const keys = [['id'], o.key ?? []].filter((key) => key.length > 0);
  const facts: TableFacts = {
    columns: COLUMNS,
    uniqueKeys: keys.map((key) =>
      key.map((column) => ({
        ...{ column, prefix: column === 'id' ? null : (o.prefix ?? null) },
        text: column === 'name' ? (o.text === undefined ? UTF8 : o.text) : null,
      })),
    ),
    ...{ hasPrimaryKey: true, required: [], isChecked: false },
  };
  const question = {
    table: { type: 'table', schema: 'shop', name: 'orders' } as const,
    ...{ first: placeAt(1), referred: null, loose: null, until: o.until === undefined ? null : placeAt(o.until) },
  };
  const comparer = new TableComparer(question, { facts, own, skipped });
  let at = 0;
  const source = {
    read: async (target: Buffer, to: number) => {
      const taken = builder.bytes.copy(target, to, at, builder.size);
      at += taken;
      return await Promise.resolve(taken);
    },
  };
  await readBinlog(source, {
    verifyChecksums: true,
    visitor: {
      gathersRows: true,
      query: () => undefined,
      rows: (change, event) => {
        comparer.meet(change.kind, event, { ...PLACE, offset: change.offset });
      },
      group: ({ start, gtid }: Group) => {
        if (comparer.isPlaceless) comparer.settle({ ...PLACE, start, gtid: gtid && formatGtid(gtid) });
      },
    },
  });
  return comparer.answers;
}

describe('rows of a table behind a skip', () => {
  it('that come with the key of one that is still there fail, and their group is named', async () => {
    const [answer] = await compare([deletes({ id: 7 }), inserts({ id: 8 }), inserts({ id: 9 }, { id: 7 })]);

    expect(answer).toMatchObject({ kind: 'fails', why: 'gets a row whose key is still there: 7 (error 1062)' });
    expect(answer?.group).toMatchObject({ gtid: '0-101-3' });
    expect(await compare([deletes({ id: 7 }), inserts({ id: 8 }), updates({ id: 9 }, { id: 10 })])).toEqual([]);
  });

  it('that change one which never came fail, but not from where the table is another one', async () => {
    const changes = [inserts({ id: 7 }), updates({ id: 6 }, { id: 6 }), deletes({ id: 7 })];

    expect(await compare(changes)).toMatchObject([
      { kind: 'fails', why: 'has a row changed that is not there: 7 (error 1032)' },
    ]);
    expect(await compare(changes, { until: 2 })).toEqual([]);
  });

  it('may collide by text that a collation may take for the same, and never by NULL', async () => {
    const key = ['name'];

    expect(await compare([deletes({ id: 1, name: 'Zoë ' }), inserts({ id: 2, name: 'zoe' })], { key })).toMatchObject([
      { kind: 'may-fail', why: 'gets a row whose key is still there: zoe (error 1062)' },
    ]);
    expect(await compare([deletes({ id: 1 }), inserts({ id: 2 })], { key })).toEqual([]);
  });

  it.each([
    ['Straße', 'strase'],
    ['Łódź', 'lodz'],
    ['a🍣', 'a🍺'],
    ['さくら', 'サクラ'],
    ['a\u200bb', 'AB'],
    ['Müller', 'Myller'],
    ['Müller', 'MUELLER'],
    ['Åse', 'Aase'],
    ['٣', '3'],
    ['がっこう', 'カツコウ'],
    ['מלך', 'מלכ'],
  ])('may collide by %s and %s', async (one, other) => {
    const answers = await compare([deletes({ id: 1, name: one }), inserts({ id: 2, name: other })], { key: ['name'] });

    expect(answers).toMatchObject([{ kind: 'may-fail' }]);
  });

  it.each([
    ['latin1', 'latin1_swedish_ci', 'Caf\xe9', 'cafe'],
    ['latin1', 'latin1_swedish_ci', '\xc5se', '[se'],
    ['latin1', null, '\xc5se', '[se'],
    ['latin1', 'latin1_german2_ci', '\xfcber', 'ueber'],
    ['latin2', 'latin2_general_ci', '\xb9', 'S'],
    ['cp1251', 'cp1251_general_ci', '\xc0\xc1', '\xe0\xe1'],
    ['utf16', 'utf16_bin', '\0a', '\0a\0 '],
  ])('may collide in %s under %s: %j and %j', async (charset, collation, one, other) => {
    const text = { charset, collation };
    const [name, later] = [Buffer.from(one, 'latin1'), Buffer.from(other, 'latin1')];
    const changes = [deletes({ id: 1, name }), inserts({ id: 2, name: later })];

    const [answer] = await compare(changes, { key: ['name'], text });

    expect(answer).toMatchObject({ kind: 'may-fail', why: expect.stringContaining('still there') as string });
  });

  it.each([
    [{ charset: 'utf8mb4', collation: 'utf8mb4_bin' }, 'A', 'a'],
    [{ charset: 'latin1', collation: 'latin1_swedish_ci' }, 'a', 'b'],
    [null, 'A', 'a'],
  ])('do not collide where %j tells them apart', async (text, name, later) => {
    const changes = [deletes({ id: 1, name }), inserts({ id: 2, name: later })];
    expect(await compare(changes, { key: ['name'], text })).toEqual([]);
  });

  it.each([
    ['texts of macce_general_ci in name are not understood', { charset: 'macce', collation: 'macce_general_ci' }, 'a'],
    ['texts of swe7 in name are not understood', { charset: 'swe7', collation: null }, 'a'],
    ['a text in one of its keys is not understood', UTF8, Buffer.from([0xff])],
    ['a text in one of its keys is not understood', UTF8, 'שלום'],
  ])('may collide with anything: %s', async (why, text, name) => {
    const changes = [deletes({ id: 1, name }), inserts({ id: 2, name: 'other' })];

    const [answer] = await compare(changes, { key: ['name'], text });

    expect(answer).toMatchObject({ kind: 'may-fail', why: expect.stringContaining(why) as string });
  });

  it('are shown by their bytes where these are no text', async () => {
    for (const [name, shown] of [
      ['\u001b[2J', '0x1b5b324a'],
      [Buffer.from([0xff, 0x41]), '0xff41'],
      ['Zoë', 'Zoë'],
    ] as const) {
      const [answer] = await compare([deletes({ id: 1, name }), inserts({ id: 2, name })], {
        ...{ key: ['name'], text: null },
      });
      expect(answer?.why).toBe(`gets a row whose key is still there: ${shown} (error 1062)`);
    }
  });

  it('may collide by the first characters of a text, marks not counted', async () => {
    const changes = [deletes({ id: 1, name: 'e\u0301xy' }), inserts({ id: 2, name: 'e\u0301xz' })];

    expect(await compare(changes, { key: ['name'], prefix: 3 })).toMatchObject([{ kind: 'may-fail' }]);
    expect(await compare(changes, { key: ['name'], prefix: 4 })).toEqual([]);
  });

  it('may collide by the first bytes of what is no text', async () => {
    const changes = [deletes({ id: 1, name: 'éA' }), inserts({ id: 2, name: 'éa' })]; // two bytes, and one

    expect(await compare(changes, { key: ['name'], text: null, prefix: 2 })).toMatchObject([{ kind: 'may-fail' }]);
    expect(await compare(changes, { key: ['name'], text: null, prefix: 3 })).toEqual([]);
  });

  it('do not collide where two columns only look alike together', async () => {
    const changes = [deletes({ id: 1, name: 'a', pictureBytes: 1 }), inserts({ id: 2, name: 'a\0', pictureBytes: 0 })];
    expect(await compare(changes, { key: ['name', 'picture'], text: null })).toEqual([]);
  });

  it('collide by the whole of a long key, also where only its end tells two apart', async () => {
    const long = 'https://shop.example/orders/with/a/long/path/'.padEnd(90, 'x');
    const skipped = deletes({ id: 1, name: `${long}A` });

    expect(await compare([skipped, inserts({ id: 2, name: `${long}B` })], { key: ['name'] })).toEqual([]);
    for (const text of [null, UTF8]) {
      const changes = [skipped, inserts({ id: 2, name: `${long}${text === null ? 'A' : 'a'}` })];
      expect(await compare(changes, { key: ['name'], text })).toMatchObject([{ kind: expect.any(String) as string }]);
    }
  });

  it('do not collide with what another skip takes back', async () => {
    const changes = [inserts({ id: 7 }), deletes({ id: 7 }), inserts({ id: 7 }), updates({ id: 7 }, { id: 8 })];

    expect(await compare(changes)).toMatchObject([{ kind: 'fails' }]);
    expect(await compare(changes, { other: 1 })).toEqual([]);
  });

  it('collide only maybe by another key of a row that came back', async () => {
    const skipped: Change[] = [deletes({ id: 7, name: 'a', size: 1 }), inserts({ id: 7, name: 'a', size: 2 })];
    const changes = [...skipped, updates({ id: 7, size: 2 }, { id: 7, size: 3 }), inserts({ id: 8, size: 1 })];

    expect(await compare(changes, { key: ['size'], other: 1 })).toMatchObject([{ kind: 'may-fail' }]);
    expect(await compare([skipped[0] as Change, changes[3] as Change], { key: ['size'] })).toMatchObject([
      { kind: 'fails' },
    ]);
  });

  it('are told by all parts of a key, and zero is zero with either sign', async () => {
    const key = ['day', 'size'];
    const day = [2026, 11, 22] as const;
    const skipped = deletes({ id: 1, day, size: 0 });

    expect(await compare([skipped, inserts({ id: 2, day, size: 1 })], { key })).toEqual([]);
    expect(await compare([skipped, inserts({ id: 2, day, size: -0 })], { key })).toMatchObject([
      { kind: 'fails', why: expect.stringContaining('2026-11-22, 0x00') as string },
    ]);
  });

  it('have the key that they had where an image of the changed columns alone lacks it', async () => {
    const onlyName = COLUMNS.map((column) => column === 'name');
    const change: Change = [
      UPDATE,
      [
        [
          { id: 7, name: 'a' },
          { id: 0, name: 'b' },
        ],
      ],
      [ALL, onlyName],
    ];

    expect(await compare([deletes({ id: 0 }), change])).toEqual([]);
    expect(await compare([inserts({ id: 7 }), change])).toMatchObject([{ kind: 'fails' }]);
  });

  it('are in doubt where an image of the changed columns alone has but a part of a key, unless that is what it was', async () => {
    const has = (...names: string[]): boolean[] => COLUMNS.map((column) => names.includes(column));
    const moves = (before: readonly boolean[], name: string): Change => {
      return [UPDATE, [[{ id: 2, name: 'b', size: 1 }, { id: 2, name, size: 1 }]], [before, has('name')]]; // prettier-ignore
    };
    const skipped = deletes({ id: 1, name: 'a', size: 1 });
    const key = ['name', 'size'];

    expect(await compare([skipped, moves(has('id'), 'a')], { key, text: null })).toMatchObject([
      { kind: 'may-fail', why: expect.stringContaining('the log has not all columns of its rows') as string },
    ]);
    expect(await compare([skipped, moves(has('id', 'name'), 'b')], { key, text: null })).toEqual([]);
    expect(await compare([moves(has('id'), 'a'), inserts({ id: 3, name: 'b', size: 1 })], { key })).toMatchObject([
      { kind: 'may-fail', why: expect.stringContaining('the log has not all columns of the skipped rows') as string },
    ]);
  });

  it('are compared also in an event too large to hold', async () => {
    const large = { pictureBytes: 3 * 1024 * 1024 };
    const changes = [deletes({ id: 7, ...large }, { id: 8 }), inserts({ id: 6, ...large }, { id: 8 })];

    expect(await compare(changes)).toMatchObject([{ kind: 'fails', why: expect.stringContaining(': 8 (') as string }]);
  });

  it('are in doubt where the log has only changes of their values, or not the key', async () => {
    const partial: Change = [PARTIAL, [[{ id: 1 }, { id: 1 }]]];
    const withoutKey: Change = [DELETE, [[{ id: 1 }]], [COLUMNS.map((column) => column !== 'id')]];

    for (const change of [partial, withoutKey]) {
      expect(await compare([deletes({ id: 7 }), change])).toMatchObject([
        { kind: 'may-fail', why: expect.stringContaining('cannot be compared with the skipped ones') as string },
      ]);
    }
  });
});
