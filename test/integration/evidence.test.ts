import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BACKUP_FILES } from '../../src/backup/backup-files.ts';
import { writeCompressed } from '../../src/backup/compressed-file.ts';
import { listIncidents, showIncident } from '../../src/operations/incidents.ts';
import type { EvidenceOptions } from '../../src/operations/evidence/evidence-source.ts';
import { saveLostRows } from '../../src/operations/evidence/save-lost-rows.ts';
import { writeLostRows } from '../../src/operations/evidence/write-lost-rows.ts';
import { findProgram, runTool } from '../../src/platform/child-process.ts';
import { silentLog } from '../support/archiver.ts';
import { archived, checksum, expectRowsComeBack, load, newestAsSql } from '../support/evidence-scene.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startMysql56, startPrimary } from '../support/servers.ts';

describe.each([
  ['MariaDB', async () => await startPrimary()],
  [
    'MariaDB with full metadata and compressed events',
    async () => await startPrimary({ args: ['--binlog-row-metadata=FULL', '--log-bin-compress=ON'] }),
  ],
  ['MySQL 5.6', async () => await startMysql56()],
])('the rows of %s', (_name, start) => {
  it('are put back by the SQL made from the log: checksums are those from before', { timeout: 120_000 }, async () => {
    await using server = await start();
    await expectRowsComeBack(server, 1_200);
  });
});

describe('the evidence of an incident', () => {
  it('undoes every change of one transaction, the last one first', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)');
    await connection.query('CREATE TABLE shop.u (id INT PRIMARY KEY, t INT, FOREIGN KEY (t) REFERENCES shop.t (id))');
    await connection.query('INSERT INTO shop.t SELECT seq, seq FROM shop.seq_1_to_2000');
    await connection.query('INSERT INTO shop.u SELECT seq, seq FROM shop.seq_1_to_2000');
    const before = [await checksum(connection), await checksum(connection, 'shop.u')];
    await connection.query('BEGIN');
    await connection.query('UPDATE shop.u SET t = NULL');
    await connection.query('UPDATE shop.t SET v = v + 1');
    await connection.query('UPDATE shop.t SET id = id + 1 ORDER BY id DESC');
    await connection.query('UPDATE shop.t SET v = v * 2');
    await connection.query('DELETE FROM shop.t WHERE id > 1');
    await connection.query('DELETE FROM shop.u');
    await connection.query('COMMIT');
    const { path } = await newestAsSql(server, 'undo.sql');
    await load(server, path);
    expect([await checksum(connection), await checksum(connection, 'shop.u')]).toEqual(before);
  });

  it('puts back what a loop of small deletes took, and nothing of others between', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)');
    await connection.query('CREATE TABLE shop.other (id INT PRIMARY KEY)');
    await connection.query('INSERT INTO shop.t SELECT seq, seq FROM shop.seq_1_to_5000');
    await connection.query('INSERT INTO shop.other SELECT seq FROM shop.seq_1_to_10');
    const before = await checksum(connection);
    for (let round = 0; round < 5; round += 1) {
      await connection.query('DELETE FROM shop.t ORDER BY id LIMIT 1000');
      await connection.query(`DELETE FROM shop.other WHERE id = ${round + 1}`);
    }
    const { path, deleted } = await newestAsSql(server, 'loop.sql');
    expect(deleted).toBe(5000);
    await load(server, path);
    expect(await checksum(connection)).toBe(before);
    expect(await connection.query('SELECT COUNT(*) AS n FROM shop.other')).toEqual([{ n: '5' }]);
    // They are there: it stops, and prints none of the rows.
    await expect(load(server, path)).rejects.toThrow(/ exited with status 1: ERROR 1062 .{1,200}$/);
  });

  it('shows the statement, the ten transactions on each side, the rows, and the next commands', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await connection.query("INSERT INTO shop.t SELECT seq, CONCAT('row ', seq) FROM shop.seq_1_to_300");
    for (let id = 1; id <= 12; id += 1) await connection.query(`UPDATE shop.t SET v = 'x${id}' WHERE id = ${id}`);
    const long = `'${'y'.repeat(6000)}'`;
    await connection.query(`DELETE FROM shop.t WHERE v <> ${long} AND v <> PASSWORD('secret')`);
    for (let id = 1; id <= 12; id += 1) await connection.query(`INSERT INTO shop.t VALUES (${id}, 'new')`);
    using archive = await archived(server);
    const [incident] = listIncidents(archive, { all: true });
    const options = { live: async () => await server.connect(), log: silentLog };
    const story = await showIncident(archive, incident?.id ?? '', options);

    expect(story.around.before.map(({ changes }) => changes[0]?.updated)).toEqual(Array.from({ length: 10 }, () => 1));
    expect(story.around.before.at(-1)?.statements).toEqual(["UPDATE shop.t SET v = 'x12' WHERE id = 12"]);
    expect(story.around.after.map(({ statements }) => statements[0])).toEqual(
      Array.from({ length: 10 }, (_, index) => `INSERT INTO shop.t VALUES (${index + 1}, 'new')`),
    );
    expect(story.lost.rows).toHaveLength(10);
    expect(story.lost.rows[0]).toEqual({
      ...{ change: 'delete', schema: 'shop', table: 't' },
      ...{ before: { id: 1, v: 'x1' }, after: null },
    });
    expect(story.lost.more).toBe(true);
    expect(story.lost.tables[0]?.names?.source).toBe('server');
    expect(story.commands[0]).toBe(`lastgood plan --before ${incident?.id}`);
    const { statement } = await showIncident(archive, incident?.id ?? '', { ...options, full: true });
    expect(statement).toContain(long);
    expect(statement).toContain("PASSWORD('***')");
    expect(statement).not.toContain('secret');
  });

  it('refuses SQL where the log does not hold whole rows, and shows what it holds', async () => {
    await using server = await startPrimary({ args: ['--binlog-row-image=MINIMAL'] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)');
    await connection.query('INSERT INTO shop.t SELECT seq, seq FROM shop.seq_1_to_300');
    await connection.query('DELETE FROM shop.t');
    using archive = await archived(server);
    const [incident] = listIncidents(archive, { all: true });
    const options = { live: async () => await server.connect(), log: silentLog };
    const writing = writeLostRows(archive, incident?.id ?? '', { ...options, format: 'sql' });
    await expect(writing).rejects.toMatchObject({ code: 'ROWS_UNAVAILABLE' });
    const { lost } = await showIncident(archive, incident?.id ?? '', { ...options, rows: 2 });
    expect(lost.tables[0]?.whole).toBe(false);
    expect(lost.rows.map(({ before }) => before)).toEqual([{ id: 1 }, { id: 2 }]);
  });

  it('takes columns, also computed ones, from a backup when the table is gone since', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    const creation =
      'CREATE TABLE shop.t (id INT UNSIGNED PRIMARY KEY, g INT AS (id + 1) STORED, h INT AS (id * 2) VIRTUAL, v VARCHAR(20))';
    await connection.query('CREATE DATABASE shop');
    await connection.query(creation);
    await connection.query('INSERT INTO shop.t (id, v) SELECT seq, CHAR(64 + seq % 26) FROM shop.seq_1_to_300');
    const before = await connection.query('SELECT * FROM shop.t ORDER BY id');
    const point = await pointOf(server);
    const { stdout: dump } = await runTool({
      program: findProgram(['mariadb-dump']),
      args: ['--no-defaults', '--user=root', `--socket=${server.socket}`, '--databases', 'shop'],
    });
    await connection.query('DELETE FROM shop.t');
    await connection.query('DROP TABLE shop.t');
    using archive = await archived(server);
    const { id: backup } = await recordBackup(archive.repository.path, 'b', point);
    const file = join(archive.repository.backupFolder(backup), BACKUP_FILES.schemas);
    await writeCompressed(file, async (write) => {
      await write(dump);
    });
    const [incident] = listIncidents(archive, { all: true, kind: 'mass-delete' });
    const options = { live: null, log: silentLog };
    const { lost } = await showIncident(archive, incident?.id ?? '', { ...options, rows: 1 });
    expect(lost.tables[0]).toMatchObject({ columns: ['id', 'g', 'h', 'v'], names: { source: 'backup' } });

    const path = join(server.directory, 'rows.sql');
    await saveLostRows(await writeLostRows(archive, incident?.id ?? '', { ...options, format: 'sql' }), path);
    await connection.query(creation);
    await load(server, path);
    expect(await connection.query('SELECT * FROM shop.t ORDER BY id')).toEqual(before);
  });

  it('shows rows by number and makes no SQL where nothing knows the columns', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20))');
    await connection.query("INSERT INTO shop.t SELECT seq, 'x' FROM shop.seq_1_to_300");
    await connection.query('DELETE FROM shop.t');
    await connection.query('ALTER TABLE shop.t ADD later INT FIRST');
    using archive = await archived(server);
    const [incident] = listIncidents(archive, { all: true, kind: 'mass-delete' });
    const options = { live: async () => await server.connect(), log: silentLog };
    const { lost, commands } = await showIncident(archive, incident?.id ?? '', { ...options, rows: 1 });
    expect(lost.rows.map(({ before }) => before)).toEqual([{ '@1': 1, '@2': 'x' }]);
    expect(lost.tables[0]?.notes.join()).toContain('it has 3 columns, the rows have 2');
    expect(commands.join()).not.toContain('--rows-as');
    const writing = writeLostRows(archive, incident?.id ?? '', { ...options, format: 'sql' });
    await expect(writing).rejects.toMatchObject({ code: 'ROWS_UNAVAILABLE' });
  });

  it('takes no definition of a table that was altered in between, and puts back nothing that was never lost', async () => {
    await using server = await startPrimary();
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    const columns = {
      ...{ swapped: 'a INT, b INT', late: 'a INT, b INT', signed: 'u INT UNSIGNED', fine: 'a INT' },
      ...{ listed: "e ENUM('x','y')", mixed: 'a INT', undone: 'a INT' },
    };
    for (const [name, more] of Object.entries(columns)) {
      await connection.query(`CREATE TABLE shop.${name} (id INT PRIMARY KEY, ${more})`);
      await connection.query(`INSERT INTO shop.${name} (id) SELECT seq FROM shop.seq_1_to_200`);
    }
    await connection.query('UPDATE shop.late SET a = 1, b = 2');
    const point = await pointOf(server);
    const { stdout: dump } = await runTool({
      program: findProgram(['mariadb-dump']),
      args: ['--no-defaults', '--user=root', `--socket=${server.socket}`, '--databases', 'shop'],
    });
    await connection.query('ALTER TABLE shop.swapped MODIFY b INT AFTER id');
    await connection.query('ALTER TABLE shop.signed MODIFY u INT');
    await connection.query("ALTER TABLE shop.listed MODIFY e ENUM('y','x')");
    await connection.query('BEGIN');
    await connection.query('INSERT INTO shop.mixed VALUES (9999, 1)');
    for (const name of ['mixed', ...Object.keys(columns).filter((key) => key !== 'mixed' && key !== 'undone')]) {
      await connection.query(`DELETE FROM shop.${name}`);
      await connection.query('COMMIT');
    }
    for (const step of ["XA START 'x'", 'DELETE FROM shop.undone', "XA END 'x'", "XA PREPARE 'x'", "XA ROLLBACK 'x'"])
      await connection.query(step);
    await connection.query('ALTER TABLE shop.late MODIFY b INT AFTER id');

    using archive = await archived(server);
    const incidents = listIncidents(archive, { all: true, kind: 'mass-delete' });
    const live = { live: async () => await server.connect(), log: silentLog };
    const sqlOf = async (name: string, options: EvidenceOptions): Promise<string> => {
      const id = incidents.find(({ objects }) => objects.some((object) => object.name === name))?.id ?? '';
      const pieces: string[] = [];
      for await (const piece of await writeLostRows(archive, id, { ...options, table: name, format: 'sql' }))
        pieces.push(piece);
      return pieces.join('');
    };
    const refusal = (message: RegExp): object => ({
      ...{ code: 'ROWS_UNAVAILABLE', message: expect.stringMatching(message) as string },
    });
    await expect(sqlOf('late', live)).rejects.toMatchObject(refusal(/as the table is now may not be that of the rows/));
    expect(await sqlOf('swapped', live)).toContain('(`id`, `b`, `a`)');
    await expect(sqlOf('mixed', live)).rejects.toMatchObject(refusal(/also inserted rows/));
    await expect(sqlOf('undone', live)).rejects.toMatchObject(refusal(/its state is rolled-back/));
    await connection.query('INSERT INTO shop.fine VALUES (1, 1)');
    await expect(sqlOf('swapped', live)).rejects.toMatchObject(refusal(/does not reach the present/));

    const { id: backup } = await recordBackup(archive.repository.path, 'b', point);
    await writeCompressed(join(archive.repository.backupFolder(backup), BACKUP_FILES.schemas), async (write) => {
      await write(dump);
    });
    const offline = { live: null, log: silentLog };
    for (const name of ['swapped', 'signed', 'listed'])
      await expect(sqlOf(name, offline)).rejects.toMatchObject(refusal(/backup b may not be that of the rows/));
    expect(await sqlOf('late', offline)).toContain('(`id`, `a`, `b`) VALUES\n(200, 1, 2)');
    expect(await sqlOf('fine', offline)).toContain('(`id`, `a`) VALUES\n(200, NULL)');
    const [swapped] = listIncidents(archive, { all: true, kind: 'mass-delete', schema: 'shop', table: 'swapped' });
    const { lost } = await showIncident(archive, swapped?.id ?? '', offline);
    expect(lost.tables[0]).toMatchObject({ columns: ['@1', '@2', '@3'], names: null });
    await expect(sqlOf('late', { ...offline, schema: 'nope' })).rejects.toMatchObject(refusal(/of schema 'nope'/));
  });

  it('says why a statement in text form has no rows', async () => {
    await using server = await startPrimary({ args: ['--binlog-format=STATEMENT'] });
    await using connection = await server.connect();
    await connection.query('CREATE DATABASE shop');
    await connection.query('CREATE TABLE shop.t (id INT PRIMARY KEY)');
    await connection.query('DROP TABLE shop.t');
    using archive = await archived(server);
    const [incident] = listIncidents(archive, { all: true });
    const options = { live: null, log: silentLog };
    const story = await showIncident(archive, incident?.id ?? '', options);
    expect(story.lost).toMatchObject({ tables: [], rows: [], more: false });
    expect(story.lost.why).toBe('the log never holds the rows of what is dropped, truncated or altered');
    expect(story.commands.map((command) => command.split(' ')[1])).toEqual(['plan', 'restore', 'salvage']);
    const writing = writeLostRows(archive, incident?.id ?? '', { ...options, format: 'json' });
    await expect(writing).rejects.toMatchObject({ code: 'ROWS_UNAVAILABLE' });
  });
});
