import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Logger } from '../../src/platform/logger.ts';
import { readFragileTables } from '../../src/recovery/fragile-tables.ts';
import type { ReplayOptions } from '../../src/recovery/replay.ts';
import { FOREIGN_COMES, readKeptPlace } from '../../src/recovery/session/place-table.ts';
import { replayInSession } from '../../src/recovery/session/replay-in-session.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServedIdentity } from '../../src/server/served-range.ts';
import { silentLog } from '../support/archiver.ts';
import { run } from '../support/backup-scene.ts';
import { serverContent } from '../support/server-content.ts';
import { findGroup, servedFile, servedLog } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

const FILE = 'binlog.000001';
const CREATE = ['CREATE DATABASE shop', 'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(50))'];
const STATEMENTS = "SET binlog_format = 'STATEMENT'";

/** What one session wrote whose default schema another one dropped meanwhile, in a transaction that is rolled back. */
async function schemaGoesUnderTransaction(primary: TestServer, writer: ServerConnection): Promise<void> {
  await run(writer, [...CREATE, 'CREATE TABLE shop.plain (id INT) ENGINE=MyISAM', 'CREATE DATABASE other', STATEMENTS]);
  await run(writer, ['USE other', 'BEGIN', "INSERT INTO shop.item VALUES (1, 'undone')"]);
  await run(writer, ['INSERT INTO shop.plain VALUES (1)']);
  await using second = await primary.connect();
  await second.query('DROP DATABASE other');
  await run(writer, ["INSERT INTO shop.item VALUES (2, 'undone')", 'INSERT INTO shop.plain VALUES (2)', 'ROLLBACK']);
}

/** A server parses up to the semicolon, and logs what stands behind it too. */
const WITH_ENDS = [
  'CREATE DATABASE shop; -- for the shop',
  'CREATE TABLE shop.item (id INT PRIMARY KEY, name TEXT); # of the shop',
  "INSERT INTO shop.item VALUES (1, '; -- '); /* one; */",
  "INSERT INTO shop.item VALUES (2, 'b'); -- two\n",
  'ALTER TABLE shop.item ADD more INT; /* more */',
  'INSERT INTO shop.item VALUES (3, NULL, 3)',
];

/** Two sessions, of which one never chose a schema: on the target they are one. It keeps a temporary table and a variable. */
async function withAndWithoutSchema(primary: TestServer, setUp: readonly string[]): Promise<void> {
  await using inShop = await primary.connect();
  await using nowhere = await primary.connect();
  await run(inShop, [...CREATE, 'CREATE TABLE shop.plain (name VARCHAR(50)) ENGINE=MyISAM', 'USE shop', ...setUp]);
  await run(nowhere, [...setUp, 'CREATE TEMPORARY TABLE shop.kept (name VARCHAR(50)) ENGINE=MyISAM']);
  await run(nowhere, ["INSERT INTO shop.kept VALUES ('kept')", "SET @own = 'own'"]);
  const where = "IFNULL(DATABASE(), 'nowhere')";
  for (const [id, more] of ['BEGIN', 'DO 0'].entries()) {
    await run(inShop, [`INSERT INTO item VALUES (${id}, ${where})`]);
    await run(nowhere, [more, `INSERT INTO shop.item SELECT 2 + ${id}, CONCAT(${where}, @own, name) FROM shop.kept`]);
    await run(nowhere, ['COMMIT']);
  }
  await run(inShop, [`INSERT INTO plain VALUES (${where})`]);
  await run(nowhere, [`INSERT INTO shop.plain VALUES (${where})`]);
  await run(inShop, ['ALTER TABLE item ADD more INT']);
  await run(nowhere, [`ALTER TABLE shop.item ADD another INT`, `INSERT INTO shop.item VALUES (9, ${where}, 0, 0)`]);
}

describe('a session on MariaDB', () => {
  const identity = MARIADB_SOURCE;
  let primary: TestServer;
  let scratch: TestServer;
  let writer: ServerConnection;
  let target: ServerConnection;

  beforeAll(async () => {
    primary = await startPrimary();
    scratch = await startPrimary({ serverId: 900, args: ['--skip-log-bin'] });
  });

  afterAll(async () => {
    await scratch[Symbol.asyncDispose]();
    await primary[Symbol.asyncDispose]();
  });

  afterEach(async () => {
    for (const connection of [writer, target]) {
      await connection.query('DROP DATABASE IF EXISTS shop');
      await connection.close();
    }
  });

  async function write(...statements: readonly string[]): Promise<void> {
    writer = await primary.connect();
    target = await scratch.connect();
    await run(writer, ['RESET MASTER', ...statements]);
  }

  async function replay(options: Partial<ReplayOptions> = {}): Promise<{ groups: number | null }> {
    const ranges = options.ranges ?? (await servedLog(writer, primary.datadir));
    return await replayInSession({ target, identity, keepsPlace: true, log: silentLog, ...options, ranges });
  }

  it('ends a statement where its source did, whatever stands behind it', async () => {
    await write(STATEMENTS, ...WITH_ENDS);

    expect(await replay()).toMatchObject({ groups: WITH_ENDS.length });
    expect(await serverContent(target)).toEqual(await serverContent(writer));
  });

  it('fails where lines of a LOAD DATA clash, as its source would have', async () => {
    await writeFile(join(primary.datadir, 'lines.txt'), '1\n2\n3\n');
    await write(...CREATE, "INSERT INTO shop.item VALUES (2, 'lost')", 'TRUNCATE shop.item', STATEMENTS);
    await writer.query("LOAD DATA INFILE '../data/lines.txt' INTO TABLE shop.item (id) SET name = 'new'");
    const { start, end } = await findGroup(writer, { file: FILE, text: 'TRUNCATE' });
    const path = join(primary.datadir, FILE);
    const ranges = [await servedFile(path, { to: start }), await servedFile(path, { from: end })];

    const replayed = replay({ ranges });

    await expect(replayed).rejects.toThrow(/: error 1062: 1 of its lines clash with rows that are there; .*LOAD DATA/);
    expect(await target.query('SELECT name FROM shop.item')).toEqual([{ name: 'lost' }]);
  });

  it('runs a transaction in a schema that is gone as one, and undoes what it undid', async () => {
    await write();
    await schemaGoesUnderTransaction(primary, writer);

    const { groups } = await replay();

    expect(await serverContent(target)).toEqual(await serverContent(writer));
    expect(await target.query('SELECT * FROM shop.item')).toEqual([]);
    // Nobody goes on while such a schema may be there.
    expect(await readKeptPlace(target)).toMatchObject({ groups });
    await target.query(FOREIGN_COMES);
    expect(await readKeptPlace(target)).toBeNull();
  });

  it('takes a table whose definition the target cannot read for one that knows no transactions', async () => {
    await write();
    await run(target, [...CREATE, 'CREATE TABLE shop.plain (id INT) ENGINE=MyISAM', 'FLUSH TABLES']);
    const path = join(scratch.datadir, 'shop', 'plain.frm');
    const definition = await readFile(path);
    await truncate(path, 10);

    const found = await readFragileTables(target);
    await writeFile(path, definition);

    expect(found).toEqual([{ name: 'shop.plain', engine: 'unknown' }]);
    await target.query('FLUSH TABLES');
    expect(await readFragileTables(target)).toEqual([{ name: 'shop.plain', engine: 'MyISAM' }]);
  });

  it('has no default schema where the source had none, and keeps what it has', async () => {
    await write();
    await withAndWithoutSchema(primary, [STATEMENTS]);

    await replay();

    expect(await serverContent(target)).toEqual(await serverContent(writer));
    const names = await target.query<{ name: string }>('SELECT name FROM shop.item ORDER BY id');
    expect(names.map(({ name }) => name)).toEqual(['shop', 'shop', 'nowhereownkept', 'nowhereownkept', 'nowhere']);
    expect(await target.query("SHOW DATABASES LIKE 'lastgood%'")).toEqual([]);
  });

  it('has nothing to say at the end of a file', async () => {
    await write(...CREATE, 'FLUSH BINARY LOGS', "INSERT INTO shop.item VALUES (1, 'a')");
    const warnings: unknown[] = [];
    const log = { ...silentLog, warn: (...said: unknown[]) => warnings.push(said) } as unknown as Logger;

    await replay({ log });

    expect(warnings).toEqual([]);
  });
});

describe('a session on MySQL 5.6 with GTIDs', () => {
  it('ends statements where their source did, and runs them in a schema that is gone', async () => {
    await using primary = await startMysql56();
    await using writer = await primary.connect();
    await run(writer, [STATEMENTS, ...WITH_ENDS, 'DROP DATABASE shop']);
    await run(writer, [...CREATE, 'CREATE DATABASE other', 'USE other', STATEMENTS]);
    await using second = await primary.connect();
    await second.query('DROP DATABASE other');
    await run(writer, [
      'BEGIN',
      "INSERT INTO shop.item VALUES (1, 'a')",
      "INSERT INTO shop.item VALUES (2, 'b')",
      'COMMIT',
    ]);
    await expectEqualReplay(primary, writer);
  });

  it('has no default schema where the source had none', async () => {
    await using primary = await startMysql56();
    await withAndWithoutSchema(primary, [STATEMENTS]);
    await using writer = await primary.connect();
    await expectEqualReplay(primary, writer);
  });
});

/** Replays all of a MySQL 5.6 server's log in a session on a new one: content and GTID state are the source's. */
async function expectEqualReplay(primary: TestServer, writer: ServerConnection): Promise<void> {
  const ranges = await servedLog(writer, primary.datadir);
  await using scratch = await startMysql56({ serverId: 900 });
  await using target = await scratch.connect();
  const identity: ServedIdentity = { flavor: 'mysql', serverVersion: '5.6.24-log', serverId: 101, gtidState: '' };

  const { gtidState } = await replayInSession({ target, identity, ranges, keepsPlace: true, log: silentLog });

  expect(await serverContent(target)).toEqual(await serverContent(writer));
  const [row] = await writer.query<{ state: string }>('SELECT @@GLOBAL.gtid_executed AS state');
  expect(gtidState).toBe(row?.state);
}
