import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { keepMakeable } from '../../src/operations/salvage/makeable-views.ts';
import { grantText } from '../../src/operations/salvage/object-grants.ts';
import { loadSql, readDump } from '../../src/operations/salvage/load-sql.ts';
import { salvageToFile, writeDump, type SalvageOutOptions } from '../../src/operations/salvage/salvage-out.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { run } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { PASSED_EVENTS, portrait, SHOP, takenFrom } from '../support/salvage-scene.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';

let scratchServer: TestServer;
let elsewhere: TestServer;
let scratch: ServerConnection;
let other: ServerConnection;
let folder: string;

beforeAll(async () => {
  [scratchServer, elsewhere] = await Promise.all([
    startPrimary({ args: ['--skip-log-bin'] }),
    startPrimary({ serverId: 102, args: ['--skip-log-bin'] }),
  ]);
  scratch = await scratchServer.connect();
  other = await elsewhere.connect();
  await run(other, SHOP.slice(0, 4));
  folder = join(scratchServer.directory, 'dumps');
  await mkdir(folder);
});

afterAll(async () => {
  await elsewhere[Symbol.asyncDispose]();
  await scratchServer[Symbol.asyncDispose]();
});

beforeEach(async () => {
  await run(scratch, ['DROP DATABASE IF EXISTS shop', ...SHOP]);
  await other.query('DROP DATABASE IF EXISTS shop');
});

async function options(more: Partial<SalvageOutOptions> = {}): Promise<SalvageOutOptions> {
  const { names = [] } = more;
  const taken = await takenFrom(scratchServer, scratch, names);
  const grants = taken.privileges.map((grant) => grantText(grant));
  const title = ['salvaged', 'a name with a\nDROP DATABASE shop;'];
  return { ...taken, title, grants, granting: false, names, onProgress: () => undefined, ...more };
}

/** As a person would, on another server. */
async function load(path: string, schema: string | null = null): Promise<void> {
  const server = elsewhere.serverOptions('another server');
  await loadSql({ server, temporary: elsewhere.directory, schema }, readDump(path, path.endsWith('.zst')));
}

const withoutBroken = async (connection: ServerConnection): Promise<unknown> => {
  await connection.query('DROP VIEW IF EXISTS shop.broken');
  return await portrait(connection, 'shop');
};

describe('salvage to a dump', () => {
  it.each(['shop.sql', 'shop.sql.zst'])('%s loads elsewhere to the same schema, down to the last bit', async (name) => {
    const path = join(folder, name);
    const written = await salvageToFile(path, await options());
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(written.file.bytes).toBe((await stat(path)).size);
    expect(written.notCarried).toEqual([]);
    expect(await readdir(folder)).not.toContain(`${name}.unproven`);
    await load(path);
    expect(await portrait(other, 'shop')).toEqual(await withoutBroken(scratch));
  });

  it('goes without events whose last time has passed', async () => {
    await run(scratch, PASSED_EVENTS);
    const { notCarried } = await salvageToFile(join(folder, 'once.sql'), await options());
    expect(notCarried).toEqual([
      { type: 'event', name: 'once', why: 'its time has passed' },
      { type: 'event', name: 'sale', why: 'its time has passed' },
    ]);
  });

  it('goes without views that work and yet nobody can make anew, and without what reads them', async () => {
    await run(scratch, [
      'CREATE USER ghost@localhost',
      'GRANT ALL ON *.* TO ghost@localhost',
      'CREATE DEFINER=ghost@localhost VIEW shop.orphan AS SELECT id FROM shop.orders',
      'CREATE VIEW shop.over_orphan AS SELECT id FROM shop.orphan',
      'DROP USER ghost@localhost',
      'CREATE VIEW shop.z AS SELECT id FROM shop.orders',
      'CREATE VIEW shop.outlived AS SELECT id FROM shop.z WITH CHECK OPTION',
      'CREATE OR REPLACE VIEW shop.z AS SELECT DISTINCT id FROM shop.orders',
      'CREATE VIEW shop.over_outlived AS SELECT id FROM shop.outlived',
      "CREATE DEFINER = 'bob@example.com'@'%' EVENT shop.daily ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    ]);
    const whole = await options();
    const { content, notCarried } = await keepMakeable(whole);
    expect(notCarried.map(({ name }) => name).sort()).toEqual(['outlived', 'over_orphan', 'over_outlived']);
    const path = join(folder, 'makeable.sql');
    await salvageToFile(path, { ...whole, content });
    await load(path);
    expect(await portrait(other, 'shop')).toEqual(await withoutBroken(scratch));
  });

  it('loads rows that a check constraint forbids today', async () => {
    await run(scratch, [
      'SET check_constraint_checks = 0',
      'INSERT INTO shop.`product é` (price) VALUES (5000)',
      'SET check_constraint_checks = 1',
    ]);
    const path = join(folder, 'checks.sql');
    await salvageToFile(path, await options());
    await load(path);
    expect(await other.query('SELECT id FROM shop.`product é` WHERE price > 1000')).toHaveLength(1);
  });

  it('has the privileges of an account that is called like our own, from elsewhere', async () => {
    const { user } = scratchServer.serverOptions('scratch server');
    await run(scratch, [`CREATE USER '${user}'@'10.%'`, `GRANT SELECT ON shop.orders TO '${user}'@'10.%'`]);
    const { grants } = await options();
    await scratch.query(`DROP USER '${user}'@'10.%'`);
    expect(grants).toContain(`GRANT SELECT ON \`shop\`.\`orders\` TO \`${user}\`@\`10.%\``);
  });

  it('has the privileges on it as comments, or as statements when told', async () => {
    const [quiet, giving] = [join(folder, 'quiet.sql'), join(folder, 'giving.sql')];
    await salvageToFile(quiet, await options());
    await run(scratch, ['DROP DATABASE shop', ...SHOP]);
    await salvageToFile(giving, await options({ granting: true }));
    const grants = [
      'GRANT SELECT ON `shop`.* TO `app`@`%`;',
      'GRANT UPDATE (`note`) ON `shop`.`orders` TO `app`@`%`;',
      'GRANT EXECUTE ON PROCEDURE `shop`.`reorder` TO `app`@`%`;',
    ];
    const lines = (text: string): string[] => text.split('\n').filter((line) => line.includes('GRANT '));
    expect(lines(await readFile(giving, 'utf8')).sort()).toEqual([...grants].sort());
    expect(lines(await readFile(quiet, 'utf8')).sort()).toEqual(grants.map((grant) => `-- ${grant}`).sort());
    expect((await readFile(quiet, 'utf8')).split('\n').slice(0, 2)).toEqual([
      '-- salvaged',
      '-- a name with a DROP DATABASE shop;',
    ]);
  });

  it('has single tables and views, with the triggers on them', async () => {
    const path = join(folder, 'some.sql');
    const names = ['product é', 'orders', 'numbers', 'spending'];
    await salvageToFile(path, await options({ names }));
    await other.query('CREATE DATABASE shop');
    await load(path, 'shop');
    const found = await other.query<{ name: string }>(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'
       UNION ALL SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = 'shop'`,
    );
    expect(found.map(({ name }) => name).sort()).toEqual([...names, 'after_order', 'second'].sort());
    const sums = await checksums(scratch, ['shop']);
    expect(await checksums(other, ['shop'])).toEqual({
      'shop.orders': sums['shop.orders'],
      'shop.product é': sums['shop.product é'],
    });
  });

  it('has tables for whichever schema they are loaded into', async () => {
    const path = join(folder, 'anywhere.sql');
    await salvageToFile(path, await options({ names: ['product é', 'old'] }));
    await other.query('CREATE DATABASE copies');
    await load(path, 'copies');
    const price = (schema: string): string => `SELECT price + 0e0 AS price FROM ${schema}.\`product é\` ORDER BY id`;
    expect(await other.query(price('copies'))).toEqual(await scratch.query(price('shop')));
    expect(await other.query('SELECT * FROM copies.old')).toHaveLength(2);
    await other.query('DROP DATABASE copies');
  });

  it('stops at the first name that is taken, and drops nothing', async () => {
    const path = join(folder, 'again.sql');
    await salvageToFile(path, await options());
    await run(other, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.journal (mine INT)',
      'INSERT INTO shop.journal VALUES (7)',
    ]);
    await expect(load(path)).rejects.toThrow(/journal.*already exists/s);
    expect(await other.query('SELECT mine FROM shop.journal')).toEqual([{ mine: 7 }]);
  });

  it('leaves no file when the dump is not what it was made from', async () => {
    const path = join(folder, 'wrong.sql');
    const taken = await options();
    const tables = taken.tables.map((table) => (table.name === 'orders' ? { ...table, rows: table.rows + 1 } : table));
    await expect(salvageToFile(path, { ...taken, tables })).rejects.toMatchObject({
      code: 'PROOF_FAILED',
      message: 'the dump does not load to what it was made from: table orders has other rows',
    });
    expect((await readdir(folder)).filter((name) => name.startsWith('wrong'))).toEqual([]);
  });

  it('never writes over a file, also not over one that comes while it works', async () => {
    const path = join(folder, 'mine.sql');
    const taken = await options({
      onProgress: () => {
        void writeFile(path, 'mine');
      },
    });
    await expect(salvageToFile(path, taken)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(await readFile(path, 'utf8')).toBe('mine');
    await expect(salvageToFile(path, taken)).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY', exitCode: 40 });
  });

  it('goes to whoever takes it', async () => {
    const pieces: Buffer[] = [];
    await writeDump(await options(), (piece) => {
      pieces.push(Buffer.from(piece));
      return Promise.resolve();
    });
    const path = join(folder, 'piped.sql');
    await writeFile(path, Buffer.concat(pieces));
    await load(path);
    expect(await portrait(other, 'shop')).toEqual(await withoutBroken(scratch));
  });
});
