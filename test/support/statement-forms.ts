import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { waitFor } from '../../src/platform/wait.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { TestServer } from './servers.ts';

/** One connection's next statement; with `fails`, the error that it is to meet. */
type Step = string | { readonly sql: string; readonly fails: number };

/** Statements whose meaning hangs on the session they ran in: in every format, each has to come out the same elsewhere. */
export async function writeStatementForms(server: TestServer, format: 'ROW' | 'MIXED' | 'STATEMENT'): Promise<void> {
  await writeFile(
    join(server.datadir, 'load.txt'),
    Array.from({ length: 3000 }, (_, n) => `${n + 500}\tline ${n}\n`).join(''),
  );
  await using first = await server.connect();
  const left = await writeForms(server, first, format);
  const isThere = 'SELECT 1 FROM information_schema.PROCESSLIST WHERE ID = ?';
  await waitFor(async () => (await first.query(isThere, [left])).length === 0 || undefined, {
    timeoutMs: 10_000,
    what: 'the drop of what a session left, which is logged when it ends',
  });
}

/** @returns the id of a session that ended with a temporary table */
async function writeForms(
  server: TestServer,
  first: ServerConnection,
  format: 'ROW' | 'MIXED' | 'STATEMENT',
): Promise<number> {
  await using second = await server.connect();
  for (const connection of [first, second]) await run(connection, [`SET SESSION binlog_format = ${format}`]);
  const isMariadb = first.flavor === 'mariadb';
  await run(first, [...SCHEMA, ...(isMariadb ? MARIADB_SCHEMA : [])]);
  await run(first, ROWS);
  await run(first, SESSIONS);
  await run(first, LOAD);
  await run(first, DEFINITIONS);
  // A sequence can only be logged by rows.
  const definitions = MARIADB_DEFINITIONS.filter((step) => format !== 'STATEMENT' || step !== NEXT_VALUE);
  await run(first, isMariadb ? definitions : []);
  await run(first, PARTIAL_FAILURES);
  if (isMariadb || format !== 'ROW') await temporaryTables(first, second);
  if (isMariadb) await run(first, MARIADB_TRANSACTIONS);
  await run(first, LATE);
  return second.threadId;
}

const SCHEMA: Step[] = [
  'CREATE DATABASE shop',
  'CREATE DATABASE `kü ``x` CHARACTER SET latin1 COLLATE latin1_german1_ci',
  'USE shop',
  'CREATE TABLE item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(200), n DECIMAL(40,10), at DATETIME(6), x DOUBLE, stamp TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)',
  'CREATE TABLE plain (id INT PRIMARY KEY, content LONGBLOB) ENGINE=MyISAM',
  'CREATE TABLE parent (id INT PRIMARY KEY)',
  'CREATE TABLE child (id INT PRIMARY KEY, p INT, KEY (p), FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)',
  'CREATE TABLE german (name VARCHAR(50)) CHARACTER SET latin1',
  'CREATE TABLE loaded (id INT PRIMARY KEY, line VARCHAR(50))',
];

const MARIADB_SCHEMA: Step[] = ['CREATE TABLE history (id INT PRIMARY KEY, v INT) WITH SYSTEM VERSIONING'];

const ROWS: Step[] = [
  "INSERT INTO item (name, n, at, x) VALUES ('one', 1.5, NOW(6), RAND())",
  "INSERT INTO item (name) VALUES ('two'), ('three; -- no end')",
  'INSERT INTO item (name, n) SELECT name, id FROM item',
  "UPDATE item SET name = CONCAT(name, ' /* changed */') WHERE id = 2 -- a comment at the end",
  'DELETE FROM item WHERE id = 1 # another one',
  'INSERT INTO parent VALUES (1), (2), (3)',
  'INSERT INTO child VALUES (1, 1), (2, 1), (3, 2)',
  'DELETE FROM parent WHERE id = 1',
  "INSERT INTO plain VALUES (1, REPEAT('x', 3000000))",
  'INSERT INTO item (name, x) VALUES (LAST_INSERT_ID(), RAND())',
  "INSERT INTO plain VALUES (2, X'0027225C0A0D1A00')",
  'BEGIN',
  "INSERT INTO item (name) VALUES ('in a transaction')",
  'SAVEPOINT a',
  "INSERT INTO item (name) VALUES ('undone')",
  'ROLLBACK TO a',
  "INSERT INTO item (name) VALUES ('kept')",
  'COMMIT',
];

/** Variables of the session, and of users. */
const SESSIONS: Step[] = [
  "SET @s = 'größe', @d = 12345678901234567890.0123456789, @f = 1e100, @i = -5, @u = 18446744073709551615, @n = NULL, @z = -0.00000001",
  "SET @`my odd \"name` = 3.25, @b = X'00FF27'",
  'INSERT INTO item (name, n, x) VALUES (@s, @d, @f), (@i, @i, @i), (@u, @u, @u), (@n, @n, @n), (@z, @z, @z), (HEX(@b), @`my odd "name`, 1)',
  "SET @text = _latin1 X'FC' COLLATE latin1_german2_ci",
  'INSERT INTO german VALUES (@text)',
  'SET NAMES latin1',
  "INSERT INTO german VALUES ('\u00fc')",
  'SET NAMES utf8mb4',
  "SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,PIPES_AS_CONCAT'",
  `INSERT INTO "item" (name) VALUES ('back\\' || 'slash')`,
  "SET sql_mode = 'NO_AUTO_VALUE_ON_ZERO'",
  "INSERT INTO item (id, name) VALUES (0, 'zero')",
  "SET sql_mode = ''",
  "INSERT INTO item (name, n) VALUES ('not strict', 'no number')",
  'SET sql_mode = DEFAULT, auto_increment_increment = 7, auto_increment_offset = 3',
  "INSERT INTO item (name) VALUES ('seven'), ('fourteen')",
  'SET auto_increment_increment = DEFAULT, auto_increment_offset = DEFAULT',
  "SET time_zone = '+05:30', timestamp = 1700000000.25",
  "INSERT INTO item (name, at) VALUES ('zone', FROM_UNIXTIME(1700000000))",
  "SET time_zone = DEFAULT, timestamp = DEFAULT, lc_time_names = 'de_DE'",
  "INSERT INTO item (name) VALUES (DATE_FORMAT('2026-03-01', '%M'))",
  'SET lc_time_names = DEFAULT, foreign_key_checks = 0',
  'INSERT INTO child VALUES (99, 4711)',
  'SET foreign_key_checks = 1, sql_auto_is_null = 1',
  "INSERT INTO item (name) VALUES ('null finds me')",
  "UPDATE item SET name = 'found' WHERE id IS NULL",
  'SET sql_auto_is_null = 0, insert_id = 5000',
  "INSERT INTO item (name) VALUES ('at 5000')",
  'SET collation_connection = latin1_swedish_ci, collation_server = latin1_german1_ci',
  "CREATE VIEW in_connection AS SELECT 'a' AS a",
  'CREATE DATABASE by_server',
  'SET NAMES utf8mb4, collation_server = DEFAULT',
  'SET autocommit = 0',
  "INSERT INTO item (name) VALUES ('not by itself')",
  'COMMIT',
  'SET autocommit = 1',
  'USE `kü ``x`',
  'CREATE TABLE `tä` (`cö` VARCHAR(10))',
  "INSERT INTO `tä` VALUES ('ä')",
  'USE shop',
];

const LOAD: Step[] = [
  "LOAD DATA INFILE '../data/load.txt' INTO TABLE loaded",
  "LOAD DATA INFILE '../data/load.txt' REPLACE INTO TABLE loaded FIELDS TERMINATED BY '\\t' (id, @line) SET line = UPPER(@line)",
  "LOAD DATA INFILE '../data/load.txt' IGNORE INTO TABLE loaded LINES STARTING BY '1'",
];

const DEFINITIONS: Step[] = [
  'CREATE VIEW names AS SELECT name FROM item',
  "CREATE PROCEDURE work(IN a INT)\nBEGIN\n  -- what; it is\n  INSERT INTO item (name) VALUES (CONCAT('by ', a, ';'));\nEND",
  "CREATE TRIGGER noted AFTER INSERT ON parent FOR EACH ROW BEGIN INSERT INTO item (name) VALUES (CONCAT('p', NEW.id)); END",
  'CALL work(7)',
  'INSERT INTO parent VALUES (10), (11)',
  "CREATE EVENT tick ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01 00:00:00' DO SELECT 1",
  'ALTER EVENT tick DISABLE',
  'ALTER TABLE item ADD COLUMN extra INT DEFAULT 3, ADD KEY (name)',
  'CREATE TABLE copy LIKE item',
  'RENAME TABLE copy TO copied',
  'TRUNCATE TABLE copied',
];

const NEXT_VALUE = 'INSERT INTO item (name) VALUES (NEXT VALUE FOR numbers)';
const MARIADB_DEFINITIONS: Step[] = [
  'CREATE SEQUENCE numbers',
  NEXT_VALUE,
  "CREATE USER app@localhost IDENTIFIED BY 'secret'",
  'GRANT SELECT ON shop.* TO app@localhost',
  'GRANT INSERT ON shop.* TO CURRENT_USER()',
  "SET sql_mode = 'ORACLE'",
  'CREATE PROCEDURE oracle_work AS a INT; BEGIN a := 1; INSERT INTO item (name) VALUES (a); END',
  "INSERT INTO item (name) VALUES ('or' || 'acle')",
  'BEGIN NOT ATOMIC INSERT INTO item (name) VALUES (3); END',
  'SET sql_mode = DEFAULT',
  'CREATE TABLE made AS SELECT * FROM item',
  'CREATE OR REPLACE TABLE made AS SELECT id FROM item',
  'INSERT INTO history VALUES (1, 1)',
  'UPDATE history SET v = 2',
  'DELETE FROM history',
  "INSERT INTO item (name) VALUES ('returned') RETURNING id",
  'ANALYZE TABLE item',
];

const PARTIAL_FAILURES: Step[] = [
  { sql: "INSERT INTO plain VALUES (20, 'a'), (1, 'duplicate')", fails: 1062 },
  { sql: 'DROP TABLE copied, missing', fails: 1051 },
];

const MARIADB_TRANSACTIONS: Step[] = [
  "XA START 'one'",
  "INSERT INTO item (name) VALUES ('xa')",
  "XA END 'one'",
  "XA PREPARE 'one'",
  "XA COMMIT 'one'",
  "XA START 'two', 'b''ranch', 4",
  "INSERT INTO item (name) VALUES ('never')",
  "XA END 'two', 'b''ranch', 4",
  "XA PREPARE 'two', 'b''ranch', 4",
  "XA ROLLBACK 'two', 'b''ranch', 4",
  'SET binlog_alter_two_phase = 1',
  'ALTER TABLE item ADD COLUMN late INT',
  { sql: 'ALTER TABLE item ADD UNIQUE KEY (extra)', fails: 1062 },
  'SET binlog_alter_two_phase = 0',
];

/** Of a schema that is gone, and of a file that follows. */
const LATE: Step[] = [
  'CREATE DATABASE gone',
  'USE gone',
  'FLUSH BINARY LOGS',
  'DROP DATABASE gone',
  'CREATE TABLE shop.without_schema (id INT)',
  "INSERT INTO shop.item (name) VALUES ('last')",
  'USE shop',
];

/** Two sessions with a table of the same name, used in turns. */
async function temporaryTables(first: ServerConnection, second: ServerConnection): Promise<void> {
  await run(second, ['USE shop']);
  for (const [connection, name] of [
    [first, 'a'],
    [second, 'b'],
  ] as const)
    await run(connection, ['CREATE TEMPORARY TABLE mine (name VARCHAR(10))', `INSERT INTO mine VALUES ('${name}')`]);
  for (const connection of [first, second, first])
    await run(connection, [
      'INSERT INTO item (name) SELECT name FROM mine',
      'UPDATE mine SET name = CONCAT(name, name)',
    ]);
  await run(first, ['DROP TEMPORARY TABLE mine']);
}

async function run(connection: ServerConnection, steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    const { sql, fails } = typeof step === 'string' ? { sql: step, fails: 0 } : step;
    try {
      await connection.query(sql);
    } catch (error) {
      const { errno } = (error as { details?: { errno?: number } }).details ?? {};
      if (errno !== fails) throw error;
      continue;
    }
    if (fails !== 0) throw new Error(`'${sql}' did not fail`);
  }
}
