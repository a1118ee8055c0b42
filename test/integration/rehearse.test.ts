import { readdir, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { rehearse, type RehearseOptions } from '../../src/operations/rehearse.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, silentLog, startArchiver } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { newestIncident } from '../support/restored.ts';
import { startWorkload } from '../support/workload.ts';

let scene: BackupScene;
let primary: ServerConnection;
let replica: ServerConnection;

beforeEach(async () => {
  scene = await setBackupScene();
  primary = await scene.pair.primary.connect();
  replica = await scene.pair.replica.connect();
  await (await startWorkload(() => scene.pair.primary.connect())).stop();
  await run(primary, [
    'CREATE TABLE crm.note (id INT PRIMARY KEY, text VARCHAR(50)) ENGINE=MyISAM',
    "INSERT INTO crm.note VALUES (1, 'one')",
    'CREATE SEQUENCE crm.number',
    'SELECT NEXT VALUE FOR crm.number',
  ]);
  await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
  await scene.pair.caughtUp();
  await scene.backup();
});

afterEach(async () => {
  await replica.close();
  await primary.close();
  await scene[Symbol.asyncDispose]();
});

async function rehearseNow(options: Partial<RehearseOptions> = {}) {
  return await rehearse({ settings: scene.settings, log: silentLog, ...options });
}

describe('rehearse', () => {
  it('finds a restore equal to the replica while the primary is written to, and records it', async () => {
    await using _archiver = startArchiver(scene.pair.primary, scene.repository.path);
    const workload = await startWorkload(() => scene.pair.primary.connect(), { writers: 1 });
    await primary.query("UPDATE crm.note SET text = 'two'");

    const { proof, rehearsal, report } = await rehearseNow();

    await workload.stop();
    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(proof.tables.map(({ schema, name }) => `${schema}.${name}`)).toContain('crm.note');
    expect(proof.checks.at(-1)?.check).toMatch(/^every table is equal to the replica's at 0-101-\d+$/);
    expect(await scene.repository.rehearsals()).toEqual({ records: [rehearsal], unreadable: [] });
    expect(await readFile(report.markdown, 'utf8')).toContain('the restore works');
    expect(await scene.applies()).toBe(true);
  });

  it('names the tables in which the replica differs from what its primary wrote', async () => {
    await run(replica, [
      'UPDATE shop.account SET balance = balance + 1 WHERE id = 1',
      "INSERT INTO crm.note VALUES (2, 'only here')",
      'CREATE TABLE crm.own (id INT PRIMARY KEY)',
    ]);

    const rehearsed = rehearseNow();

    await expect(rehearsed).rejects.toMatchObject({ code: 'PROOF_FAILED' });
    await expect(rehearsed).rejects.toThrow(
      /^the rehearsal failed: the replica is not what its primary wrote, or the restore is wrong: .*: different: crm\.note, shop\.account; only on the replica: crm\.own$/,
    );
    expect(await scene.repository.rehearsals()).toMatchObject({ records: [{ ok: false }], unreadable: [] });
    expect(await scene.applies()).toBe(true);
  });

  it('reads tables as they were, although the primary drops and changes them meanwhile', async () => {
    await using _archiver = startArchiver(scene.pair.primary, scene.repository.path);

    const { proof } = await rehearseNow({
      progress: ({ step, done }) => {
        if (step === 'reading' && done === 1) void primary.query('DROP DATABASE shop');
      },
    });

    expect(proof.ok).toBe(true);
    expect(proof.tables.map(({ schema, name }) => `${schema}.${name}`)).toContain('shop.journal');
    await scene.pair.caughtUp();
    expect(await replica.query("SHOW DATABASES LIKE 'shop'")).toEqual([]);
  });

  it('leaves nothing behind when the replica cannot be compared', async () => {
    await primary.query('CREATE TABLE shop.held (a INT)');
    await run(primary, ["XA START 'held'", 'INSERT INTO shop.held VALUES (7)', "XA END 'held'", "XA PREPARE 'held'"]);
    await scene.pair.caughtUp();
    await expect(rehearseNow()).rejects.toThrow(/cannot be compared: .*prepared XA/);
    expect(await scene.applies()).toBe(true);
    expect(await readdir(dirname(scene.repository.backupFolder('any')))).toHaveLength(1);
    await run(primary, ["XA ROLLBACK 'held'"]);
  });

  it('says at once that nothing archives, when the archive is behind the replica', async () => {
    await primary.query("UPDATE crm.note SET text = 'not archived'");
    await scene.pair.caughtUp();

    const rehearsed = rehearseNow();

    await expect(rehearsed).rejects.toMatchObject({ code: 'TARGET_UNREACHABLE' });
    await expect(rehearsed).rejects.toThrow(/the archive ends at binlog\.000001:\d+, and no archiver runs$/);
    expect(await scene.applies()).toBe(true);
  });

  it('restores to a given target without asking the replica', async () => {
    const { proof } = await rehearseNow({
      target: { kind: 'latest' },
      settings: { ...scene.settings, replica: null },
    });

    expect(proof.ok).toBe(true);
  });

  it('tries out what may clash with a skipped incident, when told to, and shows the rows that do', async () => {
    await run(primary, [
      'CREATE TABLE crm.numbered (id INT AUTO_INCREMENT PRIMARY KEY, v VARCHAR(9))',
      "INSERT INTO crm.numbered (v) VALUES ('lost')",
      'TRUNCATE crm.numbered',
      "INSERT INTO crm.numbered (v) VALUES ('new')",
    ]);
    await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
    const { id } = await newestIncident(scene.repository.path);
    const options = { target: { kind: 'latest' }, skip: [id] } as const;

    await expect(rehearseNow(options)).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(rehearseNow({ ...options, acceptConflicts: true })).rejects.toThrow(
      /inserts in crm\.numbered \(id: 1, v: new\); the target has \(id: 1, v: lost\)/,
    );
  });

  it('restores in a given folder, and leaves it empty', async () => {
    const datadir = join(scene.pair.primary.directory, 'rehearsal');

    const { server } = await rehearseNow({ target: { kind: 'latest' }, datadir });

    expect(server).toMatchObject({ datadir, pid: null });
    expect(await readdir(datadir)).toEqual([]);
  });
});
