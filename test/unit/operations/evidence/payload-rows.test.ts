import { stat } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { readSegmentFormat } from '../../../../src/archive/read-segment.ts';
import type { ArchivedSegment } from '../../../../src/archive/repository.ts';
import { FIRST_EVENT_OFFSET } from '../../../../src/binlog/coordinates.ts';
import { EVENT } from '../../../../src/binlog/event-type.ts';
import { findChangedRows } from '../../../../src/operations/evidence/lost-rows.ts';
import { readWholeEvents, type LogPart } from '../../../../src/operations/evidence/whole-events.ts';
import { BINLOG_FIXTURES_ABSENT, binlogFixture } from '../../../support/fixture-paths.ts';

const WRITE_ROWS = 30;

/** A whole file of MySQL 8, as if it were archived. */
async function partOf(name: string): Promise<LogPart> {
  const path = binlogFixture(name);
  const segment = { path, file: name, lineage: 'l', state: 'open', manifest: null } as unknown as ArchivedSegment;
  const { bytes } = await readSegmentFormat(segment);
  return { segment, start: FIRST_EVENT_OFFSET + bytes.length, end: (await stat(path)).size };
}

describe.skipIf(BINLOG_FIXTURES_ABSENT)('the rows of MySQL 8', () => {
  it('are found inside a compressed payload', async () => {
    const part = await partOf('mysql/8.0.32-transaction-payload.000001');
    const types: number[] = [];
    for await (const { type } of readWholeEvents(part)) types.push(type);
    expect(types).not.toContain(EVENT.TRANSACTION_PAYLOAD);
    expect(types.slice(-5)).toEqual([EVENT.QUERY, EVENT.TABLE_MAP, WRITE_ROWS, EVENT.XID, EVENT.ROTATE]);
    const { tables, unread } = await findChangedRows(part);
    expect(tables).toMatchObject([
      { table: { schema: 'test', name: 'tb1' }, events: { insert: 1, update: 0, delete: 0 }, problem: null },
    ]);
    expect(unread).toBeNull();
  });

  it('are said to be unreadable where JSON values are written as differences', async () => {
    const { unread } = await findChangedRows(await partOf('mysql/8.0.22-json-partial-update.000001'));
    expect(unread).toMatch(/PARTIAL_JSON/);
  });
});
