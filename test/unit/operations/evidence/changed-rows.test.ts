import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ArchivedSegment } from '../../../../src/archive/repository.ts';
import { findChangedRows } from '../../../../src/operations/evidence/lost-rows.ts';
import { whyNotUndoable } from '../../../../src/operations/evidence/undoable.ts';
import type { LogPart } from '../../../../src/operations/evidence/whole-events.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';
import { BinlogBuilder, mariadbGtid, query, xid, type RawEvent } from '../../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable } from '../../../support/row-builder.ts';

const LONG = { type: 3, metadata: [], nullable: false };
const DELETE = 25;

function deletion(table: BuiltTable): RawEvent[] {
  const values = table.columns.map(() => Buffer.alloc(4));
  const present = [table.columns.map(() => true)];
  return [tableMapOf(table), rowsOf({ table, type: DELETE, present, rows: [[values]] })];
}

const NARROW: BuiltTable = { id: 1, schema: 'shop', table: 't', columns: [LONG] };
const WIDE: BuiltTable = { ...NARROW, id: 2, columns: [LONG, LONG] };

/** Hands the work one group of these events as a part of a log. */
async function withGroup<T>(events: readonly RawEvent[], work: (part: LogPart) => Promise<T>): Promise<T> {
  await using folder = await makeTempDirectory('lastgood-test-');
  const builder = new BinlogBuilder().group([mariadbGtid('0-101-1'), ...events, xid()], { ending: 'commit' });
  const path = join(folder.path, 'binlog.000001');
  await writeFile(path, builder.bytes);
  const segment = {
    path,
    file: 'binlog.000001',
    lineage: 'l',
    state: 'open',
    manifest: null,
  } as unknown as ArchivedSegment;
  const [group] = builder.groups;
  return await work({ segment, start: group?.start ?? 0, end: group?.end ?? 0 });
}

describe('rows of one table under two definitions', () => {
  it('are not read under one of them', async () => {
    const { tables } = await withGroup([...deletion(NARROW), ...deletion(WIDE)], findChangedRows);
    expect(tables.map(({ problem }) => problem)).toEqual(['its definition changed between these rows']);
  });

  it('are one table when only its number is another one', async () => {
    const { tables } = await withGroup([...deletion(NARROW), ...deletion({ ...NARROW, id: 9 })], findChangedRows);
    expect(tables).toMatchObject([{ problem: null, events: { delete: 2 } }]);
  });

  it('are unread when the log does not say of which table they are', async () => {
    const { unread } = await withGroup(deletion(NARROW).slice(1), findChangedRows);
    expect(unread).toMatch(/does not describe/);
  });
});

describe('a transaction', () => {
  it('of rows alone can be undone, also with savepoints', async () => {
    expect(await withGroup([query('SAVEPOINT `a`'), ...deletion(NARROW)], whyNotUndoable)).toBeNull();
  });

  it('that took changes back cannot', async () => {
    const events = [query('SAVEPOINT `a`'), ...deletion(NARROW), query('ROLLBACK TO `a`')];
    expect(await withGroup(events, whyNotUndoable)).toMatch(/ROLLBACK TO SAVEPOINT/);
  });

  it('with statements in text form cannot', async () => {
    const events = [query('INSERT INTO t VALUES (9999)'), ...deletion(NARROW)];
    expect(await withGroup(events, whyNotUndoable)).toMatch(/in text form/);
  });
});
