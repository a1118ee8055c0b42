import { readdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findWaysOut } from '../../src/recovery/loose-ends.ts';
import { listTables, readTableStates, type TableState } from '../../src/recovery/table-state.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { run } from '../support/backup-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let server: TestServer;
let connection: ServerConnection;

beforeAll(async () => {
  server = await startPrimary({ args: ['--skip-log-bin'] });
  connection = await server.connect();
  await run(connection, ['CREATE DATABASE shop', 'USE shop']);
});

afterAll(async () => {
  await connection.close();
  await server[Symbol.asyncDispose]();
});

async function statesOf(...names: string[]): Promise<(TableState | undefined)[]> {
  const states = await readTableStates(connection, await listTables(connection));
  return names.map((name) => states.find((state) => state.name === name));
}

it('is of no rows that are in other tables, also where those are gone', async () => {
  await run(connection, [
    'CREATE TABLE part (a INT) ENGINE=MyISAM',
    'INSERT INTO part VALUES (1)',
    'CREATE TABLE lost_part (a INT) ENGINE=MyISAM',
    'CREATE TABLE whole (a INT) ENGINE=MERGE UNION=(part)',
    'CREATE TABLE broken (a INT) ENGINE=MERGE UNION=(lost_part)',
    'DROP TABLE lost_part',
  ]);
  expect(await statesOf('part', 'whole', 'broken')).toMatchObject([
    { name: 'part', rows: 1 },
    { name: 'whole', checksum: 'elsewhere', rows: 0 },
    { name: 'broken', checksum: 'elsewhere', rows: 0 },
  ]);
});

it('asks no other server, which may be away, or a live one', async ({ skip }) => {
  const [plugins] = await connection.query<{ folder: string }>('SELECT @@plugin_dir AS folder');
  skip(!readdirSync(plugins?.folder ?? '').includes('ha_federatedx.so'), 'this server has no FEDERATED engine');
  await run(connection, [
    "INSTALL SONAME 'ha_federatedx'",
    'CREATE TABLE remote_of (a INT PRIMARY KEY)',
    `CREATE TABLE remote (a INT PRIMARY KEY) ENGINE=FEDERATED CONNECTION='mysql://root@127.0.0.1:${server.port}/shop/remote_of'`,
  ]);
  expect(await statesOf('remote')).toMatchObject([{ checksum: 'elsewhere', rows: 0 }]);
  expect(await findWaysOut(connection)).toEqual([
    expect.stringMatching(/^1 table leads to other servers or files: shop\.remote \(FEDERATED\); what the log writes/),
  ]);
  await run(connection, ['DROP TABLE remote_of']);
  expect(await statesOf('remote')).toMatchObject([{ checksum: 'elsewhere', rows: 0 }]);
});

it('says of a damaged table that it cannot be read, and reads all others', async () => {
  await run(connection, [
    'CREATE TABLE damaged (a INT, KEY (a)) ENGINE=MyISAM',
    'INSERT INTO damaged VALUES (1), (2)',
    'FLUSH TABLES',
  ]);
  await writeFile(join(server.datadir, 'shop/damaged.MYI'), 'nothing of an index');
  await run(connection, ['CREATE TABLE sound (a INT)', 'INSERT INTO sound VALUES (7)']);
  expect(await statesOf('damaged', 'sound')).toMatchObject([
    { checksum: null, rows: 0 },
    { checksum: expect.stringMatching(/^\d+$/) as string, rows: 1 },
  ]);
});

it('tells floats apart that look the same as text, beside a generated column too', async () => {
  await run(connection, [
    ...['one', 'same', 'other'].map((name) => `CREATE TABLE ${name} (f FLOAT, seven INT AS (7) VIRTUAL)`),
    ...['one', 'same'].map((name) => `INSERT INTO ${name} (f) VALUES (1.2345678)`),
    'INSERT INTO other (f) VALUES (1.2345679)',
  ]);
  const [one, same, other] = await statesOf('one', 'same', 'other');
  expect(one?.checksum).toBe(same?.checksum);
  expect(one?.checksum).not.toBe(other?.checksum);
  expect(one?.checksum).toMatch(/^sum-\d+$/);
});
