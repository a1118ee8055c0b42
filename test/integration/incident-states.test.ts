import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import { scan } from '../../src/operations/scan.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

/** Enough rows to be an incident. */
const ROWS = 150;

let server: TestServer;

/** Runs statements of which some may fail, in a new file of the log, and finds what the log tells of them. */
async function incidentsOf(format: string, statements: readonly string[]): Promise<Incident[]> {
  await using connection = await server.connect();
  await connection.query('FLUSH BINARY LOGS');
  const [{ File: file } = { File: '' }] = await connection.query<{ File: string }>('SHOW MASTER STATUS');
  await connection.query(`SET SESSION binlog_format = ${format}`);
  await connection.query('USE shop');
  for (const statement of statements) await connection.query(statement).catch(() => undefined);
  const { incidents } = await scan({ paths: [join(server.datadir, file)], verifyChecksums: true, massRows: ROWS });
  return [...incidents];
}

async function fill(table: string): Promise<void> {
  await using connection = await server.connect();
  const rows = Array.from({ length: ROWS }, (_, id) => `(${id})`).join();
  await connection.query(`REPLACE INTO shop.${table} VALUES ${rows}`);
}

async function countRows(connection: ServerConnection, table: string): Promise<number> {
  const [row] = await connection.query<{ count: string }>(`SELECT COUNT(*) AS count FROM shop.${table}`);
  return Number(row?.count);
}

/** `mass-delete i effective`: what there is to say in short. */
function inShort(incidents: readonly Incident[]): string[] {
  return incidents.map(({ kind, objects, state, settledBy }) => {
    const names = objects.map(({ name }) => name ?? '').join('+');
    return `${kind} ${names} ${state}${settledBy === null ? '' : ' settled'}`;
  });
}

const SET_UP = [
  'CREATE DATABASE shop',
  'CREATE TABLE shop.i (id INT PRIMARY KEY) ENGINE=InnoDB',
  'CREATE TABLE shop.m (id INT PRIMARY KEY) ENGINE=MyISAM',
];
const XA = (name: string, statement: string, end: readonly string[]): string[] => {
  return [`XA START '${name}'`, statement, `XA END '${name}'`, ...end.map((one) => one.replaceAll('?', `'${name}'`))];
};

describe('on MariaDB', () => {
  beforeAll(async () => {
    server = await startPrimary();
    await using connection = await server.connect();
    for (const statement of SET_UP) await connection.query(statement);
    await connection.query('CREATE TABLE shop.a (id INT, v INT)');
    await connection.query('CREATE TABLE shop.twice (id INT)');
    await connection.query('INSERT INTO shop.twice VALUES (1), (1)');
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  describe.each(['ROW', 'STATEMENT', 'MIXED'])('in %s', (format) => {
    it.each([
      ['committed in a second step', ['XA PREPARE ?', 'XA COMMIT ?'], 'mass-delete i effective settled'],
      ['rolled back in a second step', ['XA PREPARE ?', 'XA ROLLBACK ?'], 'mass-delete i rolled-back settled'],
      ['committed in one phase', ['XA COMMIT ? ONE PHASE'], 'mass-delete i effective'],
    ])('tells what an XA transaction came to that is %s', async (title, end, expected) => {
      await fill('i');
      const found = await incidentsOf(format, XA(title.slice(0, 20), 'DELETE FROM i', end));
      expect(inShort(found)).toEqual([expected]);
      await using connection = await server.connect();
      expect(await countRows(connection, 'i')).toBe(expected.includes('effective') ? 0 : ROWS);
    });

    it('shows a prepared transaction as pending', async () => {
      await fill('i');
      const found = await incidentsOf(format, XA('waits', 'DELETE FROM i', ['XA PREPARE ?']));
      await using connection = await server.connect();
      await connection.query("XA ROLLBACK 'waits'");
      expect(found).toMatchObject([{ state: 'pending', awaits: "XA X'7761697473',X'',1", settledBy: null }]);
    });

    it('finds what a table without transactions lost in a transaction that was rolled back', async () => {
      await fill('i');
      await fill('m');
      const found = await incidentsOf(format, ['BEGIN', 'DELETE FROM i', 'DELETE FROM m', 'ROLLBACK']);
      // In text form the log does not say which of the two statements stayed.
      const rows = ['mass-delete m effective'];
      expect(inShort(found)).toEqual(format === 'STATEMENT' ? ['mass-delete i+m unknown'] : rows);
      await using connection = await server.connect();
      expect([await countRows(connection, 'i'), await countRows(connection, 'm')]).toEqual([ROWS, 0]);
    });

    it('takes what a savepoint took back for undone, where the log tells', async () => {
      await fill('i');
      await fill('m');
      const undone = ['SAVEPOINT s', 'DELETE FROM i', 'DELETE FROM m WHERE id < 0', 'INSERT INTO m VALUES (-1)'];
      const transaction = ['BEGIN', 'INSERT INTO i VALUES (-1)', ...undone, 'ROLLBACK TO s', 'COMMIT'];
      const found = await incidentsOf(format, transaction);
      await using connection = await server.connect();
      expect(await countRows(connection, 'i')).toBe(ROWS + 1);
      await connection.query('DELETE FROM shop.i WHERE id < 0');
      await connection.query('DELETE FROM shop.m WHERE id < 0');
      expect(inShort(found).filter((one) => !one.endsWith('rolled-back'))).toEqual(
        format === 'ROW' ? [] : ['mass-delete i unknown'],
      );
    });

    it('knows a table for lost when its CREATE OR REPLACE failed', async () => {
      const create = 'CREATE OR REPLACE TABLE a (id INT PRIMARY KEY)';
      const found = await incidentsOf(format, [`${create} SELECT id FROM twice`]);
      expect(found.map(({ kind, state }) => `${kind} ${state}`)).toContain('drop-table effective');
      await using connection = await server.connect();
      await connection.query('CREATE TABLE shop.a (id INT, v INT)'); // it is gone
    });

    it('tells one incident of a two-phase ALTER, and what it came to', async () => {
      const alter = ['SET binlog_alter_two_phase = 1', 'ALTER TABLE a DROP COLUMN v', 'ALTER TABLE a ADD v INT'];
      const found = await incidentsOf(format, alter);
      expect(inShort(found)).toEqual(['drop-column a effective settled']);
      const [{ start, end, settledBy } = { start: 0, end: 0, settledBy: null }] = found;
      expect(settledBy?.start).toBeGreaterThanOrEqual(end);
      expect(end).toBeGreaterThan(start);
    });

    it('tells that a two-phase ALTER failed', async () => {
      const alter = [
        'SET binlog_alter_two_phase = 1',
        'ALTER TABLE twice ADD PRIMARY KEY (id), DROP COLUMN IF EXISTS w',
      ];
      const found = await incidentsOf(format, [...alter, 'INSERT INTO twice VALUES (1)']);
      expect(inShort(found).map((one) => one.replace(/^\S+ /, ''))).toEqual(['twice rolled-back settled']);
    });
  });

  it('knows that a table in memory was emptied by a restart', async () => {
    await using connection = await server.connect();
    await connection.query('CREATE TABLE shop.h (id INT) ENGINE=MEMORY');
    await connection.query('INSERT INTO shop.h VALUES (1)');
    await server.stop();
    await server.restart();
    expect(inShort(await incidentsOf('ROW', ['SELECT * FROM h']))).toEqual(['truncate-table h no-op']);
  });
});

describe('on MySQL 5.6, which logs an XA transaction when it is committed', () => {
  beforeAll(async () => {
    server = await startMysql56({ args: ['--gtid-mode=OFF', '--skip-enforce-gtid-consistency'] });
    await using connection = await server.connect();
    for (const statement of SET_UP) await connection.query(statement);
  });

  afterAll(async () => {
    await server[Symbol.asyncDispose]();
  });

  it.each(['ROW', 'STATEMENT', 'MIXED'])('finds the committed one in %s', async (format) => {
    await fill('i');
    const rolledBack = XA('b', 'DELETE FROM i', ['XA PREPARE ?', 'XA ROLLBACK ?']);
    const committed = XA('c', 'DELETE FROM i', ['XA PREPARE ?', 'XA COMMIT ?']);
    const found = await incidentsOf(format, [...rolledBack, ...committed]);
    expect(inShort(found)).toEqual(['mass-delete i effective']);
  });

  it.each([
    ['ROW', ['mass-delete m effective']],
    ['STATEMENT', ['mass-delete i+m unknown']],
  ])('finds in %s what a rolled-back transaction took from a MyISAM table', async (format, expected) => {
    await fill('i');
    await fill('m');
    const found = await incidentsOf(format, ['BEGIN', 'DELETE FROM i', 'DELETE FROM m', 'ROLLBACK']);
    expect(inShort(found)).toEqual(expected);
  });

  it('knows that a table in memory was emptied by a restart', async () => {
    await using connection = await server.connect();
    await connection.query('CREATE TABLE shop.h (id INT) ENGINE=MEMORY');
    await connection.query('INSERT INTO shop.h VALUES (1)');
    await server.stop();
    await server.restart();
    const found = await incidentsOf('ROW', ['SELECT * FROM h']);
    expect(inShort(found)).toEqual(['mass-delete h no-op']);
  });
});
