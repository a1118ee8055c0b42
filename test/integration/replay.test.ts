import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { readBinlog } from '../../src/binlog/read-binlog.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { replay, type ReplayOptions } from '../../src/recovery/replay.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServedRange } from '../../src/server/served-range.ts';
import { silentLog } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { findGroup, servedFile, servedLog } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const identity = MARIADB_SOURCE;
const MIB = 1024 * 1024;

let primary: TestServer;
let scratch: TestServer;
let writer: ServerConnection;
let target: ServerConnection;

beforeAll(async () => {
  primary = await startPrimary({ args: ['--max-allowed-packet=64M'] });
  // A relay log that is full all the time, as a restore's is, only smaller: the archive server has to bear the pauses.
  const relay = ['--relay-log-space-limit=256K', '--max-relay-log-size=16K'];
  scratch = await startPrimary({ serverId: 900, args: ['--skip-log-bin', '--max-allowed-packet=64M', ...relay] });
  writer = await primary.connect();
  target = await scratch.connect();
});

afterAll(async () => {
  await target.close();
  await writer.close();
  await scratch[Symbol.asyncDispose]();
  await primary[Symbol.asyncDispose]();
});

afterEach(async () => {
  for (const connection of [writer, target]) {
    for (const schema of ['shop', 'crm']) await connection.query(`DROP DATABASE IF EXISTS ${schema}`);
  }
  await writer.query('SET GLOBAL binlog_checksum = CRC32');
  await writer.query('RESET MASTER');
});

async function run(options: Pick<ReplayOptions, 'ranges'> & Partial<ReplayOptions>) {
  return await replay({ target, identity, log: silentLog, ...options });
}

/** Each statement is one group. */
async function write(...statements: string[]): Promise<void> {
  for (const statement of statements) await writer.query(statement);
}

const create = (schema: string): string[] => [
  `CREATE DATABASE ${schema}`,
  `CREATE TABLE ${schema}.item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), content LONGBLOB)`,
];
const insert = (schema: string, name: string): string => `INSERT INTO ${schema}.item (name) VALUES ('${name}')`;
const insertMany = (schema: string): string =>
  `INSERT INTO ${schema}.item (name) SELECT CONCAT('name ', seq) FROM ${schema}.seq_1_to_1000`;

async function retries(): Promise<number> {
  await using connection = await scratch.connect();
  const [row] = await connection.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Slave_retried_transactions'");
  return Number(row?.Value);
}

/** As this product's own reader counts them. */
async function countGroups(ranges: readonly ServedRange[]): Promise<number> {
  let groups = 0;
  for (const range of ranges) {
    await using source = await range.open(0);
    const visitor = { query: () => undefined, group: () => undefined };
    groups += (await readBinlog(source, { visitor, verifyChecksums: true })).groups;
  }
  return groups;
}

describe('replay', () => {
  it('applies every file of a log, also files without checksums, to equal tables', async () => {
    await write(...create('shop'), insertMany('shop'), 'FLUSH BINARY LOGS');
    await write(
      'SET GLOBAL binlog_checksum = NONE',
      insert('shop', 'unchecked'),
      'FLUSH BINARY LOGS',
      insertMany('shop'),
    );
    await write('SET GLOBAL binlog_checksum = CRC32', insert('shop', 'checked'));

    const { groups, gtidState } = await run({ ranges: await servedLog(writer, primary.datadir) });

    expect(groups).toBe(6);
    expect(await checksums(target)).toEqual(await checksums(writer));
    const [row] = await writer.query<{ state: string }>('SELECT @@gtid_binlog_pos AS state');
    expect(gtidState).toBe(row?.state);
  });

  it('goes over from one log to another whose files have the same names', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await write(...create('shop'), insertMany('shop'), 'FLUSH BINARY LOGS', insert('shop', 'last of the old log'));
    const [row] = await writer.query<{ state: string }>('SELECT @@gtid_binlog_state AS state');
    const files = ['binlog.000001', 'binlog.000002'];
    for (const file of files) await copyFile(join(primary.datadir, file), join(folder.path, file));
    await write('RESET MASTER', `SET GLOBAL gtid_binlog_state = '${row?.state ?? ''}'`);
    await write(insert('shop', 'first of the new log'), 'FLUSH BINARY LOGS', insertMany('shop'));
    const named = async (name: string, path: string): Promise<ServedRange[]> => {
      const served = await Promise.all(files.map((file) => servedFile(join(path, file))));
      return served.map((range) => ({ ...range, file: `${name}.${range.file}` }));
    };

    const ranges = [...(await named('shop-old', folder.path)), ...(await named('shop-new', primary.datadir))];
    const { groups, gtidState, executed } = await run({ ranges });

    expect(groups).toBe(6);
    expect(await checksums(target)).toEqual(await checksums(writer));
    const [end] = await writer.query<{ state: string }>('SELECT @@gtid_binlog_pos AS state');
    expect(gtidState).toBe(end?.state);
    expect(executed).toEqual({ file: 'shop-new.binlog.000002', position: ranges.at(-1)?.to });
  });

  it('applies an event that takes more than one packet', async () => {
    await write(...create('shop'));
    await writer.query(`INSERT INTO shop.item (name, content) VALUES ('large', ?)`, [Buffer.alloc(20 * MIB, 'large')]);
    await write(insert('shop', 'small'));

    await run({ ranges: await servedLog(writer, primary.datadir) });

    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it.each(['first', 'middle', 'last'])(
    'cuts exactly before a DROP DATABASE that is the %s group of its file',
    async (place) => {
      await write(...create('shop'), ...create('crm'), insertMany('shop'), insertMany('crm'));
      if (place !== 'last') await write('FLUSH BINARY LOGS');
      if (place === 'middle') await write(insert('shop', 'before'), insert('crm', 'before'));
      const before = await checksums(writer);
      await write('DROP DATABASE shop');
      if (place === 'last') await write('FLUSH BINARY LOGS');
      await write(insert('crm', 'after'));

      const file = place === 'last' ? 'binlog.000001' : 'binlog.000002';
      const { start } = await findGroup(writer, { file, text: 'DROP DATABASE shop' });
      const whole = place === 'last' ? [] : [await servedFile(join(primary.datadir, 'binlog.000001'))];
      const cut = await servedFile(join(primary.datadir, file), { to: start });
      const { executed } = await run({ ranges: [...whole, cut] });

      expect(executed).toEqual({ file, position: start });
      expect(await checksums(target)).toEqual(before);
    },
  );

  it('begins in the middle of a file, where a backup stands', async () => {
    await write(...create('shop'), insertMany('shop'));
    await target.query('CREATE DATABASE shop');
    await target.query(
      'CREATE TABLE shop.item (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), content LONGBLOB)',
    );
    const { end } = await findGroup(writer, { file: 'binlog.000001', text: 'CREATE TABLE shop.item' });

    const range = await servedFile(join(primary.datadir, 'binlog.000001'), { from: end });
    const { groups } = await run({ ranges: [range], identity: { ...identity, gtidState: '0-101-2' } });

    expect(groups).toBe(1);
    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('leaves out a group that lies between two ranges of one file', async () => {
    await write(...create('shop'), insert('shop', 'before'));
    await write('CREATE TABLE shop.mistake (id INT)', insert('shop', 'after'));
    const path = join(primary.datadir, 'binlog.000001');
    const { start, end } = await findGroup(writer, { file: 'binlog.000001', text: 'shop.mistake' });

    const { groups } = await run({
      ranges: [await servedFile(path, { to: start }), await servedFile(path, { from: end })],
    });

    expect(groups).toBe(4);
    const { 'shop.item': item } = await checksums(writer);
    expect(await checksums(target)).toEqual({ 'shop.item': item });
  });

  it('counts a group once that the server had to apply again, after a lock that another session held', async () => {
    await write(...create('shop'), insert('shop', 'before'), 'RESET MASTER', "UPDATE shop.item SET name = 'after'");
    for (const statement of [...create('shop'), insert('shop', 'before')]) await target.query(statement);
    await using other = await scratch.connect();
    await other.query('START TRANSACTION');
    await other.query('SELECT id FROM shop.item FOR UPDATE');
    await target.query('SET GLOBAL innodb_lock_wait_timeout = 1');
    const before = await retries();

    const replaying = run({ ranges: await servedLog(writer, primary.datadir) });
    await waitFor(async () => (await retries()) > before, { timeoutMs: 30_000, what: 'the applier to try again' });
    await other.query('ROLLBACK');
    const { groups } = await replaying;

    await target.query('SET GLOBAL innodb_lock_wait_timeout = 50');
    expect(groups).toBe(1);
    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('ends where a file ends without a next one: after a clean stop', async () => {
    await write(...create('shop'));
    await writer.close();
    await primary.stop();
    const range = await servedFile(join(primary.datadir, 'binlog.000001'));
    await primary.restart();
    writer = await primary.connect();

    const { groups } = await run({ ranges: [range] });

    expect(groups).toBe(2);
  });

  it('asks by file and position where the GTID state is not known', async () => {
    await target.query("SET GLOBAL gtid_slave_pos = ''");
    await write(...create('shop'), insertMany('shop'), 'FLUSH BINARY LOGS', insertMany('shop'));

    const ranges = await servedLog(writer, primary.datadir);
    const { groups } = await run({ ranges, identity: { ...identity, gtidState: null } });

    expect(groups).toBe(4);
    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('applies everything a log can hold, and counts groups as the reader of logs does', async () => {
    await write(...create('shop'), 'USE shop');
    await write('CREATE TABLE old (id INT PRIMARY KEY) ENGINE=MyISAM', 'INSERT INTO old VALUES (1)');
    await expect(writer.query('INSERT INTO old VALUES (7), (1)')).rejects.toMatchObject({
      code: 'SERVER_QUERY_FAILED',
    });
    await write('BEGIN', insert('shop', 'undone'), 'INSERT INTO old VALUES (8)', 'ROLLBACK');
    await write("XA START 'x'", insert('shop', 'prepared'), "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'");
    await write('SET SESSION binlog_alter_two_phase = 1', 'ALTER TABLE item ADD COLUMN n INT');
    await write("SET SESSION binlog_format = 'STATEMENT'", 'CREATE TEMPORARY TABLE names (id INT, name VARCHAR(50))');
    await write("INSERT INTO names VALUES (1, 'temporary')", 'INSERT INTO item (name) SELECT name FROM names');
    await write('SET @name = RAND()', 'INSERT INTO item (name) VALUES (@name), (RAND()), (LAST_INSERT_ID())');
    await write("SET SESSION binlog_format = 'ROW'", 'CREATE TABLE copy SELECT * FROM item', 'FLUSH BINARY LOGS');
    await write('CREATE TABLE extra (id INT)');
    await expect(writer.query('DROP TABLE extra, missing')).rejects.toMatchObject({ code: 'SERVER_QUERY_FAILED' });
    const ranges = await servedLog(writer, primary.datadir);

    const { groups } = await run({ ranges });

    expect(groups).toBe(await countGroups(ranges));
    expect(await checksums(target)).toEqual(await checksums(writer));
    await write('USE mysql', 'SET SESSION binlog_alter_two_phase = 0');
  });

  it('sets the GTID state also when there is nothing to replay', async () => {
    const replayed = await run({ ranges: [], identity: { ...identity, gtidState: '0-101-7' } });

    expect(replayed).toEqual({ groups: 0, gtidState: '0-101-7', executed: null });
  });

  it('tells why the applier stopped, and leaves no replica behind', async () => {
    await write(...create('shop'), insert('shop', 'one'));
    await target.query('CREATE DATABASE shop');
    await target.query('CREATE TABLE shop.item LIKE information_schema.SCHEMATA');
    const { end } = await findGroup(writer, { file: 'binlog.000001', text: 'CREATE TABLE shop.item' });

    const replayed = run({ ranges: [await servedFile(join(primary.datadir, 'binlog.000001'), { from: end })] });

    await expect(replayed).rejects.toMatchObject({ code: 'TOOL_FAILED', details: { position: end } });
    await expect(replayed).rejects.toThrow(/cannot apply what follows binlog\.000001:\d+: .*shop\.item/);
    expect(await target.query('SHOW SLAVE STATUS')).toEqual([]);
  });

  it('refuses a range that cuts an event in two', async () => {
    await write(...create('shop'), insertMany('shop'));
    const [whole] = await servedLog(writer, primary.datadir);
    if (whole === undefined) throw new Error('the primary has no log');

    const replayed = run({ ranges: [{ ...whole, to: whole.to - 1 }] });

    await expect(replayed).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  });

  it('stops when told to, and leaves no replica behind', async () => {
    await write(...create('shop'));
    for (let n = 0; n < 20; n += 1) await write(insertMany('shop'));
    const controller = new AbortController();
    const progress = (): void => {
      controller.abort();
    };

    const replayed = run({ ranges: await servedLog(writer, primary.datadir), progress, signal: controller.signal });

    await expect(replayed).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await target.query('SHOW SLAVE STATUS')).toEqual([]);
  });
});
