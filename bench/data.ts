import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listBinaryLogs } from '../src/server/binary-logs.ts';
import type { ServerConnection } from '../src/server/connection.ts';
import { installDatadir, startLocalServer, type LocalServer } from '../src/server/local-server.ts';

/** A stopped server's data folder and the binary logs in it. */
export interface SmallTransactionLog {
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
const CACHE = join(import.meta.dirname, '../.cache/bench/small-tx');

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
export async function startSmallTransactionServer(datadir: string, args: readonly string[] = []): Promise<LocalServer> {
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
export async function ensureSmallTransactionLog(megabytes: number): Promise<SmallTransactionLog> {
  const folder = join(CACHE, String(megabytes));
  const description = join(folder, 'log.json');
  try {
    return JSON.parse(await readFile(description, 'utf8')) as SmallTransactionLog;
  } catch {
    // Not made yet, or not to its end.
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const log = await makeLog(join(folder, 'data'), megabytes * MEGABYTE);
  await writeFile(description, JSON.stringify(log, null, 2));
  return log;
}

async function makeLog(datadir: string, bytes: number): Promise<SmallTransactionLog> {
  await installDatadir({ datadir });
  await using server = await startSmallTransactionServer(datadir);
  await using connection = await server.connect();
  await createTables(connection);
  const full = async (): Promise<boolean> => sizeOf(await listBinaryLogs(connection)) >= bytes;
  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => write(server, index + 1, full)));
  await connection.query('FLUSH BINARY LOGS');
  const logs = (await listBinaryLogs(connection)).slice(0, -1);
  const [state] = await connection.query<{ position: string }>('SELECT @@gtid_binlog_pos AS position');
  await connection.close();
  await server.stop();
  const files = logs.map(({ file }) => join(datadir, file));
  return { datadir, files, bytes: sizeOf(logs), groups: Number(state?.position.split('-')[2] ?? 0) };
}

function sizeOf(logs: readonly { readonly bytes: number }[]): number {
  return logs.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function write(server: LocalServer, table: number, full: () => Promise<boolean>): Promise<void> {
  await using connection = await server.connect();
  while (!(await full())) await connection.query(`CALL sbtest.write_sbtest${table}(${TRANSACTIONS_PER_CALL})`);
}

async function createTables(connection: ServerConnection): Promise<void> {
  await connection.query('CREATE DATABASE sbtest');
  await connection.query('USE sbtest');
  for (let table = 1; table <= CONNECTIONS; table += 1) {
    const name = `sbtest.sbtest${table}`;
    await connection.query(
      `CREATE TABLE ${name} (id INT NOT NULL PRIMARY KEY, k INT NOT NULL DEFAULT 0, c CHAR(120) NOT NULL DEFAULT '',
       pad CHAR(60) NOT NULL DEFAULT '', KEY k (k)) ENGINE=InnoDB`,
    );
    await connection.query(
      `INSERT INTO ${name} SELECT seq, seq, REPEAT(MD5(seq), 3), MD5(seq) FROM seq_1_to_${ROWS_PER_TABLE}`,
    );
    await connection.query(writingProcedure(table));
  }
}

/** Each connection has a table of its own: none waits for another, so the server writes as fast as it can. */
function writingProcedure(table: number): string {
  const name = `sbtest.sbtest${table}`;
  const someId = `1 + FLOOR(RAND() * ${ROWS_PER_TABLE})`;
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
