import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { scan } from '../../src/operations/scan.ts';
import { rowChanges } from '../support/row-changes.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

interface ServersEvent {
  readonly Event_type: string;
}

const REASON = `/* ${'because '.repeat(100)}*/`;
const WORK = [
  'CREATE OR REPLACE TABLE wide (id INT PRIMARY KEY, name VARCHAR(300), note TEXT, added TIMESTAMP NULL, part DECIMAL(12,4))',
  'INSERT INTO wide SELECT seq, REPEAT("name ", 50), IF(seq % 3 = 0, NULL, REPEAT("note ", 100)), NULL, seq / 7 FROM shop.numbers',
  `UPDATE wide SET name = REPEAT("other ", 40) WHERE id <= 1200 ${REASON}`,
  `DELETE FROM wide WHERE id > 100 ${REASON}`,
  "SET binlog_format = 'STATEMENT'",
  `DELETE FROM wide WHERE id > 50 ${REASON}`,
  "SET binlog_format = 'ROW'",
  `DROP TABLE IF EXISTS gone ${REASON}`,
  `TRUNCATE TABLE wide ${REASON}`,
];

/** The last bytes that a file's name differs by, and offsets, are no part of what was done. */
const deed = ({
  kind,
  state,
  objects,
  statement,
  rows,
}: Awaited<ReturnType<typeof scan>>['incidents'][number]): object => ({
  kind,
  state,
  objects,
  statement,
  rows,
});

describe('the same work with log_bin_compress and without', () => {
  let server: TestServer;

  beforeAll(async () => {
    server = await startPrimary({ args: ['--log-bin-compress-min-len=10'] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('USE shop');
    await connection.query('CREATE TABLE numbers SELECT seq FROM seq_1_to_1500');
    for (const compress of ['OFF', 'ON']) {
      await connection.query(`SET GLOBAL log_bin_compress = ${compress}`);
      await connection.query('FLUSH BINARY LOGS');
      await connection.query('CREATE TABLE gone (a INT)');
      for (const statement of WORK) await connection.query(statement);
    }
    await connection.query('FLUSH BINARY LOGS');
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  const path = (file: string): string => join(server.directory, 'data', file);

  it('is in the one log as plain events, in the other as compressed ones', async () => {
    await using connection = await server.connect();
    const typesOf = async (file: string): Promise<string[]> => {
      const events = await connection.query<ServersEvent>(`SHOW BINLOG EVENTS IN '${file}'`);
      return [...new Set(events.map(({ Event_type }) => Event_type))];
    };
    const compressed = [
      'Query_compressed',
      ...['Write', 'Update', 'Delete'].map((verb) => `${verb}_rows_compressed_v1`),
    ];
    expect(await typesOf('binlog.000003')).toEqual(expect.arrayContaining(compressed));
    for (const type of compressed) expect(await typesOf('binlog.000002')).not.toContain(type);
  });

  it('changes the same rows, and has no problem', async () => {
    const [plain, compressed] = await Promise.all(
      ['binlog.000002', 'binlog.000003'].map((file) => rowChanges(path(file))),
    );
    expect(compressed).toEqual(plain);
    expect(plain?.problems).toEqual([]);
    expect(plain?.changes).toEqual([
      { kind: 'insert', table: 'shop.wide', rows: 0 },
      { kind: 'update', table: 'shop.wide', rows: 1200 },
      { kind: 'delete', table: 'shop.wide', rows: 1400 },
    ]);
  });

  it('has the same incidents', async () => {
    const { files, incidents } = await scan({
      paths: ['binlog.000002', 'binlog.000003'].map(path),
      verifyChecksums: true,
      massRows: 100,
    });
    expect(files.flatMap(({ problems }) => problems)).toEqual([]);
    const [plain, compressed] = ['binlog.000002', 'binlog.000003'].map((name) =>
      incidents.filter(({ file }) => file === name).map(deed),
    );
    expect(compressed).toEqual(plain);
    expect(plain).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ kind: 'drop-table' }),
        expect.objectContaining({ kind: 'truncate-table' }),
        expect.objectContaining({ kind: 'mass-delete', rows: { deleted: 1400, updated: 0 } }),
        expect.objectContaining({ kind: 'mass-update', rows: { deleted: 0, updated: 1200 } }),
      ]),
    );
  });
});
