import { describe, expect, it } from 'vitest';
import type { MappedTable } from '../../../../src/operations/evidence/mapped-table.ts';
import type { RowsBatch } from '../../../../src/operations/evidence/read-rows.ts';
import type { RowsKind } from '../../../../src/operations/evidence/rows-events.ts';
import { KeyDifferences } from '../../../../src/operations/skip/key-differences.ts';
import { KeyReader } from '../../../../src/operations/skip/row-keys.ts';

const [LONG, VARCHAR] = [3, 15];
const TABLE = { columns: [{ type: LONG }, { type: VARCHAR }] } as unknown as MappedTable;
const ALL = Buffer.from([3]);
const FIRST = Buffer.from([1]);

type Row = readonly [id: number, name: string | null];

function batch(kind: RowsKind, rows: readonly (readonly [Row, Row?])[], present = [ALL, ALL] as const): RowsBatch {
  const image = ([id, name]: Row): Record<string, unknown> => ({ '0': id, '1': name });
  return {
    table: TABLE,
    head: { kind, tableId: 1, present: [...present] },
    rows: rows.map(([before, after]) => ({ before: image(before), after: after === undefined ? null : image(after) })),
  };
}

/** Of the first column, the primary key, or of the second one. */
function keys(column: 'id' | 'name' = 'id'): KeyDifferences {
  const uniqueKeys = ['id', 'name'].map((name) => [{ column: name, prefix: null }]);
  const facts = { columns: ['id', 'name'], uniqueKeys, hasPrimaryKey: true, required: [], isChecked: false };
  return new KeyDifferences(new KeyReader(TABLE, facts, uniqueKeys[column === 'id' ? 0 : 1] ?? []));
}

describe('keys of skipped rows', () => {
  it('are told to have moved once an update gave a row another one', () => {
    const [same, moved] = [keys(), keys()];
    same.skip(
      batch('update', [
        [
          [1, 'a'],
          [1, 'b'],
        ],
      ]),
    );
    moved.skip(
      batch('update', [
        [
          [1, 'a'],
          [2, 'a'],
        ],
      ]),
    );

    expect([same.isMoved, moved.isMoved]).toEqual([false, true]);
  });

  it('collide with a row that comes with the key of a deleted one', () => {
    const skipped = keys();
    skipped.skip(batch('delete', [[[1, 'a']], [[2, 'b']]]));

    expect(skipped.meet(batch('insert', [[[3, 'c']]]))).toBeNull();
    expect(skipped.meet(batch('insert', [[[2, 'c']]]))).toEqual({ error: 1062, key: '2' });
    expect(
      skipped.meet(
        batch('update', [
          [
            [9, 'x'],
            [1, 'x'],
          ],
        ]),
      ),
    ).toEqual({ error: 1062, key: '1' });
    expect(
      skipped.meet(
        batch('update', [
          [
            [9, 'x'],
            [9, 'y'],
          ],
        ]),
      ),
    ).toBeNull();
  });

  it('are missed by what changes an inserted one', () => {
    const skipped = keys();
    skipped.skip(batch('insert', [[[1, 'a']]]));

    expect(skipped.meet(batch('insert', [[[1, 'a']]]))).toBeNull();
    expect(skipped.meet(batch('delete', [[[1, 'a']]]))).toEqual({ error: 1032, key: '1' });
    expect(
      skipped.meet(
        batch('update', [
          [
            [1, 'a'],
            [1, 'b'],
          ],
        ]),
      ),
    ).toEqual({ error: 1032, key: '1' });
  });

  it('are the old one and the new one of an update that changed it, and nothing of another', () => {
    const skipped = keys();
    skipped.skip(
      batch('update', [
        [
          [1, 'a'],
          [1, 'b'],
        ],
        [
          [2, 'c'],
          [5, 'c'],
        ],
      ]),
    );

    expect(
      skipped.meet(
        batch('update', [
          [
            [1, 'b'],
            [1, 'z'],
          ],
        ]),
      ),
    ).toBeNull();
    expect(skipped.meet(batch('insert', [[[2, 'new']]]))).toEqual({ error: 1062, key: '2' });
    expect(skipped.meet(batch('delete', [[[5, 'c']]]))).toEqual({ error: 1032, key: '5' });
  });

  it('are nothing where one group takes back what it did', () => {
    const skipped = keys();
    skipped.skip(batch('delete', [[[1, 'a']]]));
    skipped.skip(batch('insert', [[[1, 'b']]]));

    expect(skipped.meet(batch('insert', [[[1, 'c']]]))).toBeNull();
    expect(skipped.meet(batch('delete', [[[1, 'c']]]))).toBeNull();
  });

  it('of text are equal where a collation may say so, NULL to none', () => {
    const skipped = keys('name');
    skipped.skip(batch('delete', [[[1, 'Zoë ']], [[2, null]]]));

    expect(skipped.reader.isExact).toBe(false);
    expect(skipped.meet(batch('insert', [[[7, 'zoe']]]))).toEqual({ error: 1062, key: 'ZOE' });
    expect(skipped.meet(batch('insert', [[[8, null]]]))).toBeNull();
  });

  it('are in doubt where the log has not all columns', () => {
    const skipped = keys('name');
    skipped.skip(batch('delete', [[[1, null]]], [FIRST, FIRST]));

    expect(skipped.doubt).toMatch(/not all columns of the skipped rows/);
  });
});
