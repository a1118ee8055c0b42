import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Repository } from '../../../../src/archive/repository.ts';
import { compareRows } from '../../../../src/operations/skip/compare-rows.ts';
import { makeTempDirectory } from '../../../../src/platform/temp-dir.ts';
import type { RowAnswer } from '../../../../src/recovery/consequences/analyse-skips.ts';
import { NO_DEFINITIONS } from '../../../../src/recovery/consequences/table-facts.ts';
import type { Skip } from '../../../../src/recovery/skip.ts';
import { BinlogBuilder, mariadbGtid, xid, type RawEvent } from '../../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable } from '../../../support/row-builder.ts';

const TABLE: BuiltTable = { id: 7, schema: 'shop', table: 't', columns: [{ type: 3, metadata: [], nullable: false }] };
const OTHER: BuiltTable = {
  id: 8,
  schema: 'shop',
  table: 'u',
  columns: [{ type: 252, metadata: [4], nullable: false }],
};
const PLACE = { lineage: 'l', file: 'binlog.000001' };
const FACTS = {
  ...{ columns: ['id'], uniqueKeys: [[{ column: 'id', prefix: null, text: null }]], hasPrimaryKey: true },
  ...{ required: [], isChecked: false },
};

function row(type: number, id: number): RawEvent[] {
  const value = Buffer.alloc(4);
  value.writeInt32LE(id);
  return [tableMapOf(TABLE), rowsOf({ table: TABLE, type, present: [[true]], rows: [[[value]]] })];
}

const inserted = (id: number): RawEvent[] => row(30, id);

/** Rows of another table, much more than is read at once. */
function longOnes(): RawEvent[] {
  const value = Buffer.alloc(4 + 700_000);
  value.writeUInt32LE(700_000);
  const rows = rowsOf({ table: OTHER, type: 30, present: [[true]], rows: [[[value]]] });
  return Array.from({ length: 12 }, () => [tableMapOf(OTHER), rows]).flat();
}

/**
 * The first group, which deletes the row 7, is left out.
 *
 * @param o.next writes another file behind it; with `isCut` the table is another one from the last group of the first on,
 *   with `isLoose` its rows may have gone by then
 */
async function answersBehind(
  write: (log: BinlogBuilder) => void,
  o: { next?: (log: BinlogBuilder) => void; isCut?: boolean; isLoose?: boolean } = {},
): Promise<readonly RowAnswer[] | undefined> {
  await using folder = await makeTempDirectory('lastgood-rows-');
  const path = join(folder.path, PLACE.file);
  const log = new BinlogBuilder();
  const groupOf = (sequence: number, events: readonly RawEvent[]): BinlogBuilder =>
    log.group([mariadbGtid(`0-101-${sequence}`), ...events, xid()], { ending: 'commit' });
  const { start = 0, end = 0 } = groupOf(1, row(32, 7)).groups[0] ?? {};
  groupOf(2, inserted(8));
  write(log);
  await writeFile(path, log.bytes);
  const segment = { ...PLACE, path, state: 'open', bytes: log.size, manifest: null, keys: null };
  const next = new BinlogBuilder();
  o.next?.(next);
  const after = { ...segment, file: 'binlog.000002', path: join(folder.path, 'binlog.000002'), bytes: next.size };
  await writeFile(after.path, next.bytes);
  const segments = async (): Promise<unknown[]> => await Promise.resolve([segment, after]);
  const skip = { groups: [{ ...PLACE, start, end }] } as unknown as Skip;
  const lastGroup = { ...PLACE, start: log.groups.at(-1)?.start ?? 0, gtid: null };
  const question = {
    table: { type: 'table', schema: 'shop', name: 't' } as const,
    ...{ first: { ...PLACE, start: end, gtid: '0-101-2' }, referred: null },
    loose: o.isLoose === true ? lastGroup : null,
    until: o.isCut === true ? lastGroup : null,
  };
  const [answers] = await compareRows([{ question, skip }], {
    repository: { segments } as unknown as Repository,
    definitions: { ...NO_DEFINITIONS, table: () => FACTS },
    foldsCase: false,
    plan: {
      segments: [
        { ...PLACE, from: end, to: log.size, bytes: log.size - end },
        ...(o.next === undefined ? [] : [{ ...PLACE, file: after.file, from: 4, to: next.size, bytes: next.size }]),
      ],
      skippedSegments: [{ ...PLACE, from: start, to: end, bytes: end - start }],
    },
  });
  return answers;
}

describe('a row that collides', () => {
  it('is of its own group, however long that is', async () => {
    const answers = await answersBehind((log) => {
      log.group([mariadbGtid('0-101-3'), ...inserted(7), ...longOnes(), xid()], { ending: 'commit' });
    });

    expect(answers).toMatchObject([{ kind: 'fails', group: { gtid: '0-101-3' } }]);
  });

  it('is none behind the group that emptied its table, also in a later file', async () => {
    const emptied = (log: BinlogBuilder): void => {
      log.group([mariadbGtid('0-101-3'), ...longOnes(), xid()], { ending: 'commit' });
    };
    const next = (log: BinlogBuilder): void => {
      log.group([mariadbGtid('0-101-4'), ...inserted(7), xid()], { ending: 'commit' });
    };

    expect(await answersBehind(emptied, { next })).toMatchObject([{ kind: 'fails', group: { gtid: '0-101-4' } }]);
    expect(await answersBehind(emptied, { next, isCut: true })).toEqual([]);
    expect(await answersBehind(emptied, { next, isLoose: true })).toMatchObject([{ kind: 'may-fail' }]);
  });

  it('is none where its group never ended', async () => {
    const answers = await answersBehind((log) => {
      log.unfinished([mariadbGtid('0-101-3'), ...inserted(7), ...longOnes()]);
      log.group([mariadbGtid('0-101-3'), ...inserted(9), xid()], { ending: 'commit' });
    });

    expect(answers).toEqual([]);
  });
});
