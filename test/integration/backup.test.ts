import { createHash } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseCoordinates } from '../../src/binlog/coordinates.ts';
import { readReplicationPoint } from '../../src/backup/replication-point.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { gtidStateAt, readBinlogEnd } from '../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { readReplicaStatus, stopApplying } from '../../src/server/replica-status.ts';
import { compareWithPrimary, run, setBackupScene } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { gateDump } from '../support/gated-dump.ts';
import { loadBackup } from '../support/load-backup.ts';
import { startPrimary } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

const log = createLogger({ level: 'silent', pretty: false });

/** One of each thing a schema can hold, some under awkward names. */
const ONE_OF_EACH = [
  'CREATE DATABASE `--odd ``name` CHARACTER SET latin1',
  'CREATE TABLE `--odd ``name`.`t``1` (id INT PRIMARY KEY, body LONGBLOB, txt TEXT, j JSON, f DOUBLE, b BIT(9)) CHARSET utf8mb4',
  "INSERT INTO `--odd ``name`.`t``1` VALUES (1, UNHEX('00FF0A0D275C1A'), 'дб\\n\\'x', '{\"a\":1}', 1e-300, b'101010101')",
  'CREATE DATABASE empty_one',
  'CREATE TABLE shop.parent (id INT PRIMARY KEY) ENGINE=InnoDB',
  'CREATE TABLE shop.child (id INT PRIMARY KEY, p INT, g INT AS (p + 1) STORED, FOREIGN KEY (p) REFERENCES parent (id) ON DELETE CASCADE)',
  'INSERT INTO shop.parent VALUES (1), (2)',
  'INSERT INTO shop.child (id, p) VALUES (1, 1), (2, 2)',
  'CREATE TABLE shop.audit (id INT AUTO_INCREMENT PRIMARY KEY, what TEXT)',
  "CREATE TRIGGER shop.note AFTER INSERT ON shop.parent FOR EACH ROW INSERT INTO shop.audit (what) VALUES ('parent')",
  'CREATE VIEW shop.both_sides AS SELECT p.id AS parent, c.id AS child FROM shop.parent p JOIN shop.child c ON c.p = p.id',
  'CREATE FUNCTION shop.twice(n INT) RETURNS INT DETERMINISTIC RETURN 2 * n',
  'CREATE EVENT shop.nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.audit',
  'CREATE TABLE shop.parted (id INT PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3',
  'INSERT INTO shop.parted SELECT seq FROM shop.seq_1_to_100',
  "CREATE USER 'app'@'%' IDENTIFIED BY 'app-password'",
  "GRANT SELECT, INSERT ON shop.* TO 'app'@'%'",
  "GRANT EXECUTE ON FUNCTION shop.twice TO 'app'@'%'",
  'CREATE ROLE reader',
  'GRANT SELECT ON crm.* TO reader',
  "GRANT reader TO 'app'@'%'",
  "CREATE SERVER far FOREIGN DATA WRAPPER mysql OPTIONS (HOST '10.0.0.1', PASSWORD 'pw')",
];

/** SHOW CREATE of everything in these schemas, and all privileges. */
async function definitions(connection: ServerConnection): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  const objects = await connection.query<{ type: string; s: string; n: string }>(
    `SELECT IF(TABLE_TYPE = 'VIEW', 'VIEW', 'TABLE') AS type, TABLE_SCHEMA AS s, TABLE_NAME AS n FROM information_schema.TABLES
     UNION SELECT ROUTINE_TYPE, ROUTINE_SCHEMA, ROUTINE_NAME FROM information_schema.ROUTINES
     UNION SELECT 'TRIGGER', TRIGGER_SCHEMA, TRIGGER_NAME FROM information_schema.TRIGGERS
     UNION SELECT 'EVENT', EVENT_SCHEMA, EVENT_NAME FROM information_schema.EVENTS`,
  );
  const id = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  for (const { type, s, n } of objects) {
    if (['mysql', 'information_schema', 'performance_schema', 'sys'].includes(s)) continue;
    const [row] = await connection.query(`SHOW CREATE ${type} ${id(s)}.${id(n)}`);
    found[`${type} ${s}.${n}`] = JSON.stringify(row).replace(/,"Created":"[^"]*"/, '');
  }
  for (const account of ["'app'@'%'", "'repl'@'127.0.0.1'", 'reader']) {
    found[account] = JSON.stringify(await connection.query(`SHOW GRANTS FOR ${account}`)).replaceAll(
      /"Grants for [^"]*"/g,
      '""',
    );
  }
  found['servers'] = JSON.stringify(await connection.query('SELECT * FROM mysql.servers'));
  return found;
}

describe('a logical backup', () => {
  it('loads into an empty server with equal rows, definitions and accounts', async () => {
    await using scene = await setBackupScene();
    await using primary = await scene.pair.primary.connect();
    await using replica = await scene.pair.replica.connect();
    await (await startWorkload(() => scene.pair.primary.connect())).stop();
    await run(primary, ONE_OF_EACH);
    await scene.pair.caughtUp();

    const record = await scene.backup();
    expect(record).toMatchObject({ method: 'logical', tool: 'mariadb-dump', flavor: 'mariadb', format: 1 });
    expect(record.databases).toEqual(['--odd `name', 'crm', 'empty_one', 'shop']);
    expect(record.tables?.every(({ rows }) => rows >= 100)).toBe(true);
    expect(await scene.repository.backups()).toEqual({ records: [record], unreadable: [] });

    await using loaded = await startPrimary({ args: ['--skip-log-bin'] });
    await loadBackup(loaded, scene.repository.backupFolder(record.id), record);
    await using fromLoaded = await loaded.connect('loader');
    expect(await checksums(fromLoaded)).toEqual(await checksums(primary));
    expect(await definitions(fromLoaded)).toEqual(await definitions(replica));
    await using app = await loaded.connect('app', 'app-password');
    expect(await app.query('SELECT shop.twice(21) AS n')).toEqual([{ n: 42 }]);
  });

  it('has every file whole, for the owner only, with its hash in the record', async () => {
    await using scene = await setBackupScene();
    const record = await scene.backup();
    const folder = scene.repository.backupFolder(record.id);
    expect((await readdir(folder)).sort()).toEqual([
      'accounts.sql.zst',
      'backup.json',
      'dump.sql.zst',
      'grants.sql.zst',
    ]);
    for (const { name, bytes, sha256 } of record.files) {
      const content = await readFile(join(folder, name));
      expect(content.length).toBe(bytes);
      expect(createHash('sha256').update(content).digest('hex')).toBe(sha256);
    }
    expect(record.databases).toEqual([]);
  });

  it.each(['gtid', 'position'] as const)(
    'is consistent at its point while the primary is written to (%s mode)',
    async (mode) => {
      await using scene = await setBackupScene({ mode, replicaArgs: ['--slave-parallel-threads=2'] });
      await using workload = await startWorkload(() => scene.pair.primary.connect());
      await waitFor(() => workload.committed > 300, { timeoutMs: 30_000, what: 'some transactions' });
      const record = await scene.backup();
      await workload.stop();
      await using primary = await scene.pair.primary.connect();
      expect(await gtidStateAt(primary, parseCoordinates(record.primary.coordinates))).toBe(record.primary.gtid);
      const { loaded, expected } = await compareWithPrimary(scene, record);
      expect(loaded).toEqual(expected);
    },
  );

  it('is consistent with a MyISAM table under load: applying stays stopped until the end', async () => {
    await using scene = await setBackupScene();
    await using workload = await startWorkload(() => scene.pair.primary.connect(), {
      schemas: ['shop'],
      writers: 1,
      engine: 'MyISAM',
    });
    await waitFor(() => workload.committed > 100, { timeoutMs: 30_000, what: 'some transactions' });
    const record = await scene.backup();
    await workload.stop();
    const { loaded, expected } = await compareWithPrimary(scene, record);
    expect(loaded).toEqual(expected);
  });

  it('records the replica’s own place apart from the primary’s', async () => {
    await using scene = await setBackupScene();
    await using replica = await scene.pair.replica.connect();
    await (await startWorkload(() => scene.pair.primary.connect())).stop();
    await scene.pair.caughtUp();
    await run(replica, ['CREATE DATABASE local_only']);
    const { coordinates: own, gtidState } = await readBinlogEnd(replica);
    expect(gtidState).toMatch(/^0-102-\d+$/);
    await using primary = await scene.pair.primary.connect();
    const end = await readBinlogEnd(primary);

    const record = await scene.backup();
    expect(record.primary).toMatchObject({
      coordinates: `${end.coordinates.file}:${end.coordinates.position}`,
      gtid: end.gtidState,
      serverId: 101,
      lineage: null,
    });
    expect(record.replica).toMatchObject({ coordinates: `${own.file}:${own.position}`, gtid: gtidState });
  });

  it('of a replica that logs nothing it applies has both places all the same', async () => {
    await using scene = await setBackupScene({ replicaArgs: ['--log-slave-updates=OFF'] });
    await (await startWorkload(() => scene.pair.primary.connect())).stop();
    await scene.pair.caughtUp();
    const record = await scene.backup();
    expect(record.primary.gtid).toMatch(/^0-101-\d+$/);
    expect(record.replica.gtid).toBe('');
  });

  it('of a replica without a log has no place of its own', async () => {
    await using scene = await setBackupScene({ replicaArgs: ['--skip-log-bin', '--log-slave-updates=OFF'] });
    const record = await scene.backup();
    expect(record.replica).toMatchObject({ coordinates: null, gtid: null });
  });

  it('holds the definitions that its rows were written under, when they change during the dump', async () => {
    await using scene = await setBackupScene();
    await using primary = await scene.pair.primary.connect();
    await run(primary, [
      'CREATE DATABASE a',
      'CREATE TABLE a.large (body LONGTEXT)',
      "INSERT INTO a.large SELECT REPEAT('x', 100000) FROM a.seq_1_to_20",
      'CREATE DATABASE b',
      'CREATE TABLE b.changed (id INT)',
      'CREATE TABLE b.dropped (id INT)',
      'INSERT INTO b.dropped VALUES (1)',
      'CREATE PROCEDURE b.dropped_too() SELECT 1',
    ]);
    await scene.pair.caughtUp();
    await using gate = await gateDump({ phase: 'schemas', afterBytes: 50_000 });
    const backup = scene.backup();
    await gate.waiting();
    await waitFor(() => scene.applies(), { timeoutMs: 10_000, what: 'the replica to apply again' });
    await run(primary, ['INSERT INTO b.changed VALUES (1)']);
    await using replica = await scene.pair.replica.connect();
    const rowArrived = async (): Promise<boolean> => (await replica.query('SELECT id FROM b.changed')).length === 1;
    await waitFor(rowArrived, { timeoutMs: 10_000, what: 'the row to be applied while the dump runs' });
    await run(primary, [
      'ALTER TABLE b.changed ADD COLUMN more INT DEFAULT 7',
      'DROP TABLE b.dropped',
      'DROP PROCEDURE b.dropped_too',
    ]);
    await scene.pair.caughtUp();
    await gate.open();
    const record = await backup;
    const { loaded, expected } = await compareWithPrimary(scene, record);
    expect(loaded).toEqual(expected);
    expect(await scene.applies()).toBe(true);
  });

  it('leaves the replica applying and nothing of itself when it fails', async () => {
    await using scene = await setBackupScene();
    await using replica = await scene.pair.replica.connect();
    await scene.write(['CREATE DATABASE shop', 'CREATE TABLE shop.damaged (a INT) ENGINE=MyISAM']);
    await run(replica, ['FLUSH TABLES']);
    await rm(join(scene.pair.replica.datadir, 'shop/damaged.MYI'));
    await expect(scene.backup()).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringContaining('shop/damaged') as string,
    });
    expect(await readReplicaStatus(replica)).toMatchObject({ sqlRunning: true });
    expect(await readdir(join(scene.repository.path, 'backups'))).toEqual([]);
  });

  it.each([
    'CREATE TABLE shop.outside (a INT) ENGINE=MyISAM',
    'CREATE SEQUENCE shop.outside',
    'CREATE TABLE shop.in_another_dump (f FLOAT)',
  ])('keeps applying stopped to its end with what no snapshot covers (%s)', async (creation) => {
    await using scene = await setBackupScene();
    await scene.write([
      'CREATE DATABASE shop',
      'CREATE TABLE shop.large (body LONGTEXT)',
      creation,
      "INSERT INTO shop.large VALUES (REPEAT('x', 900000))",
    ]);
    await using gate = await gateDump({ phase: 'schemas', afterBytes: 50_000 });
    const backup = scene.backup();
    await gate.waiting();
    expect(await scene.applies()).toBe(false);
    await gate.open();
    const { applyingStoppedSeconds } = await backup;
    expect(applyingStoppedSeconds).toBeGreaterThan(0);
    expect(await scene.applies()).toBe(true);
  });
});

describe('a backup is refused', () => {
  it('when the replica belongs to another primary', async () => {
    await using scene = await setBackupScene();
    await using other = await startPrimary({ serverId: 301 });
    const { settings } = scene;
    const wrong = { ...settings, primary: { ...settings.primary, ...other.serverOptions('shop') } };
    await expect(takeBackup({ settings: wrong, repository: scene.repository, log })).rejects.toMatchObject({
      code: 'IDENTITY_MISMATCH',
      message: expect.stringContaining('replicates from server 101 at 127.0.0.1') as string,
    });
  });

  it('when applying is stopped, and does not start it', async () => {
    await using scene = await setBackupScene();
    await using replica = await scene.pair.replica.connect();
    await stopApplying(replica);
    await expect(scene.backup()).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    expect(await readReplicaStatus(replica)).toMatchObject({ sqlRunning: false });
  });

  it('when the replica leaves out part of the log', async () => {
    await using scene = await setBackupScene({ replicaArgs: ['--replicate-ignore-db=crm'] });
    await expect(scene.backup()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('Replicate_Ignore_DB=crm') as string,
    });
  });

  it('when applying met an error, with its words', async () => {
    await using scene = await setBackupScene();
    await using primary = await scene.pair.primary.connect();
    await using replica = await scene.pair.replica.connect();
    await run(primary, ['CREATE DATABASE shop', 'CREATE TABLE shop.t (id INT PRIMARY KEY)']);
    await scene.pair.caughtUp();
    await run(replica, ['INSERT INTO shop.t VALUES (1)']);
    await run(primary, ['INSERT INTO shop.t VALUES (1)']);
    const failed = async (): Promise<boolean> => (await readReplicaStatus(replica))?.sqlRunning === false;
    await waitFor(failed, { timeoutMs: 30_000, what: 'the replica to stop' });
    await expect(scene.backup()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('Duplicate entry') as string,
    });
  });

  it('while a replicated statement’s temporary table is open, which no dump would hold', async () => {
    await using scene = await setBackupScene({ primaryArgs: ['--binlog-format=STATEMENT'] });
    await using primary = await scene.pair.primary.connect();
    await run(primary, ['CREATE DATABASE shop', 'CREATE TEMPORARY TABLE shop.scratch (a INT)']);
    await scene.pair.caughtUp();
    await expect(scene.backup()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('1 temporary tables open') as string,
    });
    expect(await scene.applies()).toBe(true);
    await run(primary, ['DROP TEMPORARY TABLE shop.scratch']);
    await scene.pair.caughtUp();
    await scene.backup();
  });

  it('when the replica’s coordinates and its GTIDs contradict each other', async () => {
    await using scene = await setBackupScene();
    await using primary = await scene.pair.primary.connect();
    await using replica = await scene.pair.replica.connect();
    await run(primary, ['CREATE DATABASE shop', 'CREATE DATABASE crm']);
    await scene.pair.caughtUp();
    await run(replica, ['STOP SLAVE', "SET GLOBAL gtid_slave_pos = '0-101-3'"]);
    expect(await readReplicationPoint({ replica, primary, logBin: true })).toMatch(
      /^it applied 0-101-3, but its coordinates binlog\.000001:\d+ stand for 0-101-4$/,
    );
  });

  it('when the replica has not met its primary since it started', async () => {
    await using scene = await setBackupScene();
    await scene.pair.replica.kill();
    await scene.pair.replica.restart();
    await using replica = await scene.pair.replica.connect();
    await run(replica, ['START SLAVE SQL_THREAD']);
    await expect(scene.backup()).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringContaining('has not met its primary since it started: its I/O thread is stopped') as string,
    });
  });
});
