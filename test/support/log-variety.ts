import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { TestServer } from './servers.ts';

/** Long enough to be compressed where the server compresses. */
export const LONG_REASON = `/* ${'a reason '.repeat(60)}*/`;

const LOAD_FILE = 'rows.txt';

/** What is destroyed at the end of both logs below, in its order. */
const DESTRUCTION = [`TRUNCATE TABLE item ${LONG_REASON}`, 'DROP TABLE item', `DROP DATABASE ${LONG_REASON} gone`];

async function run(connection: ServerConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await connection.query(statement);
}

/** Statements in a connection of their own, which is gone afterwards, with its temporary tables and its settings. */
async function runApart(server: TestServer, statements: readonly string[]): Promise<void> {
  await using connection = await server.connect();
  await run(connection, statements);
}

/** Runs a statement that the server must refuse. */
async function runInVain(connection: ServerConnection, statement: string): Promise<void> {
  const failed = await connection.query(statement).then(
    () => false,
    () => true,
  );
  if (!failed) throw new Error(`the server should have refused '${statement}'`);
}

/**
 * Writes what MariaDB has ways to write: two domains, two servers in one of them, XA over two files, two-phase ALTER that succeeds and fails, all
 * formats and row images, checksums and compression switched while it runs, rows without annotation and rows that replicas
 * skip, failed statements, tables without transactions. 'shop' stays with rows, 'gone' goes.
 */
export async function writeMariadbVariety(server: TestServer): Promise<void> {
  await using connection = await server.connect();
  await run(connection, [
    'CREATE DATABASE gone',
    'CREATE DATABASE shop',
    'USE shop',
    'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT, class INT)',
    'CREATE TABLE kept (id INT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT, class INT)',
    'CREATE TABLE part (id INT PRIMARY KEY, kept INT, FOREIGN KEY (kept) REFERENCES kept (id) ON DELETE CASCADE)',
    'CREATE TABLE plain (id INT PRIMARY KEY, name VARCHAR(50)) ENGINE=Aria',
    'CREATE SEQUENCE number',
    "INSERT INTO item (name) VALUES (REPEAT('a', 5000)), (REPEAT('b', 5000))",
    'INSERT INTO kept (name, class) VALUES ("one", 1), ("two", 2), ("three", 2)',
    'INSERT INTO part VALUES (1, 1), (2, 2)',
    'DELETE FROM kept WHERE id = 1',
    'DO NEXTVAL(number)',
    'BEGIN',
    "INSERT INTO kept (name) VALUES ('four')",
    'SAVEPOINT a',
    "INSERT INTO plain VALUES (1, 'stays')",
    "INSERT INTO kept (name) VALUES ('never')",
    'ROLLBACK TO SAVEPOINT a',
    'COMMIT',
    'BEGIN',
    "INSERT INTO plain VALUES (2, 'stays too')",
    "INSERT INTO kept (name) VALUES ('never')",
    'ROLLBACK',
    'SET gtid_domain_id = 7',
    'SET server_id = 102',
    "INSERT INTO kept (name) VALUES ('of domain 7')",
    'SET server_id = 101',
    'CREATE TABLE of_domain_7 AS SELECT * FROM kept',
    'SET gtid_domain_id = 0',
    'SET binlog_alter_two_phase = 1',
    'ALTER TABLE kept ADD COLUMN added INT',
    'ALTER TABLE item DROP COLUMN class',
  ]);
  await runInVain(connection, 'ALTER TABLE kept ADD UNIQUE KEY (class)');
  await run(connection, ['SET binlog_alter_two_phase = 0', 'CREATE OR REPLACE TABLE made AS SELECT id FROM kept']);
  await runInVain(connection, 'CREATE OR REPLACE TABLE made (c INT PRIMARY KEY) AS SELECT class AS c FROM kept');
  await run(connection, ['CREATE TABLE prepared (id INT PRIMARY KEY)']);
  for (const id of [1, 2]) {
    const rows = [`XA START 'x${id}'`, `INSERT INTO prepared VALUES (${id})`, `XA END 'x${id}'`, `XA PREPARE 'x${id}'`];
    await runApart(server, ['USE shop', ...rows]);
  }
  await run(connection, ['FLUSH BINARY LOGS', "INSERT INTO kept (name) VALUES ('between the two halves')"]);
  await finish(connection, "XA COMMIT 'x1'");
  await finish(connection, "XA ROLLBACK 'x2'");
  await run(connection, [
    'SET skip_replication = 1',
    "INSERT INTO kept (name) VALUES ('skipped by replicas that want to')",
    'SET skip_replication = 0',
    'SET binlog_annotate_row_events = 0',
    "INSERT INTO kept (name) VALUES ('not annotated')",
    'SET binlog_annotate_row_events = 1',
    "SET binlog_format = 'STATEMENT'",
    "INSERT INTO kept (name) VALUES ('a statement')",
    "SET @name = 'from a variable'",
    'INSERT INTO kept (name) VALUES (@name)',
    "SELECT 'loaded' INTO OUTFILE '../rows.txt'",
    `LOAD DATA INFILE '../${LOAD_FILE}' INTO TABLE kept (name)`,
    `UPDATE kept SET added = 1 ${LONG_REASON}`,
    'CREATE TEMPORARY TABLE aside (id INT)',
    'INSERT INTO aside VALUES (1)',
    'INSERT INTO plain SELECT 100 + id, "from aside" FROM aside',
    'DROP TEMPORARY TABLE aside',
    "SET binlog_format = 'MIXED'",
    'INSERT INTO kept (name) VALUES (UUID())',
    "SET binlog_format = 'ROW'",
    "SET binlog_row_image = 'MINIMAL'",
    "UPDATE kept SET name = 'minimal' WHERE id = 2",
    "SET binlog_row_image = 'NOBLOB'",
    'UPDATE kept SET class = 3 WHERE id = 2',
    "SET binlog_row_image = 'FULL'",
    'SET GLOBAL binlog_checksum = NONE',
    "INSERT INTO kept (name) VALUES ('unchecked')",
    'SET GLOBAL log_bin_compress = NOT @@log_bin_compress',
    "INSERT INTO kept (name) VALUES (REPEAT('compressed or not ', 500))",
    'SET GLOBAL binlog_checksum = CRC32',
    ...DESTRUCTION,
  ]);
}

/** A prepared transaction can be ended by others once its own connection is gone for the server, too. */
async function finish(connection: ServerConnection, statement: string): Promise<void> {
  const done = (): Promise<boolean> =>
    connection.query(statement).then(
      () => true,
      () => false,
    );
  await waitFor(done, { timeoutMs: 20_000, what: statement });
}

/** The same for MySQL 5.6: what it refuses with GTIDs is left out with them. */
export async function writeMysqlVariety(server: TestServer): Promise<void> {
  await using connection = await server.connect();
  const [row] = await connection.query<{ mode: string }>('SELECT @@GLOBAL.gtid_mode AS mode');
  const withGtids = row?.mode === 'ON';
  await run(connection, [
    'CREATE DATABASE gone',
    'CREATE DATABASE shop',
    'USE shop',
    'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT)',
    'CREATE TABLE kept (id INT AUTO_INCREMENT PRIMARY KEY, name LONGTEXT, class INT)',
    'CREATE TABLE part (id INT PRIMARY KEY, kept INT, FOREIGN KEY (kept) REFERENCES kept (id) ON DELETE CASCADE)',
    'CREATE TABLE plain (id INT PRIMARY KEY, name VARCHAR(50)) ENGINE=MyISAM',
    'INSERT INTO kept (name, class) VALUES ("one", 1), ("two", 2), ("three", 2)',
    'INSERT INTO part VALUES (1, 1), (2, 2)',
    'DELETE FROM kept WHERE id = 1',
    "INSERT INTO plain VALUES (1, 'on its own')",
    'BEGIN',
    "INSERT INTO kept (name) VALUES ('four')",
    'SAVEPOINT a',
    "INSERT INTO kept (name) VALUES ('never')",
    'ROLLBACK TO SAVEPOINT a',
    'COMMIT',
    "XA START 'x'",
    "INSERT INTO kept (name) VALUES ('by XA')",
    "XA END 'x'",
    "XA PREPARE 'x'",
    "XA COMMIT 'x'",
    'FLUSH BINARY LOGS',
    'SET binlog_rows_query_log_events = 1',
    "INSERT INTO kept (name) VALUES ('with its text')",
    'SET binlog_rows_query_log_events = 0',
    "SET binlog_format = 'STATEMENT'",
    "INSERT INTO kept (name) VALUES ('a statement')",
    "SET @name = 'from a variable'",
    'INSERT INTO kept (name) VALUES (@name)',
    "SET binlog_format = 'MIXED'",
    'INSERT INTO kept (name) VALUES (UUID())',
    "SET binlog_format = 'ROW'",
    "SET binlog_row_image = 'MINIMAL'",
    "UPDATE kept SET name = 'minimal' WHERE id = 2",
    "SET binlog_row_image = 'FULL'",
    "SET GLOBAL binlog_checksum = IF(@@GLOBAL.binlog_checksum = 'NONE', 'CRC32', 'NONE')",
    "INSERT INTO kept (name) VALUES ('with other checksums')",
  ]);
  await runInVain(connection, 'DROP TABLE item, nosuch');
  await run(connection, ['CREATE TABLE item (id INT)', ...(withGtids ? [] : WITHOUT_GTIDS), ...DESTRUCTION]);
}

const WITHOUT_GTIDS = [
  'CREATE TABLE made AS SELECT * FROM kept',
  'BEGIN',
  "INSERT INTO plain VALUES (2, 'stays')",
  "INSERT INTO kept (name) VALUES ('never')",
  'ROLLBACK',
  "SET binlog_format = 'STATEMENT'",
  'BEGIN',
  "INSERT INTO plain VALUES (3, 'stays too')",
  "INSERT INTO kept (name) VALUES ('never')",
  'ROLLBACK',
  'CREATE TEMPORARY TABLE aside (id INT)',
  'DROP TEMPORARY TABLE aside',
  "SET binlog_format = 'ROW'",
];
