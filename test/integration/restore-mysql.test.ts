import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { rehearse } from '../../src/operations/rehearse.ts';
import { restore, type RestoreOptions, type RestoreResult } from '../../src/operations/restore.ts';
import { resumeOnServer } from '../../src/operations/resume-restore.ts';
import type { ReplayEngine } from '../../src/recovery/restore-phases.ts';
import type { RestoreInto } from '../../src/recovery/restore-target.ts';
import { PRIVILEGES } from '../../src/server/grants.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import type { RestoreRunnerSettings } from '../support/restore-runner.ts';
import { refusalOf } from '../support/restored.ts';
import { contentDifferences, serverContent, type ServerContent } from '../support/server-content.ts';
import { startMysql56, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

/** Every kind of thing that a dump has to bring over, and every kind of value. */
const BEFORE = [
  'CREATE DATABASE shop CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci',
  `CREATE TABLE shop.item (id INT PRIMARY KEY AUTO_INCREMENT, f FLOAT, d DOUBLE, n DECIMAL(20,6), b BIT(5), e ENUM('a','b'),
     s SET('x','y'), dt DATETIME(3), ts TIMESTAMP(6) NULL, tm TIME(2), y YEAR, bytes BLOB, place GEOMETRY,
     latin VARCHAR(20) CHARACTER SET latin1, text TEXT, bin BINARY(4)) ENGINE=InnoDB COMMENT='Stück'`,
  `INSERT INTO shop.item VALUES (NULL, 1.2345678e-5, 2.3, -1.5, b'101', 'a', 'x,y', '2026-01-01 00:00:00.123', '2026-07-01 01:02:03.456789',
     '-12:34:56.78', 2026, x'00ff27', POINT(1, 2), 'é', '日本 \\'; --', 'ab')`,
  `INSERT INTO shop.item (f, e, dt, text) VALUES (0.1, '', '0000-00-00', ''), (-0.0, NULL, NULL, NULL), (3.4028234e38, 'b', NULL, 'x')`,
  'CREATE TABLE shop.log (id INT PRIMARY KEY) ENGINE=MyISAM',
  'CREATE TABLE shop.a_part (id INT PRIMARY KEY, item INT, CONSTRAINT fk FOREIGN KEY (item) REFERENCES shop.item (id) ON DELETE CASCADE)',
  'INSERT INTO shop.a_part VALUES (1, 1), (2, 2)',
  'CREATE FUNCTION shop.twice(a INT) RETURNS INT DETERMINISTIC RETURN a * 2',
  'CREATE VIEW shop.z AS SELECT id, shop.twice(id) AS two FROM shop.item',
  'CREATE VIEW shop.a AS SELECT two FROM shop.z',
  'CREATE VIEW shop.y AS SELECT id, e FROM shop.item',
  'CREATE VIEW shop.checked AS SELECT id FROM shop.y WHERE id > 0 WITH CASCADED CHECK OPTION',
  "CREATE USER 'ghost'@'localhost'",
  "GRANT SELECT ON shop.item TO 'ghost'@'localhost'",
  "CREATE DEFINER='ghost'@'localhost' VIEW shop.orphan AS SELECT id FROM shop.item",
  'CREATE VIEW shop.by_nobody AS SELECT id FROM shop.orphan',
  "DROP USER 'ghost'@'localhost'",
  'CREATE VIEW shop.x AS SELECT id FROM shop.item',
  'CREATE VIEW shop.outlived AS SELECT id FROM shop.x WITH LOCAL CHECK OPTION',
  'CREATE OR REPLACE VIEW shop.x AS SELECT DISTINCT id FROM shop.item',
  'CREATE TABLE shop.lost (id INT)',
  'CREATE VIEW shop.broken AS SELECT id FROM shop.lost',
  "CREATE ALGORITHM=TEMPTABLE VIEW shop.still_broken AS SELECT b.id, COUNT(*) AS n FROM shop.broken b JOIN shop.item i USING (id) WHERE b.id <> ';é'",
  'CREATE TABLE shop.lost_once (id INT)',
  'CREATE VIEW shop.mended AS SELECT id FROM shop.lost_once WHERE id < 9 WITH CASCADED CHECK OPTION',
  'CREATE VIEW shop.unreadable AS SELECT INTERVAL(id, 1, 2) AS i FROM shop.item', // MySQL 5.6 cannot read what it stores of it
  'DROP TABLE shop.lost, shop.lost_once',
  "CREATE PROCEDURE shop.fill(x INT) BEGIN SELECT ';;'; INSERT INTO shop.log VALUES (x); END",
  'CREATE TRIGGER shop.before_item BEFORE INSERT ON shop.item FOR EACH ROW SET NEW.n = 7',
  "CREATE DEFINER = 'bob@example.com'@'%' EVENT shop.often ON SCHEDULE EVERY 1 HOUR DO DELETE FROM shop.log",
  'CREATE DATABASE Shop', // another one
  'CREATE TABLE Shop.item (id INT PRIMARY KEY)',
  'CREATE TRIGGER Shop.before_other BEFORE INSERT ON Shop.item FOR EACH ROW SET @a = 1',
  'CREATE FUNCTION Shop.thrice(a INT) RETURNS INT DETERMINISTIC RETURN a * 3',
  'CREATE EVENT Shop.seldom ON SCHEDULE EVERY 1 DAY DO DELETE FROM Shop.item',
  "CREATE USER 'saver'@'localhost' IDENTIFIED BY 'saver-password'",
  `GRANT ${PRIVILEGES.backup.mysql.join(', ')} ON *.* TO 'saver'@'localhost'`,
  "CREATE USER 'app'@'localhost' IDENTIFIED BY 'app-password'",
  "GRANT SELECT ON shop.* TO 'app'@'localhost'",
  "GRANT SELECT (id) ON shop.item TO 'app'@'localhost'",
  "GRANT EXECUTE ON PROCEDURE shop.fill TO 'app'@'localhost'",
];
const AFTER = [
  'INSERT INTO shop.item (f, text) VALUES (0.2, NOW()), (0.3, USER())',
  'UPDATE shop.item SET bytes = RANDOM_BYTES WHERE id = 0 OR latin IS NULL',
  'CALL shop.fill(5)',
  'CREATE DATABASE crm',
  'CREATE TABLE crm.client (id INT PRIMARY KEY, name VARCHAR(20)) CHARACTER SET latin1',
  "INSERT INTO crm.client VALUES (1, 'Zoë')",
  'DROP VIEW shop.broken, shop.unreadable', // an applier stops where one is missing
  'CREATE TABLE shop.lost_once (id INT PRIMARY KEY)',
  'INSERT INTO shop.mended VALUES (8)',
  'FLUSH BINARY LOGS',
  'DELETE FROM shop.item WHERE id = 2',
  'ALTER TABLE shop.item ADD COLUMN more INT DEFAULT 3',
  'ALTER TABLE shop.log ENGINE=InnoDB',
  // More than a session sends at once: what was killed behind the first of them stands between two.
  ...Array.from({ length: 60 }, () => `INSERT INTO shop.item (f, text) VALUES (0.5, '${'long '.repeat(3000)}')`),
].map((statement) => statement.replace('RANDOM_BYTES', "MD5('x')"));

const RUNNER = join(import.meta.dirname, '../support/restore-runner.ts');

const MODES = [
  { name: 'with GTIDs', mode: 'gtid', args: [] as string[] },
  { name: 'without GTIDs', mode: 'position', args: ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] },
] as const;

const APPLIERS = ['--slave-parallel-workers=2', '--relay-log-info-repository=TABLE', '--master-info-repository=TABLE'];

type Options = Partial<RestoreOptions> & { readonly skips?: boolean };

describe.each(MODES)('MySQL 5.6 $name', ({ mode, args }) => {
  let scene: BackupScene;
  let expected: ServerContent;
  let executed: string;

  beforeAll(async () => {
    scene = await setBackupScene({ flavor: 'mysql', mode, primaryArgs: args, replicaArgs: args });
    const { primary, replica } = scene.pair;
    // Without a table of another engine, applying goes on during the dump.
    await scene.write(BEFORE.map((statement) => (mode === 'gtid' ? statement : statement.replace('MyISAM', 'InnoDB'))));
    await using local = await replica.connect();
    await run(local, ['CREATE DATABASE notes', 'CREATE TABLE notes.a (b INT)']); // only the replica has them
    await archiveUntilCurrent(primary, scene.repository.path);
    const { replica: asRoot } = scene.settings;
    const workload = await startWorkload(() => primary.connect(), { schemas: ['bank'] }); // goes on while rows are read
    if (asRoot !== null)
      await scene.backupWith({ ...scene.settings, replica: { ...asRoot, user: 'saver', password: 'saver-password' } });
    await workload.stop();
    await scene.write(AFTER);
    await using stopped = await replica.connect();
    await stopped.query('STOP SLAVE');
    expected = await serverContent(stopped);
    const [state] = await stopped.query<{ executed: string }>('SELECT @@GLOBAL.gtid_executed AS executed');
    executed = state?.executed ?? '';
    await using connection = await primary.connect();
    await run(connection, ['DROP DATABASE shop', "INSERT INTO crm.client VALUES (2, 'after')"]);
    await archiveUntilCurrent(primary, scene.repository.path);
  });

  afterAll(async () => {
    await scene[Symbol.asyncDispose]();
  });

  async function restoreInto(target: TestServer, options: Options = {}): Promise<RestoreResult> {
    const others = [scene.settings.primary, scene.settings.replica].flatMap((other) => other ?? []);
    return await restoreTo({ kind: 'existing', server: target.serverOptions('target'), others }, options);
  }

  async function restoreTo(into: RestoreInto, { skips = false, ...options }: Options = {}): Promise<RestoreResult> {
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const id = archive.catalog.incidents()[0]?.id ?? '';
    const plan = skips
      ? await makePlan(archive, { kind: 'latest' }, { skip: [id] })
      : await makePlan(archive, { kind: 'before-incident', incident: id });
    return await restore(archive, { plan, into, log: silentLog, ...options });
  }

  it.each(['applier', 'session'] as const)('is restored to before a DROP DATABASE, engine %s', async (engine) => {
    await using target = await startMysql56({ serverId: 900, args: [...args, ...APPLIERS] });
    const told: string[] = [];
    const log = pino({ level: 'warn' }, { write: (line: string) => told.push(line) });
    const { proof, server, appliers } = await restoreInto(target, { engine, log, cores: 2 });

    expect(told).toEqual([]);
    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(server.port).toBe(target.port);
    expect(appliers).toEqual(engine === 'session' ? null : { used: 1, configured: 2, why: '2 cores' });
    await using root = await target.connect();
    expect(await root.query('SELECT @@GLOBAL.slave_parallel_workers AS set_to')).toEqual([{ set_to: '2' }]);
    expect(contentDifferences(expected, await serverContent(root))).toEqual([]);
    const [state] = await root.query<{ executed: string }>('SELECT @@GLOBAL.gtid_executed AS executed');
    expect(state?.executed).toBe(executed);
    expect(await root.query("SELECT 1 FROM mysql.user WHERE User LIKE 'lastgood%'")).toEqual([]);
    expect(await root.query("SHOW TABLES FROM mysql LIKE 'lastgood%'")).toEqual([]);
    expect(await root.query('SHOW SLAVE STATUS')).toEqual([]);
    expect(await root.query("SHOW GRANTS FOR 'app'@'localhost'")).toHaveLength(4);
    await using app = await target.connect('app', 'app-password');
    expect(await app.query('SELECT COUNT(*) AS n FROM shop.a')).toHaveLength(1);
  });

  /** Of the last statements, where they are many. */
  async function killedRestore(target: TestServer, engine: ReplayEngine): Promise<void> {
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const settings: RestoreRunnerSettings = {
      repositoryPath: scene.repository.path,
      server: target.serverOptions('target'),
      incident: archive.catalog.incidents()[0]?.id ?? '',
      ...{ engine, dieWhile: 'replaying', dieFrom: 0.6 },
    };
    const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, JSON.stringify(settings)], { stdio: 'ignore' });
    await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
  }

  /** Its place is told by GTIDs, or kept by the session. */
  const tellers = mode === 'gtid' ? (['applier', 'session'] as const) : (['session'] as const);
  it.each(tellers)('goes on after lastgood was killed, engine %s', async (engine) => {
    await using target = await startMysql56({ serverId: 900, args: [...args] });
    await killedRestore(target, engine);
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const result = await resumeOnServer(archive, { server: target.serverOptions('target'), log: silentLog });
    expect(result.resumed?.anew).toBeNull();
    expect(result.resumed?.groups).toBeGreaterThan(0);
    expect(result.proof).toMatchObject({ ok: true, appliedGroups: result.plan.groups });
    await using root = await target.connect();
    expect(contentDifferences(expected, await serverContent(root))).toEqual([]);
    const [state] = await root.query<{ executed: string }>('SELECT @@GLOBAL.gtid_executed AS executed');
    expect(state?.executed).toBe(executed);
    expect(await root.query("SHOW TABLES FROM mysql LIKE 'lastgood%'")).toEqual([]);
  });

  it('is restored past a DROP DATABASE that is left out, by several appliers', async () => {
    await using target = await startMysql56({ serverId: 900, args: [...args, ...APPLIERS] });
    const { proof, appliers } = await restoreInto(target, { skips: true, cores: 8 });
    expect(appliers).toEqual({ used: 2, configured: 2, why: null });

    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    await using root = await target.connect();
    const differences = contentDifferences(expected, await serverContent(root));
    expect(differences.map((text) => text.split(':')[0])).toEqual(['checksum `crm`.`client`']);
    expect(await root.query('SELECT name FROM crm.client WHERE id = 2')).toEqual([{ name: 'after' }]);
  });

  it('refuses a target that could not apply its log, or that is not empty, before anything is written', async () => {
    const other = mode === 'gtid' ? ['--gtid-mode=OFF', '--enforce-gtid-consistency=OFF'] : [];
    await using target = await startMysql56({ serverId: 900, args: other });
    await using root = await target.connect();
    await run(root, ['CREATE DATABASE theirs', "CREATE USER 'someone'@'%'"]);

    const error = await refusalOf(restoreInto(target));

    expect(error.code).toBe('TARGET_NOT_EMPTY');
    expect(error.message).toContain(
      "it is not empty: it has schema theirs; it is not empty: it has account 'someone'@'%'",
    );
    expect(error.message).toContain(
      `its gtid_mode is ${mode === 'gtid' ? 'OFF, and has to be ON' : 'ON, and has to be OFF'}`,
    );
    expect(await root.query("SHOW TABLES FROM mysql LIKE 'lastgood%'")).toEqual([]);
  });

  it.runIf(mode === 'gtid')('does not empty the binary log of a target that has one, and says who may', async () => {
    await using target = await startMysql56({ serverId: 900, args: [...args] });
    await using root = await target.connect();
    await run(root, ['CREATE DATABASE lost', 'DROP DATABASE lost']);

    const error = await refusalOf(restoreInto(target));

    expect(error.message).toMatch(/its own log holds [0-9a-f-]{36}:1-2$/);
    expect(error.hint).toContain('if nobody needs its log: RESET MASTER;');
    expect(await root.query('SHOW BINLOG EVENTS')).toContainEqual(
      expect.objectContaining({ Info: 'CREATE DATABASE lost' }),
    );
  });

  it('says how to empty a target that a failed restore has left a part in', async () => {
    await using target = await startMysql56({ serverId: 900, args: [...args] });
    await using root = await target.connect();
    const interrupted = new AbortController();

    const progress: RestoreOptions['progress'] = ({ step }) => {
      if (step === 'replaying') interrupted.abort();
    };
    const error = await refusalOf(restoreInto(target, { progress, signal: interrupted.signal }));

    expect(error.code).toBe('INTERRUPTED');
    expect(error.hint).toContain('To empty it again, run there: STOP SLAVE; RESET SLAVE ALL;');
    await run(
      root,
      String(error.details['cleanup'])
        .split('\n')
        .map((statement) => statement.replace(/;$/, '')),
    );
    expect(await root.query("SELECT User FROM mysql.user WHERE User NOT IN ('root', '')")).toEqual([]);
    expect(await root.query("SHOW TABLES FROM mysql LIKE 'lastgood%'")).toEqual([]);
    expect((await restoreInto(target)).proof.ok).toBe(true);
  });

  it('refuses an applier that would leave something out, which no GTID would show', async () => {
    await using target = await startMysql56({ serverId: 900, args: [...args, '--replicate-ignore-table=shop.item'] });

    const error = await refusalOf(restoreInto(target));

    expect(error.code).toBe('PREFLIGHT_FAILED');
    expect(error.message).toContain('leaves out part of what it replicates: Replicate_Ignore_Table=shop.item');
    await using root = await target.connect();
    expect(await root.query('SHOW SLAVE STATUS')).toEqual([]);
  });

  it('logs nothing of an XA transaction before it is committed, so none is prepared at a cut', async () => {
    await using root = await scene.pair.primary.connect();
    const logged = async (): Promise<unknown> => await root.query('SHOW MASTER STATUS');
    const before = await logged();

    await run(root, ["XA START 'x'", "INSERT INTO crm.client VALUES (3, 'prepared')", "XA END 'x'", "XA PREPARE 'x'"]);
    const prepared = await logged();
    await run(root, ["XA ROLLBACK 'x'"]);

    expect(prepared).toEqual(before);
  });

  it('refuses to make a new server, which differs from version to version', async () => {
    const intoNew = { kind: 'scratch', datadir: join(scene.pair.primary.directory, 'new') } as const;
    const { settings } = scene;
    for (const run of [() => restoreTo(intoNew), () => rehearse({ settings, log: silentLog })]) {
      const error = await refusalOf(run());
      expect(error.code).toBe('PREFLIGHT_FAILED');
      expect(error.hint).toContain('--server FILE');
    }
  });
});
