import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import { isWanted } from '../../src/operations/alerts/alert-rules.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { MASS_DEFAULTS } from '../../src/operations/mass-threshold.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { scan } from '../../src/operations/scan.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, repositoryBeside, silentLog } from '../support/archiver.ts';
import { ALL_TYPES_MARIADB, ALL_TYPES_MYSQL, type AllTypes } from '../support/row-type-columns.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

/** Where the server itself says that a statement begins and ends in its log, and how many rows it changed. */
interface Done {
  readonly start: number;
  readonly end: number;
  readonly affected: number;
}

async function position(connection: ServerConnection): Promise<number> {
  const [row] = await connection.query<{ Position: number }>('SHOW MASTER STATUS');
  return Number(row?.Position);
}

async function perform(connection: ServerConnection, sql: string): Promise<Done> {
  const start = await position(connection);
  await connection.query(sql);
  const [row] = await connection.query<{ affected: number }>('SELECT ROW_COUNT() AS affected');
  return { start, end: await position(connection), affected: Number(row?.affected) };
}

/** Ends the file, and reads it as a user would. */
async function found(server: TestServer, connection: ServerConnection): Promise<Incident[]> {
  await connection.query('FLUSH LOCAL LOGS');
  const { files, incidents } = await scan({
    paths: [join(server.datadir, 'binlog.000001')],
    verifyChecksums: true,
    massRows: 1,
  });
  expect(files.flatMap(({ problems }) => problems)).toEqual([]);
  return [...incidents];
}

/** Rows 1 to `rows`, of which those that were there before are repeated. */
async function fill(
  connection: ServerConnection,
  table: string,
  o: { rows: number; have?: number; names?: string },
): Promise<void> {
  const names = o.names === undefined ? '' : `, ${o.names}`;
  if (o.have === undefined) await connection.query(`INSERT INTO ${table} (id) VALUES (1)`);
  for (let have = o.have ?? 1; have < o.rows; have *= 2) {
    const rest = o.rows - have;
    await connection.query(
      `INSERT INTO ${table} (id${names}) SELECT id + ${have}${names} FROM ${table} WHERE id <= ${rest}`,
    );
  }
}

/** The same changes with each kind of row image, on a table whose rows alternate between nearly empty and full. */
async function changeAllTypes(connection: ServerConnection, types: AllTypes): Promise<Done[]> {
  const done: Done[] = [];
  for (const image of ['FULL', 'MINIMAL', 'NOBLOB']) {
    await connection.query(`SET SESSION binlog_row_image = '${image}'`);
    await connection.query(`CREATE TABLE ${image}_t (id INT PRIMARY KEY, ${types.columns})`);
    await connection.query(
      `INSERT INTO ${image}_t (id, ${types.names}) VALUES (1, ${types.least}), (2, ${types.most})`,
    );
    await fill(connection, `${image}_t`, { rows: 1001, have: 2, names: types.names });
    done.push(await perform(connection, `UPDATE ${image}_t SET ${types.change}`));
    done.push(await perform(connection, `DELETE FROM ${image}_t WHERE id > 1`));
  }
  return done;
}

function places(incidents: readonly Incident[]): unknown[] {
  return incidents.map(({ kind, rows, start, end }) => ({ kind, rows, start, end }));
}

function expectedPlaces(done: readonly Done[]): unknown[] {
  return done.map(({ start, end, affected }, index) =>
    index % 2 === 0
      ? { kind: 'mass-update', rows: { deleted: 0, updated: affected }, start, end }
      : { kind: 'mass-delete', rows: { deleted: affected, updated: 0 }, start, end },
  );
}

const EACH_COUNT = [1001, 1000, 1001, 1000, 1001, 1000];

describe('a mass of rows in the log of MariaDB', () => {
  it('is counted to the last row, whatever the columns, the nulls and the row images', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('USE shop');
    const done = await changeAllTypes(connection, ALL_TYPES_MARIADB);
    expect(done.map(({ affected }) => affected)).toEqual(EACH_COUNT);
    expect(places(await found(server, connection))).toEqual(expectedPlaces(done));
  });

  it('is one incident with its statement, its tables and what foreign keys took along', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('USE shop');
    await connection.query('CREATE TABLE parent (id INT PRIMARY KEY, text VARCHAR(20) DEFAULT "some text")');
    await connection.query(
      'CREATE TABLE child (id INT PRIMARY KEY, parent INT, FOREIGN KEY (parent) REFERENCES parent (id) ON DELETE CASCADE)',
    );
    await connection.query('CREATE TABLE other (id INT PRIMARY KEY, word VARCHAR(20) UNIQUE)');
    await fill(connection, 'parent', { rows: 25_000 });
    await fill(connection, 'other', { rows: 3000 });
    await connection.query('INSERT INTO child SELECT id, id FROM parent');

    const deletes = await perform(connection, "DELETE FROM parent WHERE text = 'some text' AND id > 0");
    const replaces = await perform(connection, 'REPLACE INTO other SELECT id, id FROM other');
    const file = join(server.directory, 'rows.txt');
    await writeFile(file, Array.from({ length: 2000 }, (_, index) => `${index + 1}\tw${index}\n`).join(''), {
      mode: 0o644,
    });
    const loads = await perform(connection, `LOAD DATA INFILE '${file}' REPLACE INTO TABLE other`);
    await connection.query('BEGIN');
    await connection.query('UPDATE other SET word = CONCAT(word, "!")');
    await connection.query('DELETE FROM other WHERE id <= 150');
    const both = await perform(connection, 'COMMIT');

    expect(deletes.affected).toBe(25_000);
    const table = (name: string, rows: Incident['rows']): unknown => ({ schema: 'shop', name, type: 'table', rows });
    const incidents = await found(server, connection);
    expect(incidents).toMatchObject([
      {
        kind: 'mass-delete',
        state: 'effective',
        suspicious: false,
        statement: "DELETE FROM parent WHERE text = 'some text' AND id > 0",
        objects: [table('parent', { deleted: 25_000, updated: 0 })],
        rows: { deleted: 25_000, updated: 0 },
        cascades: [{ schema: 'shop', name: 'child' }],
        start: deletes.start,
        end: deletes.end,
      },
      {
        kind: 'mass-update',
        statement: 'REPLACE INTO other SELECT id, id FROM other',
        rows: { deleted: 0, updated: 3000 },
        start: replaces.start,
        end: replaces.end,
      },
      {
        kind: 'mass-update',
        rows: { deleted: 0, updated: 2000 },
        objects: [table('other', { deleted: 0, updated: 2000 })],
        start: loads.start,
        end: loads.end,
      },
      {
        kind: 'mass-delete',
        statement: 'DELETE FROM other WHERE id <= 150', // of the kind that it is shown as, though the other changed more
        rows: { deleted: 150, updated: 3000 },
        objects: [table('other', { deleted: 150, updated: 3000 })],
        end: both.end,
      },
    ]);
    expect(incidents.slice(1).map((incident) => 'cascades' in incident)).toEqual([false, false, false]);
  });

  it('is one incident when a loop deletes it in many small groups, and another connection writes meanwhile', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await using other = await server.connect();
    await connection.query('CREATE DATABASE shop');
    for (const each of [connection, other]) await each.query('USE shop');
    await connection.query('CREATE TABLE big (id INT PRIMARY KEY)');
    await connection.query('CREATE TABLE queue (id INT PRIMARY KEY)');
    await fill(connection, 'big', { rows: 1030 });
    const loop: Done[] = [];
    for (let round = 0; round <= 1030; round += 50) {
      loop.push(await perform(connection, `DELETE FROM big WHERE id > ${-1 - round} LIMIT 50`));
      await other.query(`INSERT INTO queue VALUES (${round})`);
      await other.query(`DELETE FROM queue WHERE id = ${round}`);
    }
    expect(await found(server, connection)).toMatchObject([
      {
        kind: 'mass-delete',
        rows: { deleted: 1030, updated: 0 },
        objects: [{ name: 'big', rows: { deleted: 1030, updated: 0 } }],
        statement: 'DELETE FROM big WHERE id > -1 LIMIT 50',
        groups: loop.length,
        start: loop[0]?.start,
        end: loop[0]?.end,
        lastEnd: loop.at(-1)?.end,
        lastGood: { end: loop[0]?.start },
      },
    ]);
  });
});

describe('a mass of rows in the log of MySQL', () => {
  it('is counted to the last row, with the thread that did it and a hint at foreign keys', async () => {
    await using server = await startMysql56({ args: ['--binlog-rows-query-log-events=1'] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('USE shop');
    await connection.query("SET sql_mode = ''");
    const done = await changeAllTypes(connection, ALL_TYPES_MYSQL);
    expect(done.map(({ affected }) => affected)).toEqual(EACH_COUNT);
    await connection.query('CREATE TABLE parent (id INT PRIMARY KEY)');
    await connection.query(
      'CREATE TABLE child (id INT PRIMARY KEY, FOREIGN KEY (id) REFERENCES parent (id) ON DELETE CASCADE)',
    );
    await fill(connection, 'parent', { rows: 500 });
    await perform(connection, 'DELETE FROM parent WHERE id > 100');
    const [thread] = await connection.query<{ id: number }>('SELECT CONNECTION_ID() AS id');
    const incidents = await found(server, connection);
    expect(places(incidents.slice(0, -1))).toEqual(expectedPlaces(done));
    expect(incidents.at(-1)).toMatchObject({
      kind: 'mass-delete',
      statement: 'DELETE FROM parent WHERE id > 100',
      rows: { deleted: 400, updated: 0 },
      cascades: true,
      threadId: Number(thread?.id),
    });
  });
});

describe('a mass of rows in a log that has only the text of it', () => {
  it('is listed and alerts by default; an archiver warns when it starts', async () => {
    await using server = await startPrimary({ args: ['--binlog-format=MIXED'] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.orders (id INT PRIMARY KEY)');
    await connection.query('INSERT INTO shop.orders SELECT seq FROM shop.seq_1_to_20000');
    await connection.query('DELETE FROM shop.orders');
    const lines: unknown[] = [];
    const log = pino({ base: null }, { write: (line: string) => lines.push(JSON.parse(line)) });
    await archiveUntilCurrent(server, repositoryBeside(server), { log });
    expect(lines).toContainEqual(expect.objectContaining({ level: 40, binlogFormat: 'MIXED' }));
    using archive = await openArchive(repositoryBeside(server), { log: silentLog });
    const incidents = listIncidents(archive);
    const objects = [{ schema: 'shop', name: 'orders', type: 'table' }];
    expect(incidents).toMatchObject([{ kind: 'mass-delete', state: 'effective', suspicious: false, objects }]);
    expect(incidents.map((one) => isWanted(one, { rules: [], mass: MASS_DEFAULTS }))).toEqual([true]);
  });
});
