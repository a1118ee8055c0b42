import { readdirSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore, type RestoreOptions, type RestoreResult } from '../../src/operations/restore.ts';
import { runTool, findProgram } from '../../src/platform/child-process.ts';
import type { Plan, Target } from '../../src/recovery/plan.ts';
import { connect, type ServerConnection } from '../../src/server/connection.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { endRestored, newestIncident, refusalOf, restoredOptions } from '../support/restored.ts';
import { isWhole, startWorkload } from '../support/workload.ts';

let scene: BackupScene;
let folder: string;
/** Of schema shop, just before it was dropped. */
let lost: Record<string, string | null>;
let incident: Incident;

beforeAll(async () => {
  scene = await setBackupScene();
  folder = scene.pair.primary.directory;
  const { primary } = scene.pair;
  const { path } = scene.repository;
  await using connection = await primary.connect();
  await run(connection, [
    "CREATE USER 'app'@'localhost' IDENTIFIED BY 'app-password'",
    "GRANT SELECT ON *.* TO 'app'@'localhost'",
  ]);
  await (await startWorkload(() => primary.connect())).stop();
  await archiveUntilCurrent(primary, path);
  await scene.pair.caughtUp();
  await scene.backup();
  await (await startWorkload(() => primary.connect())).stop();
  await run(connection, [
    'FLUSH BINARY LOGS',
    "GRANT SELECT ON *.* TO 'late'@'localhost' IDENTIFIED BY 'late-password'",
    // Nobody can read it: no reason to have no restore.
    'CREATE TABLE crm.part (a INT) ENGINE=MyISAM',
    'CREATE TABLE crm.broken (a INT) ENGINE=MERGE UNION=(crm.part)',
    'DROP TABLE crm.part',
  ]);
  const elsewhere = await startWorkload(() => primary.connect(), { schemas: ['crm'] });
  lost = await checksums(connection, ['shop']);
  await run(connection, ['DROP DATABASE shop']);
  await elsewhere.stop();
  await run(connection, ['CREATE DATABASE shop', 'FLUSH BINARY LOGS']);
  await archiveUntilCurrent(primary, path);
  incident = await newestIncident(path);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

async function restoreTo(
  target: Target,
  { datadir, ...options }: Partial<RestoreOptions> & { datadir: string },
  change: (plan: Plan) => Plan = (plan) => plan,
): Promise<RestoreResult> {
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  const plan = change(await makePlan(archive, target));
  return await restore(archive, { plan, into: { kind: 'scratch', datadir }, log: silentLog, ...options });
}

function withSettings(plan: Plan, settings: Record<string, string>): Plan {
  return { ...plan, backup: { ...plan.backup, settings: { ...plan.backup.settings, ...settings } } };
}

const beforeIncident = (): Target => ({ kind: 'before-incident', incident: incident.id });

function phaseOf(datadir: string): string {
  const note = JSON.parse(readFileSync(join(datadir, 'lastgood-restore.json'), 'utf8')) as { phase: string };
  return note.phase;
}

/** Without hosts: a server with skip_name_resolve has accounts of named hosts that nobody can use, and no dump has them. */
async function accountNames(connection: ServerConnection): Promise<string[]> {
  const rows = await connection.query<{ User: string }>('SELECT DISTINCT User FROM mysql.global_priv ORDER BY User');
  return rows.map(({ User }) => User).filter((user) => user !== 'PUBLIC');
}

describe('restore', () => {
  it('brings a dropped schema back as it was, in a server that stays', async () => {
    const datadir = join(folder, 'restored');
    const steps = new Map<string, string>();
    const temporary: string[] = [];
    const { server, proof, seconds, plan } = await restoreTo(beforeIncident(), {
      datadir,
      progress: ({ step }) => {
        steps.set(step, phaseOf(datadir));
        if (step === 'loading') temporary.push(...readdirSync(join(datadir, '.tmp')));
      },
    });
    try {
      await using restored = await connect(restoredOptions(server.socket));

      expect(await checksums(restored, ['shop'])).toEqual(lost);
      expect(await isWhole(restored, 'crm')).toBe(true);
      expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
      expect(proof).toMatchObject({ ok: true, appliedGroups: plan.groups });
      expect(proof.lastApplied).toEqual({ gtid: incident.lastGood?.gtid, file: incident.file, end: incident.start });
      expect(proof.checks.map(({ check }) => check)).toContain('database shop is back');
      expect(proof.tables).toContainEqual({ schema: 'crm', name: 'broken', checksum: 'elsewhere', rows: 0 });
      // What the folder says of itself at each step, so also after a kill.
      expect([...steps]).toEqual(['loading', 'replaying', 'proving'].map((step) => [step, step]));
      expect(phaseOf(datadir)).toBe('done');
      // The password of a restore that is killed stays in the folder that must be removed anyway.
      expect(temporary).toContain('client.cnf');
      expect(await readdir(join(datadir, '.tmp'))).not.toContain('client.cnf');
      expect(seconds.total).toBeGreaterThanOrEqual(seconds.load);
      const [row] = await restored.query(
        `SELECT @@event_scheduler AS events, @@innodb_flush_log_at_trx_commit AS flush, @@innodb_doublewrite AS doublewrite,
                @@gtid_slave_pos AS state, @@collation_server AS collation`,
      );
      await using primary = await scene.pair.primary.connect();
      const [source] = await primary.query('SELECT @@collation_server AS collation');
      expect(row).toEqual({
        ...{ events: 'OFF', flush: '1', doublewrite: '1', collation: source?.['collation'] },
        state: plan.target.resolved.gtidState,
      });
      expect(await restored.query('SHOW SLAVE STATUS')).toEqual([]);
    } finally {
      await endRestored(server.pid);
    }
  });

  it("leaves the source's accounts, those made after the backup too, and none of its own, in pages of the source's size", async () => {
    const datadir = join(folder, 'accounts');
    const { server, warnings } = await restoreTo(beforeIncident(), { datadir }, (plan) =>
      withSettings(plan, { innodb_page_size: '32768', innodb_encrypt_tables: 'ON' }),
    );
    try {
      expect(warnings).toContain(
        'the source encrypts its tables on disk (innodb_encrypt_tables), the new server writes them in clear',
      );
      await using restored = await connect(restoredOptions(server.socket));
      // Made, restored and handed over so.
      expect(await restored.query('SELECT @@innodb_page_size AS bytes')).toEqual([{ bytes: '32768' }]);
      await using primary = await scene.pair.primary.connect();
      expect(await accountNames(restored)).toEqual(await accountNames(primary));
      await (await connect({ ...restoredOptions(server.socket), user: 'late', password: 'late-password' })).close();
    } finally {
      await endRestored(server.pid);
    }
  });

  it('leaves the server stopped when told to, ready to be started by a person', async () => {
    const datadir = join(folder, 'stopped');
    const { server, proof } = await restoreTo(beforeIncident(), { datadir, stop: true });

    expect(server).toMatchObject({ datadir, pid: null });
    const note = JSON.parse(await readFile(join(datadir, 'lastgood-restore.json'), 'utf8')) as unknown;
    expect(note).toMatchObject({ phase: 'done', result: { proof: { checks: proof.checks } } });
    expect((await stat(join(datadir, 'lastgood.cnf'))).mode & 0o777).toBe(0o600);
    const { stderr } = await runTool({
      program: findProgram(['mariadbd']),
      args: [`--defaults-file=${join(datadir, 'lastgood.cnf')}`, '--bootstrap', '--silent-startup'],
      input: (async function* () {
        await Promise.resolve();
        yield Buffer.from('SELECT COUNT(*) FROM shop.account;\n');
      })(),
    });
    expect(stderr).not.toMatch(/ERROR/);
  });

  it('does not touch the temporary files of other servers on the machine', async () => {
    const temporary = join(folder, 'temporary');
    await mkdir(temporary);
    await writeFile(join(temporary, '#sql-temptable-of-production.MAI'), 'in use');
    vi.stubEnv('TMPDIR', temporary);
    try {
      await restoreTo(beforeIncident(), { datadir: join(folder, 'neighbour'), stop: true });
    } finally {
      vi.unstubAllEnvs();
    }

    expect(await readdir(temporary)).toEqual(['#sql-temptable-of-production.MAI']);
  });

  it('refuses a folder that holds something, and leaves it as it was', async () => {
    const datadir = join(folder, 'occupied');
    await mkdir(datadir);
    await writeFile(join(datadir, 'precious'), 'data');

    const restored = restoreTo(beforeIncident(), { datadir });

    await expect(restored).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    await expect(restored).rejects.toThrow(`'${datadir}' is not empty: it holds 'precious'`);
    expect(await readdir(datadir)).toEqual(['precious']);
  });

  it('refuses a folder inside the repository', async () => {
    const { path } = scene.repository;
    const datadir = join(path, 'restored');
    const before = await readdir(path);
    await expect(restoreTo(beforeIncident(), { datadir })).rejects.toMatchObject({
      code: 'USAGE',
      message: `'${datadir}' is inside the repository '${path}'`,
    });
    expect(await readdir(path)).toEqual(before);
  });

  it.each(['loading', 'replaying', 'proving'])('leaves nothing behind when interrupted while %s', async (when) => {
    const datadir = join(folder, `interrupted-${when}`);
    const controller = new AbortController();

    const restored = restoreTo(beforeIncident(), {
      datadir,
      signal: controller.signal,
      progress: ({ step }) => {
        if (step === when) controller.abort();
      },
    });

    await expect(restored).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(await readdir(datadir)).toEqual([]);
  });

  it('keeps a server whose proof fails, stopped, with a note that says why', async () => {
    const datadir = join(folder, 'unproven');

    const restored = restoreTo(beforeIncident(), { datadir }, (plan) => ({ ...plan, groups: plan.groups + 1 }));

    await expect(restored).rejects.toMatchObject({ code: 'PROOF_FAILED', exitCode: 31 });
    await expect(restored).rejects.toThrow(
      /not true that every planned group was applied, and no other: \d+ of \d+ groups/,
    );
    const note = JSON.parse(await readFile(join(datadir, 'lastgood-restore.json'), 'utf8')) as unknown;
    expect(note).toMatchObject({ phase: 'failed', result: { proof: { ok: false } } });
    expect(await readdir(datadir)).not.toContain('server.pid');
  });

  it('names file and offset when an archived file is damaged', async () => {
    const datadir = join(folder, 'damaged-archive');
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const plan = await makePlan(archive, beforeIncident());
    const part = plan.segments.at(-1);
    const segments = await scene.repository.segments(plan.target.resolved.lineage);
    const path = segments.find(({ file }) => file === part?.file)?.path ?? '';
    const bytes = await readFile(path);
    const flipped = Buffer.from(bytes);
    const at = (part?.to ?? 0) - 5; // the checksum of the last event that is replayed begins one byte later
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
    await writeFile(path, flipped);
    try {
      const restored = restore(archive, { plan, into: { kind: 'scratch', datadir }, log: silentLog });

      await expect(restored).rejects.toMatchObject({
        code: 'ARCHIVE_DAMAGED',
        exitCode: 21,
        message: expect.stringMatching(/^binlog\.\d+ is damaged at \d+: /) as string,
        details: { file: part?.file, path },
        cause: { code: 'TOOL_FAILED' },
      });
      const { hint } = await refusalOf(restored);
      const [, coordinates = ''] = /--before-coordinates (\S+)`/.exec(hint) ?? [];
      expect(await makePlan(archive, { kind: 'before-coordinates', coordinates })).toMatchObject({ reachable: true });
    } finally {
      await writeFile(path, bytes);
    }
    expect(await readdir(datadir)).toEqual([]);
  });

  it('refuses a backup whose file was changed, and leaves nothing behind', async () => {
    const datadir = join(folder, 'damaged');

    const restored = restoreTo(beforeIncident(), { datadir }, (plan) => {
      const files = plan.backup.files.map((file) => ({ ...file, sha256: '0'.repeat(64) }));
      return { ...plan, backup: { ...plan.backup, files } };
    });

    await expect(restored).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
    await expect(restored).rejects.toThrow(/is not what was written: its SHA-256 is [0-9a-f]{64}/);
    expect(await readdir(datadir)).toEqual([]);
  });

  it('keeps a proven server that does not start, with a note and the command that starts it', async () => {
    const datadir = join(folder, 'unstartable');

    const restored = restoreTo(beforeIncident(), { datadir }, (plan) =>
      withSettings(plan, { max_allowed_packet: 'x' }),
    );

    await expect(restored).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      hint: expect.stringContaining(`mariadbd --defaults-file=${datadir}/lastgood.cnf`) as string,
    });
    await expect(restored).rejects.toThrow(`the restored server in '${datadir}' is proven, but not handed over`);
    const note = JSON.parse(await readFile(join(datadir, 'lastgood-restore.json'), 'utf8')) as unknown;
    expect(note).toMatchObject({ phase: 'proven', result: { proof: { ok: true } } });
    expect(await readdir(join(datadir, 'shop'))).toContain('account.ibd');
  });

  it('refuses a disk without room, with both numbers, and writes nothing', async () => {
    const datadir = join(folder, 'too-large');

    const restored = restoreTo(beforeIncident(), { datadir }, (plan) => ({ ...plan, diskBytes: 6e15 }));

    await expect(restored).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(restored).rejects.toThrow(
      /needs at least 5\.3 PiB, and the file system of '.*' has [\d.]+ [GT]iB free/,
    );
    expect(await readdir(folder)).not.toContain('too-large');
  });

  it('refuses a backup of a newer release than the server here, and leaves nothing behind', async () => {
    const datadir = join(folder, 'older');

    const restored = restoreTo(beforeIncident(), { datadir }, (plan) => {
      return { ...plan, backup: { ...plan.backup, serverVersion: '99.1.2-MariaDB-log' } };
    });

    await expect(restored).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(restored).rejects.toThrow(
      /^this machine's server is 1\S+, older than the source's, 99\.1\.2-MariaDB-log$/,
    );
    expect(await readdir(datadir)).toEqual([]);
  });

  it('names a socket that lasts in a folder too deep for one', async () => {
    const datadir = join(folder, 'd'.repeat(120));

    const { server } = await restoreTo(beforeIncident(), { datadir, stop: true });

    expect(server.socket).toMatch(/^\/tmp\/lastgood-\d+\.sock$/);
    const options = await readFile(join(datadir, 'lastgood.cnf'), 'utf8');
    expect(options).toContain(`socket = "${server.socket}"`);
  });
});
