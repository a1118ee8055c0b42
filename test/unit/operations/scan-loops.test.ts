import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../../src/incident/incident.ts';
import { scan } from '../../../src/operations/scan.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { annotateRows, BinlogBuilder, gtidList, mariadbGtid, rotate, xid } from '../../support/binlog-builder.ts';
import { rowsOf, tableMapOf, type BuiltTable } from '../../support/row-builder.ts';

const DELETE = 25;
const ORDERS: BuiltTable = {
  id: 1,
  schema: 'shop',
  table: 'orders',
  columns: [{ type: 3, metadata: [], nullable: false }],
};

/** A loop of deletes in consecutive files: of each file the rows of its groups. */
async function scanLoop(
  files: readonly (readonly number[])[],
  { missing = [], pause = 0 }: { missing?: readonly number[]; pause?: number } = {},
): Promise<Incident[]> {
  await using folder = await makeTempDirectory('lastgood-scan-');
  let sequence = 0;
  let time = Date.UTC(2026, 10, 22, 10) / 1000;
  for (const [index, groups] of files.entries()) {
    const log = new BinlogBuilder({ time }).between(gtidList(sequence === 0 ? '' : `0-101-${sequence}`));
    for (const count of groups) addGroup(log, (sequence += 1), count);
    time = log.time + pause;
    const bytes = log.between(rotate(`binlog.00000${index + 2}`)).bytes;
    if (!missing.includes(index + 1)) await writeFile(join(folder.path, `binlog.00000${index + 1}`), bytes);
  }
  return (await scan({ paths: [folder.path], verifyChecksums: true })).incidents.slice();
}

function addGroup(log: BinlogBuilder, sequence: number, count: number): void {
  const rows = Array.from({ length: count }, () => [[Buffer.alloc(4)]]);
  const event = rowsOf({ table: ORDERS, type: DELETE, present: [[true]], endsStatement: true, rows });
  const statement = [annotateRows('DELETE FROM orders LIMIT 1000'), tableMapOf(ORDERS), event];
  log.group([mariadbGtid(`0-101-${sequence}`), ...statement, xid()], { ending: 'commit' });
}

const thousands = (count: number): number[] => Array.from({ length: count }, () => 1000);
const tell = (incidents: readonly Incident[]): string[] =>
  incidents.map(({ file, rows, loop }) => `${file.slice(-1)}: ${rows.deleted} of ${loop?.deleted ?? 'itself'}`);

describe('a loop of small deletes over a rotation', () => {
  it('is shown when all of it is a mass, whatever each file has of it', async () => {
    expect(tell(await scanLoop([thousands(18)]))).toEqual(['1: 18000 of itself']);
    const [first, second] = await scanLoop([thousands(9), thousands(9)]);
    expect([first, second]).toMatchObject([
      { file: 'binlog.000001', rows: { deleted: 9000 } },
      { file: 'binlog.000002', rows: { deleted: 9000 } },
    ]);
    expect(second?.loop).toEqual({
      deleted: 18_000,
      groups: 18,
      from: { file: 'binlog.000001', position: first?.start },
      to: { file: 'binlog.000002', position: second?.lastEnd },
    });
    expect(first?.loop).toEqual(second?.loop);
    expect(tell(await scanLoop([thousands(4), [], thousands(3), thousands(4)]))).toEqual([
      '1: 4000 of 11000',
      '3: 3000 of 11000',
      '4: 4000 of 11000',
    ]);
  });

  it('has all its rows, also where a file has too few for an incident of its own', async () => {
    expect(tell(await scanLoop([[50], [...thousands(9), 950], [40]]))).toEqual(['2: 9950 of 10040']);
  });

  it('is over after half a minute, and unknown behind a file that is missing', async () => {
    expect(await scanLoop([thousands(9), thousands(9)], { pause: 30 })).toEqual([]);
    expect(tell(await scanLoop([thousands(9), thousands(9)], { pause: 29 }))).toHaveLength(2);
    expect(await scanLoop([thousands(9), [], thousands(9)], { missing: [2] })).toEqual([]);
  });
});
