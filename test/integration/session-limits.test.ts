import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ReplayOptions } from '../../src/recovery/replay.ts';
import { replayInSession } from '../../src/recovery/session/replay-in-session.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { silentLog } from '../support/archiver.ts';
import { checksums } from '../support/compare.ts';
import { findGroup, servedFile, servedLog } from '../support/served-files.ts';
import { MARIADB_SOURCE } from '../support/served-identity.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

const MIB = 1024 * 1024;
const FILE = 'binlog.000001';
const identity = MARIADB_SOURCE;
const CREATE = [
  'CREATE DATABASE shop',
  'CREATE TABLE shop.item (id INT PRIMARY KEY, name VARCHAR(50), content LONGBLOB)',
];
const insert = (id: number, name = 'item'): string => `INSERT INTO shop.item (id, name) VALUES (${id}, '${name}')`;

let primary: TestServer;
let scratch: TestServer;
let writer: ServerConnection;
let target: ServerConnection;

beforeAll(async () => {
  primary = await startPrimary({ args: ['--max-allowed-packet=64M'] });
  scratch = await startPrimary({ serverId: 900, args: ['--max-allowed-packet=1M'] });
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
    await connection.query('DROP DATABASE IF EXISTS shop');
    await connection.query('RESET MASTER');
  }
});

async function write(...statements: string[]): Promise<void> {
  for (const statement of statements) await writer.query(statement);
}

async function run(options: Partial<ReplayOptions> = {}) {
  const ranges = options.ranges ?? (await servedLog(writer, primary.datadir));
  return await replayInSession({ target, identity, keepsPlace: true, log: silentLog, ...options, ranges });
}

async function ask(connection: ServerConnection, expression: string): Promise<string> {
  const [row] = await connection.query<{ value: string | number }>(`SELECT ${expression} AS value`);
  return String(row?.value);
}

describe('a session', () => {
  it('gives a target that writes a log the GTIDs of the source, of every domain', async () => {
    await write(...CREATE, 'SET gtid_domain_id = 7', insert(1), insert(2), 'SET gtid_domain_id = 0', insert(3));

    const { groups, gtidState } = await run();

    expect(groups).toBe(5);
    const state = await ask(writer, '@@gtid_binlog_pos');
    expect(state).toMatch(/^0-101-\d+,7-101-\d+$/);
    expect([gtidState, await ask(target, '@@gtid_binlog_pos')]).toEqual([state, state]);
    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('does not need the right to raise limits, and sends a large event in halves', async () => {
    await using account = await withoutSuper();
    await write(...CREATE);
    await writer.query(`INSERT INTO shop.item VALUES (1, 'large', ?)`, [Buffer.alloc(1.2 * MIB, 'large')]);

    await run({ target: account });

    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('finds an event that the target cannot take before anything is executed', async () => {
    await using account = await withoutSuper();
    await write(...CREATE);
    await writer.query(`INSERT INTO shop.item VALUES (1, 'large', ?)`, [Buffer.alloc(3 * MIB, 'large')]);

    const replayed = run({ target: account });

    await expect(replayed).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED', details: { packetBytes: MIB } });
    expect(await target.query("SHOW DATABASES LIKE 'shop'")).toEqual([]);
  });

  it('takes every event where it may, and leaves the limits as they were', async () => {
    await write(...CREATE);
    await writer.query(`INSERT INTO shop.item VALUES (1, 'large', ?)`, [Buffer.alloc(3 * MIB, 'large')]);
    await target.query('SET GLOBAL local_infile = 0');

    await run();

    expect(await checksums(target)).toEqual(await checksums(writer));
    expect(await ask(target, 'CONCAT(@@GLOBAL.max_allowed_packet, @@GLOBAL.local_infile)')).toBe(`${MIB}OFF`);
    await target.query('SET GLOBAL local_infile = 1');
  });

  it('stops at the first statement that fails, says where, and executes nothing behind it', async () => {
    await write(...CREATE, insert(1), "SET binlog_format = 'STATEMENT'");
    await write("UPDATE shop.item SET name = 'in order'", "CREATE USER app IDENTIFIED BY 'secret'", insert(9));
    await write("SET binlog_format = 'ROW'", 'DROP USER app');
    await target.query("CREATE USER app IDENTIFIED BY 'other'");
    const { start } = await findGroup(writer, { file: FILE, text: 'CREATE USER' });

    const replayed = run();

    await expect(replayed).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      details: { file: FILE, position: start, errno: 1396 },
    });
    await expect(replayed).rejects.toThrow(
      /^cannot execute binlog\.000001:\d+, in group 0-101-5 at binlog\.000001:\d+: error 1396: .*; the statement is: CREATE USER app IDENTIFIED BY '\*\*\*'$/,
    );
    expect(await target.query('SELECT id, name FROM shop.item')).toEqual([{ id: 1, name: 'in order' }]);
    await target.query('DROP USER app');
  });

  it('names the table whose row is in the way', async () => {
    await write(...CREATE);
    const { end } = await findGroup(writer, { file: FILE, text: 'CREATE TABLE' });
    await write(insert(1), insert(2), insert(3));
    for (const statement of [...CREATE, insert(2, 'in the way')]) await target.query(statement);

    const replayed = run({
      ranges: [await servedFile(join(primary.datadir, FILE), { from: end })],
      identity: { ...identity, gtidState: null },
    });

    await expect(replayed).rejects.toThrow(/group 0-101-4 at .*: error 1062: .*; it is about rows of shop\.item$/);
    expect(await ask(target, '(SELECT GROUP_CONCAT(id) FROM shop.item)')).toBe('1,2');
  });

  it('stops where a statement that failed on its source does not fail', async () => {
    await write(
      ...CREATE,
      'CREATE TABLE shop.old (id INT PRIMARY KEY) ENGINE=MyISAM',
      "SET binlog_format = 'STATEMENT'",
    );
    await write('INSERT INTO shop.old VALUES (1)');
    const { start, end } = await findGroup(writer, { file: FILE, text: 'VALUES (1)' });
    await expect(writer.query('INSERT INTO shop.old VALUES (2), (1)')).rejects.toThrow('Duplicate');
    await write("SET binlog_format = 'ROW'");
    const path = join(primary.datadir, FILE);
    const ranges = [await servedFile(path, { to: start }), await servedFile(path, { from: await groupEnd(end) })];

    await expect(run({ ranges })).rejects.toThrow('on its source it failed with error 1062, here it did not');
  });

  it('executes nothing of a block that is damaged', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await write(...CREATE, insert(1, 'the name'));
    const bytes = await readFile(join(primary.datadir, FILE));
    bytes.write('THE', bytes.indexOf('the name'));
    await writeFile(join(folder.path, FILE), bytes);

    const replayed = run({ ranges: [await servedFile(join(folder.path, FILE))] });

    await expect(replayed).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    expect(await target.query("SHOW DATABASES LIKE 'shop'")).toEqual([]);
  });

  it('ends a statement that takes long when it is told to stop', async () => {
    const controller = new AbortController();
    const replayed = run({ ...(await slowLog()), signal: controller.signal });
    replayed.catch(() => undefined);
    await waitFor(() => isRunning('SLEEP'), { timeoutMs: 10_000, what: 'the slow statement' });

    controller.abort();

    await expect(replayed).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });

  it('says that the target is lost when the session is killed', async () => {
    const replayed = run(await slowLog());
    replayed.catch(() => undefined);
    const id = await waitFor(() => isRunning('SLEEP'), { timeoutMs: 10_000, what: 'the slow statement' });
    await target.query(`KILL ${id}`);

    await expect(replayed).rejects.toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('leaves a prepared XA transaction prepared, and goes on', async () => {
    await write(...CREATE, "XA START 'x'", insert(1), "XA END 'x'", "XA PREPARE 'x'");
    await using other = await primary.connect();
    await other.query(insert(2));
    const { groups } = await run();

    expect(groups).toBe(4);
    const prepared = await target.query('XA RECOVER');
    for (const connection of [writer, target]) await connection.query("XA ROLLBACK 'x'");
    expect(prepared).toHaveLength(1);
    expect(await checksums(target)).toEqual(await checksums(writer));
  });

  it('undoes what a group began that never ended, and does not count it', async () => {
    await write(...CREATE, insert(1), insert(2));
    const rows = await writer.query<{ Pos: string; Event_type: string }>(`SHOW BINLOG EVENTS IN '${FILE}'`);
    const cut = rows.findLast(({ Event_type: type }) => type === 'Xid')?.Pos;

    const { groups } = await run({ ranges: [await servedFile(join(primary.datadir, FILE), { to: Number(cut) })] });

    expect(groups).toBe(3);
    expect(await ask(target, '(SELECT GROUP_CONCAT(id) FROM shop.item)')).toBe('1');
  });

  it('has only the GTID state to set when there is nothing to replay', async () => {
    const replayed = await run({ ranges: [], identity: { ...identity, gtidState: '0-101-7' } });

    expect(replayed).toEqual({ groups: 0, gtidState: '0-101-7', executed: null });
  });

  it('refuses a target of the other kind', async () => {
    await expect(run({ identity: { ...identity, flavor: 'mysql', serverVersion: '8.0.36' } })).rejects.toThrow(
      /^the log is of 8\.0\.36, and the target is 10\.11/,
    );
  });
});

/** Of the group that begins at `start`. */
async function groupEnd(start: number): Promise<number> {
  const events = await writer.query<{ Pos: string; Event_type: string }>(`SHOW BINLOG EVENTS IN '${FILE}'`);
  const next = events.find(({ Pos, Event_type: type }) => Number(Pos) > start && type === 'Gtid');
  return Number(next?.Pos ?? start);
}

/** A statement that took no time on its source, where the table is empty, and takes minutes on the target. */
async function slowLog(): Promise<Pick<ReplayOptions, 'ranges' | 'identity'>> {
  await write(...CREATE);
  for (const statement of [...CREATE, insert(1)]) await target.query(statement);
  const { end } = await findGroup(writer, { file: FILE, text: 'CREATE TABLE' });
  await write("SET binlog_format = 'STATEMENT'", 'UPDATE shop.item SET name = SLEEP(600)', "SET binlog_format = 'ROW'");
  const ranges = [await servedFile(join(primary.datadir, FILE), { from: end })];
  return { ranges, identity: { ...identity, gtidState: null } };
}

async function isRunning(text: string): Promise<number | undefined> {
  const rows = await target.query<{ id: number | string }>(
    `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE INFO LIKE '%${text}(600)%' AND ID <> CONNECTION_ID()`,
  );
  return rows[0] === undefined ? undefined : Number(rows[0].id);
}

/** Everything but SUPER: it may execute any log, and no more. */
async function withoutSuper(): Promise<ServerConnection> {
  await target.query('SET sql_log_bin = 0');
  for (const sql of [
    "CREATE OR REPLACE USER executor@'%' IDENTIFIED BY 'x'",
    "GRANT ALL ON *.* TO executor@'%'",
    "REVOKE SUPER ON *.* FROM executor@'%'",
  ])
    await target.query(sql);
  await target.query('SET sql_log_bin = 1');
  return await scratch.connect('executor', 'x');
}
