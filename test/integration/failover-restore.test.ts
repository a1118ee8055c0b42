import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BackupRecord } from '../../src/archive/backup-record.ts';
import type { Lineage } from '../../src/archive/lineage.ts';
import { formatCoordinates, type Coordinates } from '../../src/binlog/coordinates.ts';
import { writeRecord } from '../../src/archive/repository.ts';
import { planText } from '../../src/cli/output/plan-text.ts';
import type { Incident } from '../../src/incident/incident.ts';
import { waitUntilArchived } from '../../src/operations/archived-point.ts';
import { listIncidents } from '../../src/operations/incidents.ts';
import { listBackups } from '../../src/operations/lists.ts';
import { openArchive, type OpenArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore } from '../../src/operations/restore.ts';
import { readStatus } from '../../src/operations/status.ts';
import { isLastgoodError } from '../../src/platform/errors.ts';
import { makeDirectory } from '../../src/platform/durable-file.ts';
import type { Plan, Target } from '../../src/recovery/plan.ts';
import type { TestServer } from '../support/servers.ts';
import { archiveUntilCurrent, primarySettings, silentLog, waitUntilSettled } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { aBackup } from '../support/in-memory-log.ts';
import { pointOf } from '../support/recorded-backup.ts';
import { startWorkload } from '../support/workload.ts';

/**
 * A primary under load and a backup; then its replica is made the primary, and the old one still takes a write. The new one
 * is archived on, and has file names that the old one had too. There shop is dropped.
 */
let scene: BackupScene;
let oldPrimary: TestServer;
let newPrimary: TestServer;
let backup: BackupRecord;
let archive: OpenArchive;
/** Of all schemas, just before shop was dropped. */
let lost: Record<string, string | null>;
/** Where the new primary stood before any of its log was archived. */
let unarchived: { coordinates: Coordinates; gtid: string };
let drop: Incident;
let old: Lineage;
let young: Lineage;

/** What the replica takes over with everything else, and ends as the primary. */
const PREPARES = ["XA START 'moved'", 'DELETE FROM crm.apart', "XA END 'moved'", "XA PREPARE 'moved'"];

beforeAll(async () => {
  scene = await setBackupScene();
  oldPrimary = scene.pair.primary;
  newPrimary = scene.pair.replica;
  const { path } = scene.repository;
  await load(oldPrimary);
  await archiveUntilCurrent(oldPrimary, path);
  await scene.pair.caughtUp();
  backup = await scene.backup();
  await load(oldPrimary);
  await statements(oldPrimary, 'FLUSH BINARY LOGS', 'DROP TABLE IF EXISTS crm.nothing', 'TRUNCATE TABLE crm.journal');
  await load(oldPrimary);
  await statements(oldPrimary, 'CREATE TABLE crm.apart SELECT seq AS id FROM crm.seq_1_to_200', ...PREPARES);
  await scene.pair.caughtUp();
  await statements(newPrimary, 'STOP SLAVE', 'RESET SLAVE ALL', 'SET GLOBAL read_only = 0');
  await statements(oldPrimary, "INSERT INTO shop.journal VALUES (NULL, 1, 1, 1, 'only the old one')");
  await archiveUntilCurrent(oldPrimary, path);
  await load(newPrimary);
  await statements(newPrimary, "XA COMMIT 'moved'");
  unarchived = await pointOf(newPrimary);
  await statements(newPrimary, 'FLUSH BINARY LOGS');
  await load(newPrimary);
  await using connection = await newPrimary.connect();
  lost = await checksums(connection);
  await run(connection, ['DROP DATABASE shop', 'CREATE TABLE crm.later (id INT PRIMARY KEY)']);
  await waitUntilSettled(newPrimary);
  await archiveUntilCurrent(newPrimary, path);
  archive = await openArchive(path, { log: silentLog });
  const [found] = listIncidents(archive, { kind: 'drop-database' });
  const [first, second] = archive.catalog.lineages();
  if (found === undefined || first === undefined || second === undefined) throw new Error('no failover was archived');
  [drop, old, young] = [found, first, second];
});

afterAll(async () => {
  archive[Symbol.dispose]();
  await scene[Symbol.asyncDispose]();
});

async function statements(server: TestServer, ...texts: string[]): Promise<void> {
  await using connection = await server.connect();
  await run(connection, texts);
}

async function load(server: TestServer): Promise<void> {
  await (await startWorkload(() => server.connect())).stop();
}

/** What was archived meanwhile is in the catalog of an archive that is opened anew. */
async function archiveAgain(server: TestServer): Promise<OpenArchive> {
  await archiveUntilCurrent(server, scene.repository.path);
  return await openArchive(scene.repository.path, { log: silentLog });
}

async function plan(target: Target): Promise<Plan> {
  return await makePlan(archive, target, { name: 'shop' });
}

describe('after a failover', () => {
  it('a restore crosses it, from a backup of before to just before a DROP on the new primary (peers 2: PXCO PR #2502)', async () => {
    const made = await plan({ kind: 'before-incident', incident: drop.id });
    expect(made.backup.id).toBe(backup.id);
    expect(made.crossings).toEqual([{ from: old.id, to: young.id, gtidState: young.handOver?.gtidState, stranded: 1 }]);
    expect(new Set(made.segments.map(({ lineage }) => lineage))).toEqual(new Set([old.id, young.id]));
    expect(planText(made)).toContain(`crosses to ${young.id} at ${young.handOver?.gtidState}`);
    expect(made.warnings).toContainEqual(
      `1 group of lineage ${old.id} after ${formatCoordinates(young.handOver?.parent ?? { file: '', position: 0 })} reached only the old primary, not ${young.id}: left out`,
    );

    const datadir = join(oldPrimary.directory, 'restored');
    const { server, proof } = await restore(archive, {
      plan: made,
      into: { kind: 'scratch', datadir },
      stop: true,
      log: silentLog,
    });

    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(proof.appliedGroups).toBe(made.groups);
    expect(server.pid).toBeNull();
    const restored = proof.tables.map(({ schema, name, checksum }) => [`${schema}.${name}`, checksum]);
    expect(Object.fromEntries(restored)).toEqual(lost);
    expect(proof.tables.find(({ name }) => name === 'apart')?.rows).toBe(0);
  });

  it('what both logs have is one incident and one place', async () => {
    const [inYoung, inOld] = archive.catalog.incidents({ kind: 'truncate-table' });
    expect([inYoung?.lineage, inOld?.lineage]).toEqual([young.id, old.id]);
    expect(listIncidents(archive, { kind: 'truncate-table', all: true })).toEqual([inOld]);
    const [one, other] = await Promise.all(
      [inYoung, inOld].map((incident) => plan({ kind: 'before-incident', incident: incident?.id ?? '' })),
    );
    expect(one?.target.resolved).toEqual(other?.target.resolved);
    expect(one?.segments).toEqual(other?.segments);
  });

  it('an XA transaction that the new primary ended stays pending in the log of the old one, and cannot be left out', async () => {
    const [inYoung, inOld] = archive.catalog.incidents({ kind: 'mass-delete', schema: 'crm', table: 'apart' });
    if (inYoung === undefined || inOld === undefined) throw new Error('the transaction is not in both logs');
    expect([inYoung.lineage, inOld.lineage]).toEqual([young.id, old.id]);
    expect(inOld).toMatchObject({ state: 'pending', settledBy: null, gtid: inYoung.gtid });
    expect(inYoung.state).toBe('effective');
    expect(listIncidents(archive, { kind: 'mass-delete', schema: 'crm', all: true })).toEqual([inOld]);

    const without = async (id: string): Promise<Plan> =>
      await makePlan(archive, { kind: 'latest' }, { name: 'shop', skip: [id] });
    expect((await without(inOld.id)).skips).toMatchObject([
      {
        verdict: 'impossible',
        why: `the replay would fail at ${inYoung.settledBy?.gtid ?? ''}: commits X'6d6f766564',X'',1, whose first half is left out (error 1397)`,
      },
    ]);
    await expect(without(inYoung.id)).rejects.toThrow('the way to the target has it in the log of the lineage before');
    const { backup: from, target } = await plan({ kind: 'before-incident', incident: inOld.id });
    expect([from.id, target.resolved.lineage]).toEqual([backup.id, old.id]);
  });

  it('what reached only the old primary is reached by its name, and by nothing else', async () => {
    const stranded = (await pointOf(oldPrimary)).gtid;
    const byName = await plan({ kind: 'after-gtid', gtid: stranded });
    expect(byName.segments.map(({ lineage }) => lineage)).not.toContain(young.id);
    expect(byName.warnings.join()).toContain(`where ${young.id} took over`);
    const latest = await plan({ kind: 'latest' });
    expect(latest.target.resolved).toMatchObject({ lineage: young.id, gtidState: (await pointOf(newPrimary)).gtid });
  });

  it('the recovery window reaches back to the backup of the old primary (peers 24: mariadb-operator #1815)', async () => {
    const { window, findings } = await readStatus(archive, { primary: primarySettings(newPrimary) });
    expect(window).toMatchObject({ fromGtid: backup.primary.gtid, toGtid: (await pointOf(newPrimary)).gtid });
    expect(findings.filter(({ check }) => check === 'backup usable')).toEqual([]);
  });

  it('a backup that was taken before the new primary was archived finds its lineage', async () => {
    const coordinates = formatCoordinates(unarchived.coordinates);
    const finishedAt = Math.floor(Date.now() / 1000);
    const record = aBackup(coordinates, { id: 'early', gtid: unarchived.gtid, lineage: null, finishedAt });
    const { serverId } = young;
    const folder = scene.repository.backupFolder(record.id);
    await makeDirectory(folder);
    await writeRecord(join(folder, 'backup.json'), { ...record, primary: { ...record.primary, serverId } });
    const early = (await listBackups(archive)).find(({ id }) => id === record.id);
    expect(early).toMatchObject({ usable: true, why: null, primary: { lineage: young.id } });
    const made = await plan({ kind: 'before-incident', incident: drop.id });
    expect(made).toMatchObject({ backup: { id: record.id }, crossings: [] });
  });

  it('a point of the new primary is not archived by what is archived of another server', async () => {
    const settings = { repositoryPath: scene.repository.path, keyFile: null, primary: primarySettings(newPrimary) };
    const { coordinates } = await pointOf(newPrimary);
    const wait = async (serverId: number): Promise<string> =>
      await waitUntilArchived(settings, { ...coordinates, serverId }, { log: silentLog });
    expect(await wait(young.serverId)).toBe(young.id);
    await expect(wait(103)).rejects.toThrow('the archive has nothing of server 103, and no archiver runs');
  });

  it('a restore crosses a fail-back too: the old server is primary again, under the file names it had (peers 24: mariadb-operator #1815)', async () => {
    const { gtid } = await pointOf(newPrimary);
    await statements(
      oldPrimary,
      'RESET MASTER',
      ...[`SET GLOBAL gtid_slave_pos = '${gtid}'`, `SET GLOBAL gtid_binlog_state = '${gtid}'`],
      ...['FLUSH BINARY LOGS', 'CREATE TABLE crm.failed_back (id INT PRIMARY KEY)'],
    );
    using now = await archiveAgain(oldPrimary);
    const third = now.catalog.lineages().at(-1);
    expect(third).toMatchObject({
      parent: young.id,
      serverId: old.serverId,
      handOver: { gtidState: gtid, stranded: 0 },
    });
    expect(now.catalog.segments(old.id).map(({ digest }) => digest.file)).toContain(third?.firstFile);

    const made = await makePlan(now, { kind: 'latest' }, { name: 'shop' });
    expect(made.crossings.map(({ from, to }) => [from, to])).toEqual([[young.id, third?.id]]);
    await rm(scene.repository.backupFolder('early'), { recursive: true });
    const fromFirst = await makePlan(now, { kind: 'latest' }, { name: 'shop' });
    expect(fromFirst.crossings.map(({ from, to }) => [from, to])).toEqual([
      [old.id, young.id],
      [young.id, third?.id],
    ]);

    const datadir = join(oldPrimary.directory, 'failed-back');
    const { proof } = await restore(now, {
      plan: fromFirst,
      into: { kind: 'scratch', datadir },
      stop: true,
      log: silentLog,
    });
    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    const names = proof.tables.map(({ schema, name }) => `${schema}.${name}`);
    expect(names).toEqual(expect.arrayContaining(['crm.journal', 'crm.later', 'crm.failed_back']));
    expect(names.filter((name) => name.startsWith('shop.'))).toEqual([]);
  });

  it('no restore crosses RESET MASTER: the refusal names it, and what can be reached (peers 4: PXCO PR #2462)', async () => {
    await statements(oldPrimary, 'RESET MASTER', 'CREATE TABLE crm.after_reset (id INT PRIMARY KEY)');
    using now = await archiveAgain(oldPrimary);
    const [third = '', reset = ''] = now.catalog
      .lineages()
      .slice(-2)
      .map(({ id }) => id);
    await expect(makePlan(now, { kind: 'latest' }, { name: 'shop' })).rejects.toSatisfy(
      (error) =>
        isLastgoodError(error, 'ARCHIVE_GAP') &&
        error.message.includes(`of lineage ${reset}: lineage ${reset} does not continue ${third}, as noted at 20`) &&
        error.hint.includes(`--before-coordinates ${third}/FILE:POSITION`),
    );
    const before = await makePlan(now, { kind: 'before-incident', incident: drop.id }, { name: 'shop' });
    expect(before.target.resolved.lineage).toBe(young.id);
  });
});
