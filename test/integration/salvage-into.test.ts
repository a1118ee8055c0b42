import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { finish } from '../../src/operations/salvage/finish.ts';
import { requireFit, requireWritable } from '../../src/operations/salvage/live-fitness.ts';
import { moveIn } from '../../src/operations/salvage/move-in.ts';
import { salvageInto, type SalvagedInto, type SalvageIntoOptions } from '../../src/operations/salvage/salvage-into.ts';
import { Undo } from '../../src/operations/salvage/undo.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { silentLog } from '../support/archiver.ts';
import { run } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { refusalOf } from '../support/restored.ts';
import { PASSED_EVENTS, portrait, SHOP, takenFrom } from '../support/salvage-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { isWhole, startWorkload } from '../support/workload.ts';

let scratchServer: TestServer;
let liveServer: TestServer;
let scratch: ServerConnection;
let live: ServerConnection;

beforeAll(async () => {
  [scratchServer, liveServer] = await Promise.all([
    startPrimary({ args: ['--skip-log-bin'] }),
    startPrimary({ serverId: 102, args: ['--event-scheduler=ON'] }),
  ]);
  scratch = await scratchServer.connect();
  live = await liveServer.connect();
  await run(live, SHOP.slice(0, 4));
});

afterAll(async () => {
  await liveServer[Symbol.asyncDispose]();
  await scratchServer[Symbol.asyncDispose]();
});

/** As before any salvage: the restored schema, and a live server without it. */
beforeEach(async () => {
  await run(scratch, [
    'SET foreign_key_checks = 0',
    'DROP DATABASE IF EXISTS shop',
    'SET foreign_key_checks = 1',
    ...SHOP,
  ]);
  await run(
    live,
    ['shop', 'shop_2', 'busy'].map((schema) => `DROP DATABASE IF EXISTS ${schema}`),
  );
});

async function into(options: Partial<SalvageIntoOptions> & { names?: readonly string[] } = {}): Promise<SalvagedInto> {
  const { names = [], ...more } = options;
  return await salvageInto({
    ...(await takenFrom(scratchServer, scratch, names)),
    server: liveServer.serverOptions('live server'),
    as: 'shop',
    enableEvents: false,
    log: silentLog,
    onProgress: () => undefined,
    ...more,
  });
}

/** Everything of users on the live server: names of what there is, and rows. */
async function holdings(): Promise<unknown> {
  const names = await live.query(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
     UNION ALL SELECT CONCAT(ROUTINE_SCHEMA, '.', ROUTINE_NAME) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA <> 'sys'
     UNION ALL SELECT CONCAT(EVENT_SCHEMA, '.', EVENT_NAME) FROM information_schema.EVENTS
     UNION ALL SELECT CONCAT(TRIGGER_SCHEMA, '.', TRIGGER_NAME) FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA <> 'sys'`,
  );
  return { names, tables: await checksums(live) };
}

/** As docs/salvage.md lists them. */
async function documentedGrants(): Promise<string[]> {
  const page = await readFile(join(import.meta.dirname, '../../docs/salvage.md'), 'utf8');
  const statements = /```sql\n(.*?)```/s.exec(page)?.[1]?.split(';\n') ?? [];
  return statements.filter((statement) => statement.startsWith('GRANT'));
}

describe('salvage into a live server', () => {
  it('brings a schema back as it was, while others write, and leaves nothing else behind', async () => {
    await scratch.query('DROP VIEW shop.broken');
    const before = await portrait(scratch, 'shop');
    const workload = await startWorkload(() => liveServer.connect(), { schemas: ['busy'] });
    const seen = workload.committed;
    const result = await into().finally(async () => {
      await workload.stop();
    });
    const committed = workload.committed - seen;

    expect(await portrait(live, 'shop')).toEqual(before);
    expect(result.notCarried).toEqual([]);
    expect(result.tables.map(({ schema, name, rows }) => [schema, name, rows])).toEqual([
      ['shop', 'journal', 0],
      ['shop', 'numbers', 1],
      ['shop', 'old', 2],
      ['shop', 'orders', 3],
      ['shop', 'product é', 2],
    ]);
    expect(committed).toBeGreaterThan(0);
    expect(await isWhole(live, 'busy')).toBe(true);
    expect(await live.query('SELECT * FROM crm.customer')).toHaveLength(2);
    const [state] = await live.query("SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop'");
    expect(state).toEqual({ STATUS: 'DISABLED' });
    expect(await live.query("SHOW DATABASES LIKE 'lastgood%'")).toEqual([]);
    // The foreign keys, the default and the triggers are at work.
    await expect(live.query('INSERT INTO shop.orders (product) VALUES (77)')).rejects.toThrow('of_product');
    await live.query("INSERT INTO shop.orders (customer, note) VALUES (1, 'new')");
    expect(await live.query('SELECT what FROM shop.journal')).toEqual([{ what: 'new' }, { what: 'née' }]);
    expect(await live.query("SELECT id >= 105 AS fresh FROM shop.orders WHERE note = 'new'")).toEqual([{ fresh: 1 }]);
    await live.query('DELETE FROM crm.customer WHERE id = 2');
    expect(await live.query('SELECT id FROM shop.orders WHERE customer = 2')).toEqual([]);
    await live.query("INSERT INTO crm.customer VALUES (2, 'Bob')");
  });

  it('says which rows do not fit a foreign key of today, and which events are of the past', async () => {
    await live.query('DELETE FROM crm.customer WHERE id = 2');
    await run(scratch, PASSED_EVENTS);
    await run(live, ['CREATE DATABASE Shop', 'CREATE EVENT Shop.sale ON SCHEDULE EVERY 1 DAY DO SELECT 1']); // another one
    const result = await into();
    await run(live, ['DROP DATABASE Shop', "INSERT INTO crm.customer VALUES (2, 'Bob')"]);
    expect(result.warnings).toEqual([
      'foreign key orders.of_customer to crm.customer: rows without one in crm.customer: 1',
    ]);
    expect(result.notCarried).toMatchObject([
      { type: 'event', name: 'once' },
      { type: 'event', name: 'sale' },
    ]);
    expect(await live.query("SHOW TABLES FROM shop LIKE 'broken'")).toEqual([]);
  });

  it('refuses what is there already, in any case of letters, before it writes', async () => {
    await run(live, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.Orders (mine INT)',
      'INSERT INTO shop.Orders VALUES (1)',
    ]);
    const before = await holdings();
    const error = await refusalOf(into());
    expect([error.code, error.exitCode]).toEqual(['TARGET_NOT_EMPTY', 40]);
    expect(error.message).toContain("schema 'shop' of the live server");
    expect(error.message).toContain('table orders');
    expect(error.hint).toContain('--rename');
    await run(live, ['DROP TABLE shop.Orders', 'CREATE PROCEDURE shop.REORDER() SELECT 1']);
    expect((await refusalOf(into())).message).toContain('procedure reorder');
    await run(live, [
      'DROP PROCEDURE shop.REORDER',
      'CREATE TABLE shop.Orders (mine INT)',
      'INSERT INTO shop.Orders VALUES (1)',
    ]);
    expect(await holdings()).toEqual(before);
  });

  it('refuses a view of a wanted name also when it is broken, and brings a table back under views that broke without it', async () => {
    await run(live, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.base (id INT)',
      'CREATE TABLE shop.journal (what VARCHAR(90))',
      'CREATE VIEW shop.Old AS SELECT * FROM shop.base',
      'CREATE VIEW shop.hurt AS SELECT * FROM shop.base',
      'CREATE VIEW shop.of_journal AS SELECT * FROM shop.journal',
      'CREATE OR REPLACE VIEW crm.hurt AS SELECT * FROM shop.base',
      'DROP TABLE shop.journal',
      'DROP TABLE shop.base',
    ]);
    const before = await holdings();
    const refusal = await refusalOf(into({ names: ['old'] }));
    expect(refusal).toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringMatching(/^schema 'shop' of the live server .* already has view old$/) as string,
      hint: expect.stringContaining('--rename NAME') as string,
    });
    expect(await holdings()).toEqual(before);
    await scratch.query("INSERT INTO shop.journal VALUES ('was here')");
    const { tables } = await into({ names: ['journal'] });
    expect(tables).toMatchObject([{ name: 'journal', rows: 1 }]);
    expect(await live.query('SELECT what FROM shop.of_journal')).toEqual([{ what: 'was here' }]);
    await live.query('DROP VIEW crm.hurt');
  });

  it('puts a copy beside the living schema, which names and holds nothing of it', async () => {
    await run(live, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id INT)',
      'CREATE TABLE shop.journal (what TEXT)',
    ]);
    const result = await into({ as: 'shop_2' });

    expect(result.notCarried).toMatchObject([
      { type: 'foreign key', name: 'orders.of_customer to crm.customer' },
      { type: 'procedure', name: 'anywhere', why: 'it builds statements as it runs' },
    ]);
    expect(await live.query('SELECT name, id FROM shop_2.a_on_view ORDER BY id')).toHaveLength(2);
    await live.query("INSERT INTO shop_2.orders (note) VALUES ('new')");
    await live.query('CALL shop_2.reorder()');
    expect(await live.query('SELECT COUNT(*) AS n FROM shop_2.journal')).toEqual([{ n: '4' }]);
    expect(await live.query('SELECT * FROM shop.orders')).toEqual([]);
    expect(await live.query('SELECT * FROM shop.journal')).toEqual([]);
    const text = JSON.stringify(await portrait(live, 'shop_2'));
    expect(text).not.toMatch(/shop[`.]/);
  });

  it('brings single tables back among the others, with their triggers, and what refers to them fits again', async () => {
    await run(live, [
      'CREATE DATABASE shop',
      'SET foreign_key_checks = 0',
      'CREATE TABLE shop.line (id INT, `order` BIGINT, CONSTRAINT of_order FOREIGN KEY (`order`) REFERENCES shop.orders (id))',
      'INSERT INTO shop.line VALUES (1, 100), (2, 999)',
      'CREATE TABLE crm.visit (id INT, `order` BIGINT, CONSTRAINT of_visit FOREIGN KEY (`order`) REFERENCES shop.orders (id))',
      'INSERT INTO crm.visit VALUES (2, 998), (3, 997)',
      'CREATE TABLE shop.`product é` (id INT PRIMARY KEY)',
      'INSERT INTO shop.`product é` VALUES (1), (2), (3)',
      'SET foreign_key_checks = 1',
    ]);
    const result = await into({ names: ['orders'] });
    expect(result.tables).toMatchObject([{ schema: 'shop', name: 'orders', rows: 3 }]);
    expect(result.notCarried).toMatchObject([{ type: 'default', name: 'orders.id' }]); // its sequence is not there
    expect(result.warnings).toEqual([
      'foreign key crm.visit.of_visit to shop.orders: rows without one in shop.orders: 2',
      'foreign key line.of_order to shop.orders: rows without one in shop.orders: 1',
    ]);
    expect(
      await live.query("SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = 'shop'"),
    ).toEqual([{ name: 'after_order' }, { name: 'second' }]);
    await expect(live.query('INSERT INTO shop.orders (id, product) VALUES (1, 77)')).rejects.toThrow('of_product');
    await expect(live.query('DELETE FROM shop.orders WHERE id = 100')).rejects.toThrow('of_order');
    await live.query('DROP TABLE shop.line, crm.visit');
  });

  it('makes each definition as it was written, and says whose definer is gone', async () => {
    await run(scratch, [
      "SET SESSION session_track_system_variables = '', NAMES eucjpms",
      'CREATE PROCEDURE shop.in_eucjpms() SELECT 1',
      'SET SESSION session_track_system_variables = DEFAULT, NAMES utf8mb4',
      "SET SESSION sql_mode = 'ANSI_QUOTES', collation_connection = latin1_german2_ci, character_set_client = latin1",
      `CREATE PROCEDURE shop.ansi() SELECT HEX('é') AS hex, COLLATION('é') AS collation, "what" FROM "shop"."journal"`,
      'CREATE PROCEDURE shop.plain() SELECT 1 FROM shop.journal',
      `CREATE PROCEDURE shop.bytes() SELECT _latin1'é' FROM shop.journal`,
      "CREATE DEFINER='ghost'@'%' FUNCTION shop.haunted() RETURNS INT DETERMINISTIC RETURN 1",
      "CREATE DEFINER='bob@example.com'@'%' EVENT shop.daily ON SCHEDULE EVERY 1 DAY DO SELECT 1",
      'SET NAMES utf8mb4, SESSION sql_mode = DEFAULT',
      "INSERT INTO shop.journal VALUES ('x')",
    ]);
    const [expected] = await scratch.query('CALL shop.ansi()');
    const [plain] = await scratch.query('SHOW CREATE PROCEDURE shop.plain');
    const inEucjpms = await scratch.query('SHOW CREATE PROCEDURE shop.in_eucjpms');
    const result = await into({ as: 'shop_2' });
    expect(await live.query('SHOW CREATE PROCEDURE shop_2.in_eucjpms')).toEqual(inEucjpms);
    expect(JSON.stringify(inEucjpms)).toContain('eucjpms_japanese_ci');
    expect(result.warnings).toEqual([
      expect.stringMatching(/^function haunted: .*'ghost'@'%'.* does not exist/),
      expect.stringMatching(/^event daily: .*'bob@example.com'@'%'.* does not exist/),
    ]);
    expect(result.notCarried).toContainEqual({
      ...{ type: 'procedure', name: 'bytes' },
      why: 'it was written in latin1 and names the character set of a text itself',
    });
    expect(await live.query('SHOW CREATE PROCEDURE shop_2.plain')).toEqual([
      { ...plain, 'Create Procedure': String(plain?.['Create Procedure']).replace('shop.', '`shop_2`.') },
    ]);
    expect((await live.query('CALL shop_2.ansi()'))[0]).toEqual(expected);
    expect(JSON.stringify(expected)).toContain('latin1_german2_ci');
  });

  it('tells of a schema that a killed salvage left, and leaves it alone', async () => {
    await live.query('CREATE DATABASE lastgood_salvage_0badcafe');
    const { warnings } = await into();
    expect(warnings).toEqual([expect.stringContaining('DROP DATABASE lastgood_salvage_0badcafe')]);
    expect(await live.query("SHOW DATABASES LIKE 'lastgood%'")).toHaveLength(1);
    await live.query('DROP DATABASE lastgood_salvage_0badcafe');
  });

  it('says what there is when it has no such table, and takes none whose history it would lose', async () => {
    await expect(takenFrom(scratchServer, scratch, ['order'])).rejects.toMatchObject({
      ...{ code: 'OBJECT_UNKNOWN', exitCode: 20 },
      message: "schema 'shop' has no table or view 'order' at the target",
      hint: expect.stringContaining('orders') as unknown,
    });
    await scratch.query('CREATE TABLE shop.history (id INT) WITH SYSTEM VERSIONING');
    await expect(takenFrom(scratchServer, scratch)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: 'a dump of system-versioned tables would lose their history: shop.history',
    });
    expect((await takenFrom(scratchServer, scratch, ['orders'])).tables).toHaveLength(1);
  });

  it('leaves nothing when it is interrupted while loading', async () => {
    const before = await holdings();
    const abort = new AbortController();
    const onProgress = (): void => {
      abort.abort();
    };
    expect((await refusalOf(into({ signal: abort.signal, onProgress }))).code).toBe('INTERRUPTED');
    expect(await holdings()).toEqual(before);
  });

  it('does with the documented privileges, and removes everything again when its last step is refused', async () => {
    await run(live, [
      "CREATE USER 'salvage'@'localhost' IDENTIFIED BY 'secret'",
      ...(await documentedGrants()),
      'GRANT SELECT, REFERENCES ON crm.* TO salvage@localhost',
    ]);
    const before = await holdings();
    const server = { ...liveServer.serverOptions('live server'), user: 'salvage', password: 'secret' };
    const untrusted = await refusalOf(into({ server, names: ['orders', 'product é'] }));
    expect(untrusted.hint).toMatch(/: SET GLOBAL log_bin_trust_function_creators = 1;$/);
    expect(await holdings()).toEqual(before);
    await live.query('SET GLOBAL log_bin_trust_function_creators = 1');
    // The tables are in place, then a trigger is refused.
    const { definitions, ...taken } = await takenFrom(scratchServer, scratch, ['orders', 'product é']);
    const wrong = definitions.map((one) => ({ ...one, sql: one.sql.replace('NEW.note', 'NEW.nothing') }));
    const error = await refusalOf(into({ ...taken, definitions: wrong, server }));
    expect(error.message).toContain('nothing');
    expect(error.message).not.toContain('could not be removed');
    expect(await holdings()).toEqual(before);
    await run(scratch, ['SET foreign_key_checks = 0', 'DROP DATABASE shop', ...SHOP, 'DROP VIEW shop.broken']);
    const whole = await portrait(scratch, 'shop');
    await into({ server });
    await live.query('SET GLOBAL log_bin_trust_function_creators = 0');
    expect(await portrait(live, 'shop')).toEqual(whole);
  });

  it('does not let the settings of the server change what it says or brings back', async () => {
    await scratch.query('DROP VIEW shop.broken');
    const whole = await portrait(scratch, 'shop');
    await live.query(
      "SET GLOBAL sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_ALL_TABLES', GLOBAL autocommit = 0, GLOBAL binlog_format = MIXED",
    );
    await into().finally(async () => {
      await live.query('SET GLOBAL sql_mode = DEFAULT, GLOBAL autocommit = 1, GLOBAL binlog_format = ROW');
    });
    expect(await portrait(live, 'shop')).toEqual(whole);
  });

  it('says which table is not defined as it was', async () => {
    await run(scratch, ['SET explicit_defaults_for_timestamp = ON', 'CREATE TABLE shop.seen (at TIMESTAMP NOT NULL)']);
    await live.query('SET GLOBAL explicit_defaults_for_timestamp = OFF');
    const { warnings } = await into({ names: ['seen', 'journal'] }).finally(async () => {
      await live.query('SET GLOBAL explicit_defaults_for_timestamp = ON');
    });
    expect(warnings).toEqual([
      expect.stringMatching(/^table seen is not defined as it was: '`at` timestamp NOT NULL' is there '.* ON UPDATE /),
    ]);
  });

  it('makes no table that its own session alone may make: replicas would stop at it', async () => {
    const columns = Array.from({ length: 60 }, (_, at) => `c${at} CHAR(250)`).join(', ');
    await run(scratch, [
      'SET innodb_strict_mode = 0',
      `CREATE TABLE shop.wide (${columns}) ROW_FORMAT=COMPACT`,
      'SET innodb_strict_mode = 1',
    ]);
    const before = await holdings();
    const error = await refusalOf(into());
    expect([error.code, error.message]).toEqual(['TOOL_FAILED', expect.stringContaining('Row size too large')]);
    expect(await holdings()).toEqual(before);
  });

  it('refuses a server whose log would not bring replicas the whole salvage', async () => {
    await using filtered = await startPrimary({ serverId: 103, args: ['--binlog-do-db=shop'] });
    await using other = await filtered.connect();
    expect((await refusalOf(requireWritable(other, 'shop'))).message).toContain('binlog_do_db is shop');
    await live.query('SET GLOBAL binlog_format = STATEMENT');
    const error = await refusalOf(into()).finally(async () => {
      await live.query('SET GLOBAL binlog_format = ROW');
    });
    expect(error.message).toContain('binlog_format is STATEMENT, which cannot hold sequences');
  });

  it('removes no tables of others when its own schema was dropped under it', async () => {
    await run(live, ['CREATE DATABASE shop', 'CREATE TABLE shop.journal (mine INT)']);
    const { content } = await takenFrom(scratchServer, scratch, ['journal']);
    const undo = new Undo();
    await using session = await liveServer.connect();
    const moving = moveIn({
      ...{
        live: session,
        reconnect: () => liveServer.connect(),
        content,
        staging: 'lastgood_salvage_gone',
        as: 'shop',
      },
      ...{ defaults: [], definitions: [], undo },
    });
    await expect(moving).rejects.toThrow('lastgood_salvage_gone');
    expect(await undo.all(silentLog)).toEqual([expect.stringContaining('schema lastgood_salvage_gone is gone')]);
    expect(await live.query('SHOW TABLES FROM shop')).toEqual([{ Tables_in_shop: 'journal' }]);
  });

  it('takes nothing away again for what fails once the tables are in use', async () => {
    await run(live, [
      'CREATE DATABASE shop',
      'CREATE DATABASE lastgood_salvage_1',
      'CREATE TABLE shop.journal (mine INT)',
    ]);
    const { content } = await takenFrom(scratchServer, scratch, ['journal']);
    const lost = await liveServer.connect();
    await lost.close();
    const o = { reconnect: () => liveServer.connect(), content, staging: 'lastgood_salvage_1', as: 'shop' };
    const { warnings } = await finish(lost, o);
    expect(warnings).toEqual([
      expect.stringMatching(/^foreign keys to what is back in schema shop are not checked: /),
      expect.stringMatching(/^whether an event has passed is not known: /),
    ]);
    expect(await live.query("SHOW DATABASES LIKE 'lastgood%'")).toEqual([]);
    expect((await finish(live, o)).warnings).toEqual([
      expect.stringMatching(/^schema lastgood_salvage_1 is empty and was not dropped: /),
    ]);
  });

  it('names the privileges that the account lacks', async () => {
    await run(live, [
      "CREATE USER 'reader'@'localhost' IDENTIFIED BY 'secret'",
      'GRANT SELECT ON *.* TO reader@localhost',
    ]);
    const server = { ...liveServer.serverOptions('live server'), user: 'reader', password: 'secret' };
    const lacks = await refusalOf(into({ server }));
    expect([lacks.code, lacks.exitCode]).toEqual(['PREFLIGHT_FAILED', 40]);
    expect(lacks.hint).toContain(
      'GRANT INSERT, CREATE, ALTER, DROP, INDEX, REFERENCES, CREATE VIEW, SHOW VIEW, TRIGGER, CREATE ROUTINE, ALTER ROUTINE, EVENT ON `shop`.* TO `reader`@`localhost`;',
    );
    expect(lacks.hint).toContain('ON `lastgood\\_salvage\\_%`.* TO `reader`@`localhost`;');
    expect(lacks.hint).toContain('GRANT SET USER ON *.*');
  });

  it('refuses a server that could not hold what was lost as it was', async () => {
    const { content } = await takenFrom(scratchServer, scratch);
    const tables = content.tables.map((table) => ({ ...table, engine: 'Rocket', bytes: 1e18 }));
    const strange = { ...content, collation: 'klingon_ci', tables };
    const from = { version: '99.1.0-MariaDB', lowerCaseTableNames: 1 };
    const { message } = await refusalOf(requireFit(live, { content: strange, as: 'Shop', scratch: from }));
    expect(message).toMatch(/its version .* is older than 99\.1\.0-MariaDB/);
    expect(message).toMatch(/lower_case_table_names is 0 instead of 1/);
    expect(message).toMatch(/its disk has [\d.]+ [GT]iB free, and 8882 PiB are needed/);
    expect(message).toMatch(/it has no engine Rocket; it has no collation klingon_ci$/);
    await live.query('SET GLOBAL read_only = 1');
    const readOnly = await refusalOf(requireWritable(live, 'shop'));
    await live.query('SET GLOBAL read_only = 0');
    expect(readOnly.message).toContain('it is read-only');
    await requireWritable(live, 'shop');
    expect((await refusalOf(requireWritable(live, 'mysql'))).message).toContain('its schema mysql is its own');
    expect((await refusalOf(requireWritable(live, 'a'.repeat(65)))).message).toMatch(
      /takes no schema of the name 'a+'$/,
    );
  });
});
