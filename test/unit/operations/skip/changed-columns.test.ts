import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../../../../src/archive/repository.ts';
import { findChangedColumns } from '../../../../src/operations/skip/changed-columns.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';
import { NO_DEFINITIONS, type ForeignKeyAction } from '../../../../src/recovery/consequences/table-facts.ts';
import { BinlogBuilder, mariadbGtid, xid } from '../../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable } from '../../../support/row-builder.ts';

const INT = { type: 3, metadata: [], nullable: true };
const TABLE: BuiltTable = { id: 7, schema: 'shop', table: 'p', columns: [INT, INT, INT] };
const PARENT = { type: 'table', schema: 'shop', name: 'p' } as const;
const CHILD = { ...PARENT, name: 'c' };
const PLACE = { lineage: 'l', file: 'binlog.000001' };
const FACTS = {
  ...{ columns: ['id', 'code', 'note'], uniqueKeys: [], hasPrimaryKey: true, required: [], isChecked: false },
};

type Row = readonly (number | null)[];

function images(row: Row): (Buffer | null)[] {
  return row.map((value) => {
    if (value === null) return null;
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    return bytes;
  });
}

/** Updates rows in the skipped group, and one more behind it; foreign keys refer to id and code. */
async function changedBy(
  updates: readonly { before: Row; after: Row; present?: readonly [boolean[], boolean[]] }[],
  o: { onUpdate?: ForeignKeyAction; columns?: string[] } = {},
): Promise<readonly string[] | null> {
  await using folder = await makeTempDirectory('lastgood-rows-');
  const path = join(folder.path, PLACE.file);
  const all = [true, true, true];
  const log = new BinlogBuilder();
  const events = updates.flatMap(({ before, after, present = [all, all] }) => [
    tableMapOf(TABLE),
    rowsOf({ table: TABLE, type: 31, present, rows: [[images(before), images(after)]] }),
  ]);
  log.group([mariadbGtid('0-101-1'), ...events, xid()], { ending: 'commit' });
  const behind = rowsOf({
    table: TABLE,
    type: 31,
    present: [all, all],
    rows: [[images([1, 1, 1]), images([9, 9, 9])]],
  });
  log.group([mariadbGtid('0-101-2'), tableMapOf(TABLE), behind, xid()], { ending: 'commit' });
  await writeFile(path, log.bytes);
  const segment = { ...PLACE, path, state: 'open', bytes: log.size, manifest: null, keys: null };
  const { start = 0, end = 0 } = log.groups[0] ?? {};
  const { onUpdate = 'cascade', columns = FACTS.columns } = o;
  const key = { child: CHILD, parent: PARENT, columns: ['up'], onDelete: 'restrict', onUpdate } as const;
  const changed = await findChangedColumns({
    repository: { segments: async () => await Promise.resolve([segment]) } as unknown as Repository,
    definitions: {
      ...{ ...NO_DEFINITIONS, table: () => ({ ...FACTS, columns }) },
      foreignKeys: [
        { ...key, parentColumns: ['id'] },
        { ...key, parentColumns: ['Code'] },
      ],
    },
    foldsCase: false,
    plan: { segments: [], skippedSegments: [{ ...PLACE, from: start, to: end, bytes: end - start }] },
  });
  return changed(PARENT);
}

describe('columns that skipped updates changed', () => {
  it('are told of the skipped group alone, and of those that others refer to', async () => {
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 1, 7] }])).toEqual([]);
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 5, 7] }])).toEqual(['Code']);
    expect(
      await changedBy([
        { before: [1, 1, 1], after: [1, 1, 1] },
        { before: [2, null, 1], after: [3, 1, 1] },
      ]),
    ).toEqual(['id', 'Code']);
  });

  it('are those that only the new image has, and not those that it lacks', async () => {
    const present = (after: boolean[]): [boolean[], boolean[]] => [[true, false, false], after];

    expect(await changedBy([{ before: [1, 1, 1], after: [1, 5, 1], present: present([false, true, false]) }])).toEqual([
      'Code',
    ]);
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 1, 5], present: present([false, false, true]) }])).toEqual(
      [],
    );
  });

  it('are any where that is not known, or nobody asks', async () => {
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 1, 7] }], { columns: ['id', 'code'] })).toBeNull();
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 1, 7] }], { columns: ['id', 'x', 'y'] })).toBeNull();
    expect(await changedBy([{ before: [1, 1, 1], after: [1, 1, 7] }], { onUpdate: 'restrict' })).toBeNull();
  });
});
