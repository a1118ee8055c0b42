import { join } from 'node:path';
import { createConnection } from 'mysql2';
import { describe, expect, it } from 'vitest';
import type { Coordinates } from '../../src/binlog/coordinates.ts';
import type { Incident, LastGood } from '../../src/incident/incident.ts';
import { scan } from '../../src/operations/scan.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { listBinaryLogs, readBinlogEnd } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { isSettled } from '../support/archiver.ts';
import { startPair } from '../support/pair.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

/** A statement, and what it destroys: '' is nothing. `fails` when the client gets an error all the same. */
type Step = readonly [sql: string, destroys: string, fails?: 'fails'];

const HARMLESS_STEPS: readonly Step[] = [
  ['CREATE DATABASE shop', ''],
  ['USE shop', ''],
  ['CREATE TABLE a (id INT PRIMARY KEY, text VARCHAR(100), KEY text (text))', ''],
  ["INSERT INTO a VALUES (1, 'DROP TABLE a'), (2, 'TRUNCATE a')", ''],
  ["UPDATE a SET text = 'DROP DATABASE shop' WHERE id = 1", ''],
  ['CREATE PROCEDURE p() BEGIN DROP TABLE b; TRUNCATE a; END', ''],
  ['CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DROP TABLE a', ''],
  ['CREATE TEMPORARY TABLE t (id INT)', ''],
  ['DROP TEMPORARY TABLE t', ''],
  ['CREATE VIEW v AS SELECT 1 AS one', ''],
  ['ALTER TABLE a DROP KEY text, ADD KEY text (text, id)', ''],
  ['CREATE TABLE b (id INT)', ''],
];

const DESTRUCTIVE_STEPS: readonly Step[] = [
  ['TRUNCATE a', 'truncate-table shop.a'],
  ['INSERT INTO b VALUES (1)', ''],
  ['truncate /* all of it */ table shop . a', 'truncate-table shop.a'],
  ['/*!50001 TRUNCATE */ `a`', 'truncate-table shop.a'],
  ['DROP TABLE b', 'drop-table shop.b'],
  ['CREATE TABLE c (id INT)', ''],
  ['CREATE TABLE d (id INT)', ''],
  ['DROP TABLE c, d', 'drop-table shop.c shop.d'],
  ['DROP TABLE IF EXISTS nosuch', 'drop-table shop.nosuch'],
  ['CREATE TABLE c (id INT)', ''],
  ['DROP TABLE c, nosuch', 'drop-table shop.c shop.nosuch', 'fails'],
  ['CREATE DATABASE `Größe``1`', ''],
  ['CREATE TABLE `Größe``1`.`x y` (id INT)', ''],
  ['DROP TABLE `Größe``1`.`x y`', 'drop-table Größe`1.x y'],
  ['CREATE TABLE `c``,"` (id INT)', ''],
  ['TRUNCATE `c``,"`', 'truncate-table shop.c`,"'],
  ["SET sql_mode = 'ANSI_QUOTES'", ''],
  ['TRUNCATE "c`,"""', 'truncate-table shop.c`,"'],
  ['DROP TABLE "c`,"""', 'drop-table shop.c`,"'],
  ["SET sql_mode = ''", ''],
  ['CREATE VIEW v2 AS SELECT 1 AS one', ''],
  ['DROP VIEW v, v2', 'drop-view shop.v shop.v2'],
  ['ALTER TABLE a DROP KEY text, DROP COLUMN text', 'drop-column shop.a'],
  ['RENAME TABLE a TO z, z TO a', 'rename-table shop.a'],
  ['DROP PROCEDURE p', 'drop-routine shop.p'],
  ['DROP SCHEMA `Größe``1`', 'drop-database Größe`1'],
  ['FLUSH LOCAL LOGS', ''],
  ['TRUNCATE a', 'truncate-table shop.a'],
  ['DROP DATABASE IF EXISTS nosuch', 'drop-database nosuch'],
  ['DROP DATABASE shop', 'drop-database shop'],
  ['FLUSH LOCAL LOGS', ''],
];

const MARIADB_STEPS: readonly Step[] = [
  ['CREATE DATABASE shop', ''],
  ['USE shop', ''],
  ['CREATE TABLE a (id INT)', ''],
  ['SET STATEMENT max_statement_time=100 FOR TRUNCATE a', 'truncate-table shop.a'],
  ['TRUNCATE TABLE a WAIT 5', 'truncate-table shop.a'],
  ['/*M!100000 TRUNCATE */ TABLE a NOWAIT', 'truncate-table shop.a'],
  ["EXECUTE IMMEDIATE 'TRUNCATE a'", 'truncate-table shop.a'],
  ['BEGIN NOT ATOMIC TRUNCATE a; END', 'truncate-table shop.a'],
  ['TRUNCATE a /*!101199 , b */ /*!80000 , c */', 'truncate-table shop.a'],
  ['CREATE OR REPLACE TABLE a (id INT)', 'replace-table shop.a'],
  ['DROP TABLES IF EXISTS a WAIT 5 RESTRICT', 'drop-table shop.a'],
  ['FLUSH LOCAL LOGS', ''],
];

interface Expected {
  readonly destroys: string;
  readonly gtid: string;
  readonly start: Coordinates;
  readonly end: Coordinates;
  readonly lastGood: Pick<LastGood, 'file' | 'end' | 'gtid'> | null;
}

/** Runs the steps, and has the server itself say where each stands in its log. */
async function runSteps(connection: ServerConnection, steps: readonly Step[]): Promise<Expected[]> {
  const expected: Expected[] = [];
  let lastGood: Expected['lastGood'] = null;
  for (const [sql, destroys, fails] of steps) {
    const before = await readBinlogEnd(connection);
    await run(connection, sql, fails === 'fails');
    const after = await readBinlogEnd(connection);
    const { file } = after.coordinates;
    if (file !== before.coordinates.file)
      await waitFor(async () => isSettled(connection, file), { timeoutMs: 30_000, what: `the checkpoint of ${file}` });
    const gtid = newestGtid(after.gtidState);
    const [start, end] = [before.coordinates, after.coordinates];
    if (destroys !== '') expected.push({ destroys, gtid, start, end, lastGood });
    if (start.file === end.file && start.position < end.position)
      lastGood = { file: end.file, end: end.position, gtid };
  }
  return expected;
}

async function run(connection: ServerConnection, sql: string, fails: boolean): Promise<void> {
  try {
    await connection.query(sql);
  } catch (error) {
    if (!fails || !isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
  }
}

/** Of one server that wrote all of them: `0-101-5`, or the last of `uuid:1-5`. */
function newestGtid(state: string): string {
  return state.replace(/:(?:\d+-)?(\d+)$/, ':$1');
}

function placesOf(expected: readonly Expected[]): unknown[] {
  return expected.map(({ destroys, gtid, start, end, lastGood }) => ({
    destroys,
    state: 'effective',
    gtid,
    file: end.file,
    start: start.position,
    end: end.position,
    lastGood,
  }));
}

function foundIn(incidents: readonly Incident[]): unknown[] {
  return incidents.map(({ kind, objects, state, gtid, file, start, end, lastGood, suspicious }) => ({
    destroys: [kind, ...objects.map(({ schema, name }) => (name === null ? schema : `${schema}.${name}`))].join(' '),
    state: suspicious ? 'suspicious' : state,
    gtid,
    file,
    start,
    end,
    lastGood: lastGood && { file: lastGood.file, end: lastGood.end, gtid: lastGood.gtid },
  }));
}

/** Every incident begins with the event that begins a group, and ends with the event that ends one. */
async function expectWholeGroups(connection: ServerConnection, incidents: readonly Incident[]): Promise<void> {
  for (const { file } of await listBinaryLogs(connection)) {
    const events = await connection.query<{ Pos: string; End_log_pos: string; Event_type: string }>(
      'SHOW BINLOG EVENTS IN ?',
      [file],
    );
    for (const incident of incidents.filter((one) => one.file === file)) {
      const first = events.findIndex(({ Pos }) => Number(Pos) === incident.start);
      const last = events.findIndex(({ End_log_pos }) => Number(End_log_pos) === incident.end);
      expect(events[first]?.Event_type).toBe('Gtid');
      expect(events.slice(first + 1, last + 1).map(({ Event_type }) => Event_type)).not.toContain('Gtid');
      expect([undefined, 'Gtid', 'Rotate', 'Stop']).toContain(events[last + 1]?.Event_type);
    }
  }
}

async function expectFoundExactly(server: TestServer, steps: readonly Step[]): Promise<void> {
  await using connection = await server.connect();
  const expected = await runSteps(connection, steps);
  expect(expected.length).toBeGreaterThan(0);
  const { files, incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
  expect(files.flatMap(({ problems }) => problems)).toEqual([]);
  expect(foundIn(incidents)).toEqual(placesOf(expected));
  await expectWholeGroups(connection, incidents);
}

describe.each(['ROW', 'MIXED', 'STATEMENT'])('destructive statements in a log in %s format', (format) => {
  it('of MariaDB are found as whole groups, each with the group before it', async () => {
    await using server = await startPrimary({ args: [`--binlog-format=${format}`] });
    await expectFoundExactly(server, [...HARMLESS_STEPS, ...DESTRUCTIVE_STEPS, ...MARIADB_STEPS]);
  });

  it('of MariaDB are found when a CREATE OR REPLACE that failed has left nothing', async () => {
    await using server = await startPrimary({ args: [`--binlog-format=${format}`] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.a (id INT)');
    const twice = 'CREATE OR REPLACE TABLE shop.a (id INT PRIMARY KEY) SELECT 1 AS id UNION ALL SELECT 1';
    await run(connection, twice, true);
    const { coordinates } = await readBinlogEnd(connection);
    const { incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
    // In text form the statement itself is logged too, with its error: a replica loses the table with it.
    const failed = { kind: 'replace-table', state: 'effective', objects: [{ schema: 'shop', name: 'a' }] };
    expect(incidents).toMatchObject([
      ...(format === 'ROW' ? [] : [failed]),
      { kind: 'drop-table', state: 'effective', objects: [{ schema: 'shop', name: 'a' }], end: coordinates.position },
    ]);
    await expectWholeGroups(connection, incidents);
  });

  it('of MySQL 5.6 are found as whole groups, each with the group before it', async () => {
    await using server = await startMysql56({ args: [`--binlog-format=${format}`] });
    await expectFoundExactly(server, [...HARMLESS_STEPS, ...DESTRUCTIVE_STEPS]);
  });
});

/** A collation of the character set that a client speaks, and a name that needs it; the last have backslashes or backticks as bytes. */
const CLIENT_COLLATIONS = [
  ['UTF8MB4_GENERAL_CI', 'Größe дб ソ'],
  ['LATIN1_SWEDISH_CI', 'Größe'],
  ['LATIN2_GENERAL_CI', 'łąka'],
  ['CP1251_GENERAL_CI', 'дб'],
  ['KOI8R_GENERAL_CI', 'дб'],
  ['GREEK_GENERAL_CI', 'βάση'],
  ['UJIS_JAPANESE_CI', 'ソ'],
  ['EUCKR_KOREAN_CI', '한글'],
  ['SJIS_JAPANESE_CI', 'ソ表'],
  ['CP932_JAPANESE_CI', 'ソ①'],
  ['GBK_CHINESE_CI', '乗乣'],
  ['BIG5_CHINESE_CI', '功'],
] as const;

describe.each([
  ['MariaDB', startPrimary],
  ['MySQL 5.6', startMysql56],
])('names in the character set of a client of %s', (_title, start) => {
  it('are found as they are', async () => {
    await using server = await start();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    for (const [collation, name] of CLIENT_COLLATIONS) await dropByName({ server, collation, name });
    const { incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
    const found = incidents.map(({ kind, suspicious, objects }) => [kind, suspicious, objects[0]?.name]);
    expect(found).toEqual(
      CLIENT_COLLATIONS.flatMap(([, name]) => ['truncate-table', 'drop-table'].map((kind) => [kind, false, name])),
    );
  });
});

/** Destroys a table by statements whose bytes are in the collation's character set. */
async function dropByName(o: { server: TestServer; collation: string; name: string }): Promise<void> {
  const client = createConnection({
    socketPath: o.server.socket,
    user: 'root',
    database: 'shop',
    charset: o.collation,
  });
  try {
    for (const statement of ['CREATE TABLE ? (id INT)', 'TRUNCATE ?', 'DROP TABLE ?']) {
      await client.promise().query(statement.replace('?', `\`${o.name}\``));
    }
  } finally {
    client.destroy();
  }
}

describe('a table in memory', () => {
  it('that the server empties after its restart is a no-op: the restart was the loss', async () => {
    await using server = await startPrimary();
    {
      await using connection = await server.connect();
      await connection.query('CREATE DATABASE shop');
      await connection.query('CREATE TABLE shop.m (id INT) ENGINE=MEMORY');
      await server.stop();
    }
    await server.restart();
    await using connection = await server.connect();
    await connection.query('SELECT * FROM shop.m');
    const { incidents } = await scan({ paths: [server.datadir], verifyChecksums: true });
    expect(incidents).toMatchObject([{ kind: 'truncate-table', state: 'no-op', objects: [{ name: 'm' }] }]);
    expect(incidents[0]?.lastGood?.file).toBe('binlog.000001');
  });
});

describe('a relay log', () => {
  it('shows the incidents of the primary, with their GTIDs', async () => {
    await using pair = await startPair({ replicaArgs: ['--relay-log=relay', '--relay-log-purge=0'] });
    await using connection = await pair.primary.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.a (id INT)');
    await connection.query('DROP TABLE shop.a');
    await pair.caughtUp();
    const onPrimary = await scan({ paths: [join(pair.primary.datadir, 'binlog.000001')], verifyChecksums: true });
    const { files, incidents } = await scan({ paths: [pair.replica.datadir], verifyChecksums: true });
    const relayed = incidents.filter(({ file }) => file.startsWith('relay.'));
    expect(files.flatMap(({ problems }) => problems)).toEqual([]);
    expect(relayed.map(({ gtid, objects }) => ({ gtid, objects }))).toEqual(
      onPrimary.incidents.map(({ gtid, objects }) => ({ gtid, objects })),
    );
    expect(relayed).toHaveLength(1);
  });
});
