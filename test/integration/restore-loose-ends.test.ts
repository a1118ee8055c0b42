import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore, type RestoreOptions, type RestoreResult } from '../../src/operations/restore.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { startLocalServer } from '../../src/server/local-server.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import type { PairOptions } from '../support/pair.ts';

interface Played {
  readonly scene: BackupScene;
  readonly primary: ServerConnection;
  readonly restoreLatest: (change?: (plan: Plan) => Plan, options?: Partial<RestoreOptions>) => Promise<RestoreResult>;
}

/** Statements before a backup, statements after it, all archived. */
async function play(
  o: PairOptions & { before: readonly string[]; after: readonly string[] },
  look: (played: Played) => Promise<void>,
): Promise<void> {
  await using scene = await setBackupScene(o);
  const { pair, repository } = scene;
  await using primary = await pair.primary.connect();
  await run(primary, ['CREATE DATABASE shop', 'USE shop', ...o.before]);
  await archiveUntilCurrent(pair.primary, repository.path);
  await pair.caughtUp();
  await scene.backup();
  await run(primary, o.after);
  await archiveUntilCurrent(pair.primary, repository.path);
  await look({
    scene,
    primary,
    restoreLatest: async (change = (plan) => plan, options = {}) => {
      using archive = await openArchive(repository.path, { log: silentLog });
      const plan = change(await makePlan(archive, { kind: 'latest' }));
      const datadir = join(pair.primary.directory, 'restored');
      return await restore(archive, {
        plan,
        into: { kind: 'scratch', datadir },
        stop: true,
        log: silentLog,
        ...options,
      });
    },
  });
}

async function startAgain({ server: { datadir, socket } }: RestoreResult) {
  const errorLog = join(datadir, 'error.log');
  return await startLocalServer({ datadir, socket, errorLog, args: [] });
}

const EVENTS = 'SELECT EVENT_NAME, DEFINER, STATUS FROM information_schema.EVENTS ORDER BY EVENT_NAME';

/** Does what the hand-over lists; events then run as they ran on the primary, and as whoever they ran there. */
async function enablesEvents(restored: ServerConnection, { handOver }: RestoreResult, primary: ServerConnection) {
  const list = handOver.promote.find(({ run: command }) => command.includes('information_schema.EVENTS'));
  for (const { enable } of await restored.query<{ enable: string }>(list?.run ?? '')) await restored.query(enable);
  expect(await restored.query(EVENTS)).toEqual(await primary.query(EVENTS));
}

/** With `--keep-prepared` the same transaction is still there, also after the restart, and can be committed. */
async function keepsPrepared(
  { primary, restoreLatest }: Pick<Played, 'primary' | 'restoreLatest'>,
  datadir: string,
): Promise<void> {
  const result = await restoreLatest((plan) => plan, { into: { kind: 'scratch', datadir }, keepPrepared: true });
  expect(result.proof.ok).toBe(true);
  expect(result.warnings[0]).toMatch(
    /^XA transaction 'open','b',3 was prepared .*: it stays so, with its locks, until XA/,
  );
  await using server = await startAgain(result);
  await using restored = await server.connect();
  await restored.query("XA COMMIT 'open','b',3");
  await primary.query("XA COMMIT 'open','b',3");
  expect(await restored.query('SELECT * FROM shop.item')).toEqual(await primary.query('SELECT * FROM shop.item'));
}

describe('a restored server', () => {
  it('tells of emptied MEMORY tables, disabled events and XA transactions that were rolled back', async () => {
    const before = [
      'CREATE TABLE item (id INT PRIMARY KEY)',
      'CREATE TABLE basket (id INT) ENGINE=MEMORY',
      'CREATE TABLE unused (id INT) ENGINE=MEMORY',
      'CREATE EVENT nightly ON SCHEDULE EVERY 1 DAY DO DELETE FROM shop.item',
      "CREATE USER 'night`@x'@'%'",
      "CREATE DEFINER = 'night`@x'@'%' EVENT `by ``another` ON SCHEDULE EVERY 1 DAY DO SELECT 1",
    ];
    const after = [
      'INSERT INTO basket VALUES (1)',
      'CREATE EVENT hourly ON SCHEDULE EVERY 1 HOUR DO DELETE FROM shop.item',
      "XA START 'open','b',3",
      'INSERT INTO item VALUES (1)',
      "XA END 'open','b',3",
      "XA PREPARE 'open','b',3",
    ];
    await play({ before, after }, async ({ scene, primary, restoreLatest }) => {
      const result = await restoreLatest();

      expect(result.proof.ok).toBe(true);
      expect(result.warnings).toEqual([
        expect.stringMatching(/^XA transaction 'open','b',3 was prepared .* it is rolled back$/),
        '1 MEMORY table is empty after the restart, as after any restart: shop.basket',
        expect.stringMatching(
          /^3 events are disabled, .*: shop\.by `another, shop\.hourly, shop\.nightly; ALTER DEFINER = /,
        ),
      ]);
      await using server = await startAgain(result);
      await using restored = await server.connect();
      expect(await restored.query('XA RECOVER')).toEqual([]);
      await restored.query('ALTER TABLE shop.item ADD COLUMN n INT'); // no lock is left
      await enablesEvents(restored, result, primary);
      await keepsPrepared({ primary, restoreLatest }, join(scene.pair.primary.directory, 'kept'));
    });
  });

  it('has no prepared XA transaction left also where that one changed nothing', async () => {
    const before = ['CREATE TABLE item (id INT PRIMARY KEY)'];
    const nothing = ["XA START 'empty'", 'UPDATE item SET id = 2 WHERE id = 1', "XA END 'empty'", "XA PREPARE 'empty'"];
    const after = ["SET SESSION binlog_format = 'STATEMENT'", ...nothing];
    await play({ before, after }, async ({ restoreLatest }) => {
      const result = await restoreLatest((plan) => plan, { engine: 'session' });

      expect(result.proof.ok).toBe(true);
      expect(result.warnings[0]).toMatch(/^XA transaction 'empty' was prepared .* it is rolled back$/);
    });
  });

  it("converts times in the source's SYSTEM time zone, on a machine in another", async () => {
    const before = [
      'CREATE TABLE visit (id INT PRIMARY KEY, at TIMESTAMP)',
      "INSERT INTO visit VALUES (1, '2026-11-22 19:00:00')",
    ];
    const after = [
      'ALTER TABLE visit MODIFY at DATETIME',
      "SET SESSION binlog_format = 'STATEMENT'",
      'INSERT INTO visit VALUES (2, FROM_UNIXTIME(0))',
    ];
    await play({ env: { TZ: 'Asia/Tokyo' }, before, after }, async ({ primary, restoreLatest }) => {
      const result = await restoreLatest((plan) => {
        const settings = { ...plan.backup.settings, system_utc_offset: '32400', plugins: 'NOSUCH=ha_nosuch.so' };
        return { ...plan, backup: { ...plan.backup, settings } };
      });

      expect(result.proof.ok).toBe(true);
      expect(result.warnings).toEqual([
        expect.stringContaining("the source's time zone is JST, restored with the fixed offset +09:00"),
        "this machine's server lacks the plugin NOSUCH, which the source has",
      ]);
      expect(await readFile(join(result.server.datadir, 'lastgood.cnf'), 'utf8')).toContain(
        'default_time_zone = "+09:00"',
      );
      await using server = await startAgain(result);
      await using restored = await server.connect();
      const read = 'SELECT id, CAST(at AS CHAR) AS at FROM shop.visit ORDER BY id';
      expect(await restored.query(read)).toEqual(await primary.query(read));
      expect(await restored.query(read)).toContainEqual({ id: 1, at: '2026-11-22 19:00:00' });
    });
  });

  it("keeps a GTID domain of the replica's that the primary's log does not have", async () => {
    await play({ before: ['CREATE TABLE item (id INT)'], after: [] }, async ({ scene, primary, restoreLatest }) => {
      {
        await using replica = await scene.pair.replica.connect();
        const [row] = await replica.query<{ state: string }>('SELECT @@gtid_slave_pos AS state');
        await run(replica, ['STOP SLAVE', `SET GLOBAL gtid_slave_pos = '${row?.state ?? ''},7-9-100'`, 'START SLAVE']);
      }
      await scene.backup();
      await primary.query('INSERT INTO item VALUES (1)');
      await archiveUntilCurrent(scene.pair.primary, scene.repository.path);

      const { plan, proof } = await restoreLatest();

      expect(plan.backup.primary.gtid).toMatch(/,7-9-100$/);
      expect(plan.target.resolved.gtidState).not.toContain('7-9-100');
      expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    });
  });
});
