import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import {
  salvage,
  type SalvageOptions,
  type SalvageProgress,
  type SalvageResult,
} from '../../src/operations/salvage.ts';
import { chooseNarrow } from '../../src/operations/salvage/narrow/choose.ts';
import { restorePart } from '../../src/operations/salvage/narrow/restore.ts';
import { surveyPlan } from '../../src/operations/salvage/narrow/survey.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { portrait, SHOP } from '../support/salvage-scene.ts';
import { isWhole, startWorkload } from '../support/workload.ts';

let scene: BackupScene;
let primary: ServerConnection;
let incident: string;
/** The schema just before it was dropped. */
let lost: unknown;

beforeAll(async () => {
  scene = await setBackupScene({ primaryArgs: ['--event-scheduler=ON'] });
  primary = await scene.pair.primary.connect();
  await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
  await scene.write([...SHOP, 'DROP VIEW shop.broken']);
  await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
  await scene.write([
    'CREATE DATABASE apart',
    'CREATE TABLE apart.log (id INT AUTO_INCREMENT PRIMARY KEY, what VARCHAR(90), amount FLOAT)',
    "INSERT INTO apart.log (what, amount) VALUES ('before', 0.1)",
    'CREATE PROCEDURE apart.sweep() DELETE FROM apart.log',
    'CREATE VIEW apart.seen AS SELECT what FROM apart.log',
    "GRANT SELECT ON apart.log TO 'app'@'%'",
  ]);
  await scene.backup();
  await scene.write([
    "INSERT INTO shop.orders (product, customer, note) VALUES (2, 1, 'after the backup')",
    'CREATE TABLE shop.late (id INT PRIMARY KEY, x DOUBLE)',
    'INSERT INTO shop.late SELECT seq, SQRT(seq) FROM shop.seq_1_to_2000',
    "INSERT INTO apart.log (what) VALUES ('one'), ('two')",
    'CREATE TABLE apart.more SELECT * FROM apart.log',
    "GRANT UPDATE ON apart.more TO 'app'@'%'",
    "CREATE EVENT shop.later ON SCHEDULE EVERY 2 DAY STARTS '2037-01-01' DO DELETE FROM shop.late",
  ]);
  lost = await portrait(primary, 'shop');
  await scene.write(['DROP DATABASE shop', "INSERT INTO crm.customer VALUES (3, 'Cy')"]);
  await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  incident = archive.catalog.incidents().find(({ statement }) => statement === 'DROP DATABASE shop')?.id ?? '';
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

async function salvageShop(options: Partial<SalvageOptions> & Pick<SalvageOptions, 'to'>): Promise<SalvageResult> {
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  const plan = await makePlan(archive, { kind: 'before-incident', incident });
  return await salvage(archive, { plan, schema: 'shop', tables: [], grants: false, log: silentLog, ...options });
}

const onPrimary = (): SalvageOptions['to'] => ({
  kind: 'server',
  server: scene.pair.primary.serverOptions('live server'),
  enableEvents: false,
});

describe('salvage', () => {
  it('brings a dropped schema back into its own primary while others write, and its replica has it too', async () => {
    const workload = await startWorkload(() => scene.pair.primary.connect(), { schemas: ['busy'] });
    const others = [await portrait(primary, 'crm'), await portrait(primary, 'apart')];
    const datadir = join(scene.pair.primary.directory, 'scratch');
    const steps = new Set<SalvageProgress['step']>();
    const result = await salvageShop({
      to: onPrimary(),
      grants: true,
      datadir,
      progress: ({ step }) => {
        steps.add(step);
      },
    }).finally(async () => {
      await workload.stop();
    });

    expect(await portrait(primary, 'shop')).toEqual(lost);
    expect(await isWhole(primary, 'busy')).toBe(true);
    expect([await portrait(primary, 'crm'), await portrait(primary, 'apart')]).toEqual(others);
    expect(result.notCarried).toEqual([]);
    expect(result.warnings).toEqual([expect.stringMatching(/^2 events are disabled: shop\.later, shop\.nightly; /)]);
    expect(result.salvaged.find(({ name }) => name === 'late')).toMatchObject({
      schema: 'shop',
      type: 'table',
      rows: 2000,
    });
    expect(result.salvaged.map(({ type, name }) => `${type} ${name}`)).toEqual(
      expect.arrayContaining([
        'sequence numbers',
        'view a_on_view',
        'trigger second',
        'function doubled',
        'event nightly',
      ]),
    );
    expect(result.unfilteredBecause).toBe(null);
    expect(result.filtered).toMatchObject({ schemas: ['crm', 'shop'], groups: 3 });
    expect(new Set(result.proof.tables.map(({ schema }) => schema))).toEqual(new Set(['crm', 'shop']));
    expect(result.proof.appliedGroups).toBe(result.plan.groups - 3);
    expect(result.grants).toMatchObject({ given: true });
    // DROP DATABASE took this one, and only this one, from the account.
    expect(JSON.stringify(await primary.query("SHOW GRANTS FOR 'app'@'%'"))).toContain('PROCEDURE `shop`.`reorder`');
    expect(result.grants.statements).toContain('GRANT UPDATE (`note`) ON `shop`.`orders` TO `app`@`%`');
    expect([...steps]).toEqual(['surveying', 'loading', 'replaying', 'proving', 'salvaging']);
    expect(await readdir(datadir)).toEqual([]); // the scratch server is gone
    await scene.pair.caughtUp();
    await using replica = await scene.pair.replica.connect();
    expect(await portrait(replica, 'shop')).toEqual(lost);
    // What the salvage itself did is in the log like all else.
    await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const own = archive.catalog.incidents().filter(({ statement }) => statement.includes('lastgood_salvage_'));
    expect(own.map(({ kind }) => kind).sort()).toEqual(['drop-database', 'rename-table', 'rename-table']);
    expect(await isWhole(replica, 'busy')).toBe(true);
  });

  it('does not call events disabled that it has enabled', async () => {
    const to = { ...onPrimary(), rename: 'shop_running', enableEvents: true } as const;
    const { warnings, salvaged } = await salvageShop({ to });
    expect(salvaged.filter(({ type }) => type === 'event')).toHaveLength(2);
    expect(warnings.join('\n')).not.toContain('disabled');
    expect(
      await primary.query("SELECT DISTINCT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = 'shop_running'"),
    ).toEqual([{ STATUS: 'ENABLED' }]);
    await primary.query('DROP DATABASE shop_running');
  });

  it('refuses before it restores anything what can be known by then', async () => {
    const datadir = join(scene.pair.primary.directory, 'never');
    await expect(salvageShop({ to: onPrimary(), tables: ['orders'], datadir })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
    });
    await expect(salvageShop({ to: onPrimary(), datadir })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringMatching(/already has (?=.*table journal)(?=.*view a_first)/) as string,
    });
    const other = { kind: 'file', path: join(scene.pair.primary.directory, 'new.sql') } as const;
    await expect(salvageShop({ to: other, schema: 'shpo', datadir })).rejects.toMatchObject({
      code: 'OBJECT_UNKNOWN',
      hint: expect.stringContaining('Did you mean --schema shop?') as string,
    });
    await expect(salvageShop({ to: other, tables: ['late', 'order'], datadir })).rejects.toMatchObject({
      code: 'OBJECT_UNKNOWN',
      hint: expect.stringContaining('Did you mean --table orders?') as string,
    });
    const path = join(scene.pair.primary.directory, 'error.log');
    await expect(salvageShop({ to: { kind: 'file', path }, datadir })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
    });
    const nowhere = join(scene.pair.primary.directory, 'none/shop.sql');
    await expect(salvageShop({ to: { kind: 'file', path: nowhere }, datadir })).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining('there is no folder') as string,
    });
    const inside = join(scene.repository.path, 'shop.sql');
    await expect(salvageShop({ to: { kind: 'file', path: inside }, datadir })).rejects.toMatchObject({ code: 'USAGE' });
    expect(await readdir(scene.pair.primary.directory)).not.toContain('never');
  });

  it('restores everything when a part does not do', async () => {
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const plan = await makePlan(archive, { kind: 'before-incident', incident });
    const { repository } = archive;
    const survey = await surveyPlan(plan, { repository, wanted: 'shop' });
    const narrow = chooseNarrow(plan, survey, 'shop');
    if (typeof narrow === 'string') throw new Error(narrow);
    // As if nobody knew that views of shop read tables of crm.
    const short = { ...narrow, narrowing: { ...narrow.narrowing, schemas: new Set(['shop']) } };
    const into = { kind: 'scratch', datadir: join(scene.pair.primary.directory, 'part') } as const;
    const o = { plan, repository, into, incident: null, reference: null, log: silentLog };
    const { ran, filtered, unfilteredBecause } = await restorePart(o, short);
    await using _target = ran.target;
    expect(ran.proof).toMatchObject({ ok: true, appliedGroups: plan.groups });
    expect(new Set(ran.proof.tables.map(({ schema }) => schema))).toEqual(new Set(['apart', 'crm', 'shop']));
    expect([filtered, unfilteredBecause]).toEqual([null, expect.stringMatching(/^a part was tried, and failed: /)]);
  });
});
