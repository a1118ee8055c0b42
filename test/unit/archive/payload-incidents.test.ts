import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SegmentIndexer } from '../../../src/archive/segment-indexer.ts';
import { BinlogReader } from '../../../src/binlog/binlog-reader.ts';
import type { Incident } from '../../../src/incident/incident.ts';
import { scan } from '../../../src/operations/scan.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import {
  BinlogBuilder,
  MYSQL,
  mysqlGtid,
  previousGtids,
  query,
  tableMap,
  writeRows,
  xid,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { transactionPayload } from '../../support/payload-builder.ts';

const UUID = '5577bbaa-0402-11f1-b1b8-4ef0c4956feb';
const FILE = 'binlog.000001';
const BEGIN = query('BEGIN');
const MIB = 1024 * 1024;

/** 250 rows of one INT each in one DELETE_ROWS event of version 2. */
const DELETE: RawEvent = {
  type: 32,
  body: Buffer.concat([Buffer.from([18, 0, 0, 0, 0, 0, 1, 0, 2, 0, 1, 1]), Buffer.alloc(5 * 250)]),
};

function log(payload: RawEvent): BinlogBuilder {
  return new BinlogBuilder({ version: MYSQL })
    .between(previousGtids([{ uuid: UUID, intervals: [[1, 6]] }]))
    .group([mysqlGtid(`${UUID}:6`), query('CREATE TABLE t (a INT)')], { gtid: `${UUID}:6`, ending: 'statement' })
    .group([mysqlGtid(`${UUID}:7`), payload], { gtid: `${UUID}:7`, ending: 'commit' });
}

/** As the archiver finds them: from pieces, while the file grows. */
function archived(bytes: Buffer): Promise<readonly Incident[]> {
  const indexer = new SegmentIndexer({ lineage: 'shop-1a2b', file: FILE, last: null });
  const reader = new BinlogReader({
    visitor: indexer,
    verifyChecksums: true,
    onFormat: (format) => {
      indexer.format(format);
    },
  });
  let rest: Buffer = Buffer.alloc(0);
  for (let at = 0; at < bytes.length; at += MIB) {
    const buffer = Buffer.concat([rest, bytes.subarray(at, at + MIB)]);
    rest = buffer.subarray(reader.walk(buffer, 0, buffer.length));
  }
  return Promise.resolve(indexer.update(reader.counts, 'open')?.incidents ?? []);
}

async function scanned(bytes: Buffer): Promise<readonly Incident[]> {
  await using folder = await makeTempDirectory('lastgood-test-');
  const path = join(folder.path, FILE);
  await writeFile(path, bytes);
  return (await scan({ paths: [path], verifyChecksums: true, massRows: 100 })).incidents;
}

describe.each([
  ['archived', archived],
  ['scanned', scanned],
])('what a payload destroys, in a log that is %s', (_, incidentsOf) => {
  const place = (builder: BinlogBuilder): object => {
    const [before, group] = builder.groups;
    return {
      start: group?.start,
      end: group?.end,
      gtid: `${UUID}:7`,
      lastGood: { gtid: `${UUID}:6`, end: before?.end },
    };
  };

  it.each([
    ['small', []],
    ['larger than is held', [writeRows(3 * MIB)]],
  ])('is found at the place of the group: %s', async (__, others) => {
    const inner = [BEGIN, ...others, tableMap('shop', 't'), DELETE, query('DROP TABLE a, `b`'), xid()];
    const builder = log(transactionPayload(inner, { compression: 'none' }));
    expect(await incidentsOf(builder.bytes)).toMatchObject([
      {
        ...place(builder),
        kind: 'drop-table',
        state: 'effective',
        objects: expect.arrayContaining([
          { schema: 'shop', name: 'a', type: 'table' },
          { schema: 'shop', name: 'b', type: 'table' },
        ]) as unknown,
        rows: { deleted: 250, updated: 0 },
      },
    ]);
  });

  it('is not said to be nothing when the payload cannot be read', async () => {
    const builder = log(transactionPayload([BEGIN, query('INSERT INTO t VALUES (1)'), xid()], { plainBytes: 5 }));
    expect(await incidentsOf(builder.bytes)).toMatchObject([{ ...place(builder), kind: 'unclassified' }]);
  });
});
