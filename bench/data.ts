import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isBinlogFileName } from '../src/binlog/coordinates.ts';
import { listBinaryLogs } from '../src/server/binary-logs.ts';
import type { ServerConnection } from '../src/server/connection.ts';
import { installDatadir, startLocalServer, type LocalServer } from '../src/server/local-server.ts';

/** A stopped server's data folder and the binary logs in it. */
export interface BenchLog {
  readonly datadir: string;
  /** Absolute paths, in log order; each ends with ROTATE or STOP. */
  readonly files: readonly string[];
  readonly bytes: number;
  /** Transaction groups in all files. */
  readonly groups: number;
}

const MEGABYTE = 1024 * 1024;
const CONNECTIONS = 4;
const TRANSACTIONS_PER_CALL = 500;
const ROWS_PER_TABLE = 10_000;
const LARGE_ROW_MEGABYTES = 64;
const CACHE = join(import.meta.dirname, '../.cache/bench');

/** How large the benchmark's log is: `LASTGOOD_BENCH_MB`, 1024 when not set. */
export function benchMegabytes(): number {
  return Number(process.env['LASTGOOD_BENCH_MB'] ?? 1024);
}

/** Server options without durability: what is measured is not the disk. Not set: server_id, the binary log. */
const FAST_SERVER = [
  '--sync-binlog=0',
  '--innodb-flush-log-at-trx-commit=0',
  '--innodb-doublewrite=0',
  '--innodb-buffer-pool-size=128M',
  '--innodb-log-file-size=256M',
  '--performance-schema=OFF',
  '--skip-name-resolve',
];

/** Starts the server that wrote the log: server id 1, the log's own folder and name. */
export async function startBenchServer(datadir: string, args: readonly string[] = []): Promise<LocalServer> {
  return await startLocalServer({
    datadir,
    socket: join(datadir, 'server.sock'),
    errorLog: join(datadir, 'error.log'),
    args: [
      ...FAST_SERVER,
      '--server-id=1',
      '--log-bin=binlog',
      '--binlog-format=ROW',
      '--max-binlog-size=128M',
      ...args,
    ],
  });
}

/**
 * Makes a log of at least so many megabytes, or gives the one made before: the writing transactions of sysbench's
 * oltp_write_only (an update of an indexed and of another column, a delete and an insert of the same id), by
 * several connections, from the first event of a new server on.
 */
export async function ensureSmallTransactionLog(megabytes: number): Promise<BenchLog> {
  return await ensureLog(join(CACHE, 'small-tx', String(megabytes)), async (server, connection) => {
    await createTables(connection, ROWS_PER_TABLE);
    await writeSmallTransactions(server, megabytes);
  });
}

/** By several connections, until all its binary logs together have so many megabytes. */
export async function writeSmallTransactions(server: LocalServer, megabytes: number): Promise<void> {
  await using connection = await server.connect();
  const full = async (): Promise<boolean> => sizeOf(await listBinaryLogs(connection)) >= megabytes * MEGABYTE;
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => write(server, index + 1, full)));
}

/** Makes a log whose one large transaction has so many megabytes, or gives the one made before: rows of 1 MB, and four of 64 MB. */
export async function ensureLargeTransactionLog(megabytes: number): Promise<BenchLog> {
  return await ensureLog(join(CACHE, 'large-tx', String(megabytes)), async (_, connection) => {
    await connection.query('CREATE DATABASE large');
    await connection.query('CREATE TABLE large.item (id INT PRIMARY KEY, content LONGBLOB) ENGINE=InnoDB');
    await connection.query('START TRANSACTION');
    for (const { rows, size, firstId } of [
      { rows: megabytes - 4 * LARGE_ROW_MEGABYTES, size: MEGABYTE, firstId: 1 },
      { rows: 4, size: LARGE_ROW_MEGABYTES * MEGABYTE, firstId: 1_000_000 },
    ])
      await connection.query(
        `INSERT INTO large.item SELECT ${firstId} + seq, REPEAT(MD5(seq), ${size / 32}) FROM large.seq_1_to_${rows}`,
      );
    await connection.query('COMMIT');
    await connection.query('DROP TABLE large.item');
  });
}

async function ensureLog(
  folder: string,
  fill: (server: LocalServer, connection: ServerConnection) => Promise<void>,
): Promise<BenchLog> {
  const description = join(folder, 'log.json');
  try {
    return JSON.parse(await readFile(description, 'utf8')) as BenchLog;
  } catch {
    // Not made yet, or not to its end.
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const log = await makeLog(join(folder, 'data'), fill);
  await writeFile(description, JSON.stringify(log, null, 2));
  return log;
}

async function makeLog(
  datadir: string,
  fill: (server: LocalServer, connection: ServerConnection) => Promise<void>,
): Promise<BenchLog> {
  await installDatadir({ datadir });
  await using server = await startBenchServer(datadir, ['--max-allowed-packet=1G']);
  await using connection = await server.connect();
  await fill(server, connection);
  await connection.query('FLUSH BINARY LOGS');
  const logs = (await listBinaryLogs(connection)).slice(0, -1);
  const [state] = await connection.query<{ position: string }>('SELECT @@gtid_binlog_pos AS position');
  await connection.close();
  await server.stop();
  const files = logs.map(({ file }) => join(datadir, file));
  return { datadir, files, bytes: sizeOf(logs), groups: Number(state?.position.split('-')[2] ?? 0) };
}

/** Every start of the server begins one more file, and no run should have to fetch what earlier ones left. While it is stopped. */
export async function removeLaterFiles({ datadir, files }: BenchLog): Promise<void> {
  const own = files.map((file) => basename(file));
  for (const name of await readdir(datadir))
    if (isBinlogFileName(name) && !own.includes(name)) await rm(join(datadir, name));
  await writeFile(join(datadir, 'binlog.index'), own.map((name) => `./${name}\n`).join(''));
}

function sizeOf(logs: readonly { readonly bytes: number }[]): number {
  return logs.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function write(server: LocalServer, table: number, full: () => Promise<boolean>): Promise<void> {
  await using connection = await server.connect();
  while (!(await full())) await connection.query(`CALL sbtest.write_sbtest${table}(${TRANSACTIONS_PER_CALL})`);
}

/** Tables `sbtest.sbtest1` to 4, and for each a procedure that writes to it. */
export async function createTables(connection: ServerConnection, rowsPerTable: number): Promise<void> {
  await connection.query('CREATE DATABASE sbtest');
  await connection.query('USE sbtest');
  for (let table = 1; table <= CONNECTIONS; table += 1) {
    const name = `sbtest.sbtest${table}`;
    await connection.query(
      `CREATE TABLE ${name} (id INT NOT NULL PRIMARY KEY, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '',
       pad CHAR(60) NOT NULL DEFAULT '', KEY k (k)) ENGINE=InnoDB`,
    );
    await connection.query(
      `INSERT INTO ${name} SELECT seq, seq, REPEAT(MD5(seq), 3), MD5(seq) FROM seq_1_to_${rowsPerTable}`,
    );
    await connection.query(writingProcedure(table, rowsPerTable));
  }
}

/** Each connection has a table of its own: none waits for another, so the server writes as fast as it can. */
function writingProcedure(table: number, rows: number): string {
  const name = `sbtest.sbtest${table}`;
  const someId = `1 + FLOOR(RAND() * ${rows})`;
  return `CREATE PROCEDURE sbtest.write_sbtest${table}(transactions INT)
    BEGIN
      DECLARE row_id INT;
      DECLARE line CHAR(120);
      WHILE transactions > 0 DO
        SET line = REPEAT(MD5(RAND()), 3);
        START TRANSACTION;
        SET row_id = ${someId};
        UPDATE ${name} SET k = k + 1 WHERE id = row_id;
        SET row_id = ${someId};
        UPDATE ${name} SET c = line WHERE id = row_id;
        SET row_id = ${someId};
        DELETE FROM ${name} WHERE id = row_id;
        INSERT INTO ${name} VALUES (row_id, row_id, line, MD5(line));
        COMMIT;
        SET transactions = transactions - 1;
      END WHILE;
    END`;
}
