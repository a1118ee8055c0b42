import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { backwards } from '../../../../src/operations/evidence/backwards.ts';
import { COLUMN_TYPE as T } from '../../../../src/operations/evidence/column-type.ts';
import { formatOf } from '../../../../src/operations/evidence/column-format.ts';
import type { RowsBatch } from '../../../../src/operations/evidence/read-rows.ts';
import { rowsAs } from '../../../../src/operations/evidence/rows-as.ts';
import { tableKey } from '../../../../src/operations/evidence/table-definition.ts';
import type { WritableTable } from '../../../../src/operations/evidence/writable-table.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';

async function* each<T>(...pieces: T[]): AsyncGenerator<T> {
  for (const piece of pieces) yield await Promise.resolve(piece);
}

describe('pieces backwards', () => {
  it('come last one first, and wait in a file that has no name', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    const got: string[] = [];
    for await (const piece of backwards(each('one', 'two', 'three'), folder.path)) {
      expect(await readdir(folder.path)).toEqual([]);
      got.push(piece);
    }
    expect(got).toEqual(['three', 'two', 'one']);
  });

  it('say which folder takes nothing', async () => {
    const pieces = backwards(each('one'), '/nowhere/at/all');
    await expect(pieces.next()).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      details: { folder: '/nowhere/at/all' },
    });
  });
});

describe('the SQL of a long row', () => {
  const type = { type: T.BLOB, size: 4, scale: 0 };
  const format = formatOf(type, { name: 'v', type: 'longblob', charset: null, generated: false });
  const column = { name: 'v', key: '0', index: 0, type: T.BLOB, format, generated: false };
  const table: WritableTable = { schema: 'a.b', name: 'c', columns: [column], primaryKey: null };

  async function sqlOf(bytes: number): Promise<string> {
    const head = { kind: 'delete', tableId: 1, present: [Buffer.from([1]), Buffer.from([1])] };
    const batch = { table, head, rows: [{ before: { 0: Buffer.alloc(bytes) }, after: null }] } as unknown as RowsBatch;
    const tables = new Map([[tableKey(table), table]]);
    const pieces: string[] = [];
    for await (const piece of rowsAs('sql', { batches: each(batch), tables, about: ['why'] })) pieces.push(piece);
    return pieces.join('');
  }

  it('says in its head what servers and clients must take', async () => {
    expect(await sqlOf(1000)).not.toContain('max_allowed_packet');
    const head = (await sqlOf(9 * 1024 * 1024)).slice(0, 200);
    expect(head).toMatch(
      /^-- why\n-- Its longest statement has 18874\d\d\d bytes: .* need max_allowed_packet = 19922944\.\n/,
    );
  });

  it('does not take a table for one whose dot stands elsewhere', () => {
    expect(tableKey({ schema: 'a.b', name: 'c' })).not.toBe(tableKey({ schema: 'a', name: 'b.c' }));
  });
});
