import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import type { HandOverStep } from '../../src/operations/hand-over.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore, type RestoreResult } from '../../src/operations/restore.ts';
import { resumeOnServer, resumeRestore, type ResumeOptions } from '../../src/operations/resume-restore.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { Plan, Target } from '../../src/recovery/plan.ts';
import type { ReplayEngine } from '../../src/recovery/restore-phases.ts';
import { claimFolder } from '../../src/recovery/restore-folder.ts';
import { connect, type ServerConnection } from '../../src/server/connection.ts';
import { findFreePort } from '../../src/server/loopback-port.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { stateOf } from '../support/existing-target.ts';
import { chooseSeed, seededRandom } from '../support/random.ts';
import { endRestored, newestIncident } from '../support/restored.ts';
import type { RestoreRunnerSettings } from '../support/restore-runner.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { startWorkload } from '../support/workload.ts';

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
    "GRANT ALL ON *.* TO 'app'@'localhost'",
    "GRANT REPLICATION SLAVE ON *.* TO 'follower'@'127.0.0.1' IDENTIFIED BY 'secret'",
  ]);
  await archiveUntilCurrent(primary, path);
  await scene.pair.caughtUp();
  await scene.backup();
  const workload = await startWorkload(() => primary.connect());
  await waitFor(() => workload.committed > 4000, { timeoutMs: 60_000, what: 'the workload' });
  await workload.stop();
  lost = await checksums(connection, ['shop']);
  await run(connection, ['DROP DATABASE shop']);
  await (await startWorkload(() => primary.connect(), { schemas: ['crm'] })).stop();
  await archiveUntilCurrent(primary, path);
  incident = await newestIncident(path);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

/** Kills the restore's server once it is past the statements that made the tables: half a statement is loaded anew, and rightly. */
async function interruptedRestore(
  datadir: string,
  o: { skips?: boolean; engine?: ReplayEngine; from?: number } = {},
): Promise<unknown> {
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  const plan =
    o.skips === true
      ? await makePlan(archive, { kind: 'latest' }, { skip: [incident.id] })
      : await makePlan(archive, { kind: 'before-incident', incident: incident.id });
  let killed = false;
  return await restore(archive, {
    plan,
    into: { kind: 'scratch', datadir },
    engine: o.engine,
    log: silentLog,
    progress: ({ step, done, total }) => {
      // What is skipped is behind it only in the end.
      if (killed || step !== (o.skips === true ? 'proving' : 'replaying') || done < total * (o.from ?? 0.05)) return;
      killed = true;
      process.kill(Number(readFileSync(join(datadir, 'server.pid'), 'utf8')), 'SIGKILL');
    },
  }).catch((error: unknown) => error);
}

async function resumeIn(
  datadir: string,
  further: { target: Target; skip: readonly string[] } | null = null,
  options: Partial<ResumeOptions> = {},
): Promise<RestoreResult> {
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  const extend = (aim: NonNullable<typeof further>) => async (done: Plan) =>
    await makePlan(archive, aim.target, { skip: aim.skip, backup: done.backup.id });
  const { primary } = scene.pair;
  return await resumeRestore(archive, {
    datadir,
    extend: further === null ? null : extend(further),
    primary: { host: '127.0.0.1', port: primary.port },
    log: silentLog,
    ...options,
  });
}

const LATEST = (): { target: Target; skip: string[] } => ({ target: { kind: 'latest' }, skip: [incident.id] });

async function signIn({ server }: RestoreResult): Promise<ServerConnection> {
  return await connect({ name: 'restored', socket: server.socket, user: 'app', password: 'app-password', tls: 'off' });
}

async function changeIn(result: RestoreResult, statement: string): Promise<void> {
  await using connection = await signIn(result);
  await connection.query(statement);
}

/** As a person would who fills in the account. */
async function follow(connection: ServerConnection, steps: readonly HandOverStep[]): Promise<void> {
  for (const { run: statement } of steps) {
    await connection.query(statement.replace('<user>', 'follower').replace('<password>', 'secret').replace(/;$/, ''));
  }
}

/** As a person pastes it. */
function inShell(command: string): void {
  execFileSync('sh', ['-c', command], { stdio: 'ignore', timeout: 60_000 });
}

describe('a restore whose server was killed', () => {
  it('goes on where it stood, then forward without the incident, and then follows the primary', async () => {
    const datadir = join(folder, 'killed');
    expect(await interruptedRestore(datadir)).toMatchObject({
      code: 'TOOL_FAILED',
      message: expect.stringMatching(
        /^the new server in '.*' ended by itself \(status SIGKILL\); the last words in '.*error\.log': [^]*; what is restored so far is kept in '.*'$/,
      ) as string,
      details: { datadir, errorLog: join(datadir, 'error.log') },
      hint: `\`lastgood restore --resume --datadir ${datadir}\` goes on from there.`,
    });

    const resumed = await resumeIn(datadir);

    expect(resumed.resumed).toMatchObject({ anew: null });
    expect(resumed.resumed?.groups).toBeGreaterThan(0);
    expect(resumed.proof).toMatchObject({ ok: true, appliedGroups: resumed.plan.groups });
    {
      await using restored = await signIn(resumed);
      expect(await checksums(restored, ['shop'])).toEqual(lost);
      expect(await restored.query("SELECT User FROM mysql.global_priv WHERE User LIKE 'lastgood-%'")).toEqual([]);
    }
    expect(resumed.handOver.follow.steps.map(({ run: command }) => command)).toEqual([
      `lastgood restore --resume --datadir ${datadir} --latest --skip ${incident.id}`,
    ]);
    expect(await readFile(resumed.report?.markdown ?? '', 'utf8')).toContain(`- incident: ${incident.id}`);
    await expect(resumeIn(datadir)).rejects.toMatchObject({
      code: 'NOTHING_TO_RESUME',
      message: `the restore in '${datadir}' is finished: there is nothing to resume`,
    });

    // Not over the incident itself.
    await expect(resumeIn(datadir, { target: { kind: 'latest' }, skip: [] })).rejects.toThrow(
      `was restored to before incident ${incident.id}, which would be replayed on the way to`,
    );

    // Forward: the server runs, as a person started it.
    await endRestored(resumed.server.pid);
    const optionFile = join(datadir, 'lastgood.cnf');
    inShell(`mariadbd --defaults-file=${optionFile} & mariadb-admin --socket=${resumed.server.socket} --wait=30 ping`);
    const forward = await resumeIn(datadir, LATEST());

    expect(forward.resumed).toEqual({ groups: resumed.plan.groups, anew: null });
    expect(forward.proof).toMatchObject({ ok: true, appliedGroups: forward.plan.groups });
    expect(forward.server.port).toBe(resumed.server.port);
    await using primary = await scene.pair.primary.connect();
    await using restored = await signIn(forward);
    expect(await checksums(restored, ['shop'])).toEqual(lost);
    expect(await checksums(restored, ['crm'])).toEqual(await checksums(primary, ['crm']));

    // Backward is no way.
    const back = { target: { kind: 'before-incident', incident: incident.id }, skip: [] } as const;
    await expect(resumeIn(datadir, back)).rejects.toThrow(/is restored to binlog\.\d+:\d+, which is not on the way to/);
    expect(await restored.query('SELECT 1 AS one')).toEqual([{ one: 1 }]); // nobody touched it

    // The commands as they are printed.
    await follow(restored, forward.handOver.follow.steps);
    await run(primary, [
      'CREATE DATABASE later',
      'CREATE TABLE later.t (a INT PRIMARY KEY)',
      'INSERT INTO later.t VALUES (1)',
    ]);
    const [there] = await primary.query<{ state: string }>('SELECT @@gtid_binlog_pos AS state');
    await waitFor(
      async () => {
        const [here] = await restored.query<{ state: string }>('SELECT @@gtid_slave_pos AS state');
        return here?.state === there?.state;
      },
      { timeoutMs: 20_000, what: 'the restored server to catch up' },
    );
    expect(await checksums(restored, ['later'])).toEqual(await checksums(primary, ['later']));
    expect(await checksums(restored, ['shop'])).toEqual(lost);

    // It is somebody's now, and stays as it is.
    await archiveUntilCurrent(scene.pair.primary, scene.repository.path);
    await restored.query('SET GLOBAL read_only = ON');
    const refused = resumeIn(datadir, LATEST());
    await expect(refused).rejects.toMatchObject({ code: 'PREFLIGHT_FAILED' });
    await expect(refused).rejects.toThrow('was used since it was proven: it is a replica now');
    await expect(refused).rejects.toMatchObject({
      hint: expect.stringContaining('neither stopped nor started') as string,
    });
    expect(await restored.query('SHOW ALL SLAVES STATUS')).toMatchObject([
      { Slave_IO_Running: 'Yes', Slave_SQL_Running: 'Yes' },
    ]);
    expect(await restored.query('SELECT @@GLOBAL.read_only AS set_to')).toEqual([{ set_to: '1' }]);
    const pid = Number(await readFile(join(datadir, 'server.pid'), 'utf8'));
    expect(pid).toBe(forward.server.pid);

    // In the primary's place, by the commands as they are printed: then it is nobody's to stop.
    await endRestored(pid);
    for (const { run: command } of forward.handOver.promote.slice(1, 3)) inShell(command);
    const promoted = Number(await readFile(join(datadir, 'server.pid'), 'utf8'));
    await expect(resumeIn(datadir, LATEST(), { port: await findFreePort() })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `a server runs in '${datadir}' as process ${promoted}, and may be in use: its option file has log_bin, binlog_format, bind_address besides`,
      details: { pid: promoted },
    });
    await endRestored(promoted);
    await expect(resumeIn(datadir, LATEST())).rejects.toThrow('was used since it was proven');
    expect(existsSync(join(datadir, 'server.pid'))).toBe(false); // nobody started it
    expect(await readFile(optionFile, 'utf8')).toMatch(
      /\nlog_bin = binlog\nbinlog_format = ROW\nbind_address = 0\.0\.0\.0\n$/,
    );
  });

  it('is not resumed by two at once, nor is what is no restore', async () => {
    const datadir = join(folder, 'two');
    await interruptedRestore(datadir, { skips: true });
    {
      await using _other = await claimFolder(datadir);
      await expect(resumeIn(datadir)).rejects.toMatchObject({ code: 'LOCKED' });
    }
    await expect(resumeIn(datadir, LATEST())).rejects.toThrow('is not finished (proving): resume it first');
    const { server, resumed, plan } = await resumeIn(datadir, null, { stop: true });
    expect(server.pid).toBeNull();
    // The DROP that is left out is marked like a statement on temporary tables, and no reason to load anew.
    expect(resumed).toEqual({ groups: plan.groups, anew: null });

    const other = join(folder, 'other');
    await mkdir(other);
    await writeFile(join(other, 'precious'), 'data');
    await expect(resumeIn(other)).rejects.toMatchObject({
      code: 'NOTHING_TO_RESUME',
      message: `there is no restore to resume in '${other}': the folder holds 'precious', and no restore`,
    });
    expect(await readdir(other)).toEqual(['precious']);

    const nowhere = join(folder, 'nowhere');
    await expect(resumeIn(nowhere)).rejects.toMatchObject({
      code: 'NOTHING_TO_RESUME',
      hint: expect.stringContaining(`\`lastgood restore TARGET --datadir ${nowhere}\``) as string,
    });
    expect(existsSync(nowhere)).toBe(false);
  });

  it('is loaded anew when the machine was started since, and says so', async () => {
    const datadir = join(folder, 'rebooted');
    await interruptedRestore(datadir);
    const path = join(datadir, 'lastgood-restore.json');
    const note = await readFile(path, 'utf8');
    await writeFile(path, note.replace(/"bootId": "[^"]*"/, '"bootId": "another"'));

    const { resumed, proof } = await resumeIn(datadir, null, { stop: true });

    expect(resumed).toMatchObject({
      groups: 0,
      anew: expect.stringContaining('the machine was started anew') as string,
    });
    expect(proof.ok).toBe(true);
  });
});

describe('a restore through a session', () => {
  it('goes on behind the last group that it committed, when its server was killed, and then forward', async () => {
    const seed = chooseSeed();
    console.info(`seed ${seed}`);
    const datadir = join(folder, 'session');
    await interruptedRestore(datadir, { engine: 'session', from: 0.1 + 0.8 * seededRandom(seed)() });

    const resumed = await resumeIn(datadir);

    expect(resumed.resumed).toMatchObject({ anew: null });
    expect(resumed.resumed?.groups).toBeGreaterThan(0);
    expect(resumed.resumed?.groups).toBeLessThan(resumed.plan.groups);
    expect(resumed.proof).toMatchObject({ ok: true, appliedGroups: resumed.plan.groups });
    await changeIn(resumed, 'CREATE TABLE crm.used_since (id INT)');
    await expect(resumeIn(datadir, LATEST())).rejects.toMatchObject({
      message: expect.stringContaining('was used since it was proven: what differs: crm.used_since') as string,
      hint: expect.stringContaining('The server was stopped to be compared, and runs again') as string,
    });
    await changeIn(resumed, 'DROP TABLE crm.used_since'); // it runs
    const forward = await resumeIn(datadir, LATEST());
    expect(forward.resumed).toEqual({ groups: resumed.plan.groups, anew: null });
    expect(forward.proof).toMatchObject({ ok: true, appliedGroups: forward.plan.groups });
    await using primary = await scene.pair.primary.connect();
    await using restored = await signIn(forward);
    expect(await checksums(restored, ['shop'])).toEqual(lost);
    expect(await checksums(restored, ['crm'])).toEqual(await checksums(primary, ['crm']));
    expect(await restored.query("SHOW TABLES FROM mysql LIKE 'lastgood%'")).toEqual([]);
    await endRestored(forward.server.pid);
  });
});

const RUNNER = join(import.meta.dirname, '../support/restore-runner.ts');

/** Restores into the server, and is killed on the way. */
async function killedRestore(
  target: TestServer,
  dieWhile: RestoreRunnerSettings['dieWhile'],
  how: Partial<RestoreRunnerSettings> = {},
): Promise<void> {
  const settings: RestoreRunnerSettings = {
    repositoryPath: scene.repository.path,
    server: target.serverOptions('target'),
    incident: incident.id,
    dieWhile,
    ...how,
  };
  const child = spawn(process.execPath, ['--import', 'tsx', RUNNER, JSON.stringify(settings)], { stdio: 'ignore' });
  await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
}

async function resumeOn(target: TestServer): Promise<RestoreResult> {
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  return await resumeOnServer(archive, { server: target.serverOptions('target'), log: silentLog });
}

/** It went on where the server stood, to the same result, and gave the server back as it was. */
async function expectGoneOn(
  target: TestServer,
  o: { result: RestoreResult; groups: number; before: Awaited<ReturnType<typeof stateOf>> },
): Promise<void> {
  const { resumed, proof } = o.result;
  expect(resumed?.groups).toBeGreaterThan(0);
  expect(resumed?.anew).toBeNull();
  expect(proof).toMatchObject({ ok: true, appliedGroups: o.groups });
  await using root = await target.connect();
  expect(await checksums(root, ['shop'])).toEqual(lost);
  const after = await stateOf(target);
  for (const part of ['variables', 'accounts', 'system', 'primaries']) expect(after[part]).toEqual(o.before[part]);
}

describe('a restore into a server that was there, whose maker was killed', () => {
  it('goes on where the server stands, and gives it back as it was', async () => {
    const args = ['--sync-binlog=1', '--event-scheduler=ON', '--slave-parallel-threads=2'];
    await using target = await startPrimary({ serverId: 500, args });
    await expect(resumeOn(target)).rejects.toMatchObject({
      code: 'NOTHING_TO_RESUME',
      hint: expect.stringContaining('`lastgood restore TARGET --server FILE`') as string,
    });
    const before = await stateOf(target);
    await killedRestore(target, 'replaying', { cores: 8 });
    using archive = await openArchive(scene.repository.path, { log: silentLog });
    const plan = await makePlan(archive, { kind: 'before-incident', incident: incident.id });
    const into = { kind: 'existing', server: target.serverOptions('target'), others: [] } as const;
    await expect(restore(archive, { plan, into, log: silentLog })).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringMatching(/holds an interrupted restore \(replaying\)$/) as string,
      hint: expect.stringMatching(/^`lastgood restore --resume --server FILE` goes on with it\./) as string,
    });
    await using admin = await target.connect();
    await run(admin, ['SET SESSION sql_log_bin = 0', 'CREATE TABLE shop.halved (id INT) ENGINE = Aria']);
    await expect(resumeOn(target)).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringContaining(
        'several appliers may have done parts of what comes next, and table shop.halved',
      ) as string,
      hint: expect.stringContaining('To empty it again, run there: ') as string,
    });
    await run(admin, ['DROP TABLE shop.halved']);

    const result = await resumeOn(target);
    await expectGoneOn(target, { result, groups: plan.groups, before });
    expect(result.appliers).toEqual({ used: 2, configured: 2, why: null });
    await expect(resumeOn(target)).rejects.toMatchObject({ code: 'NOTHING_TO_RESUME' });
  });

  it('gets the appliers back that were too many for the cores, and goes on without them', async () => {
    await using target = await startPrimary({ serverId: 500, args: ['--slave-parallel-threads=4'] });
    const before = await stateOf(target);
    await killedRestore(target, 'replaying', { cores: 2 });
    {
      await using admin = await target.connect();
      expect(await admin.query('SELECT @@GLOBAL.slave_parallel_threads AS set_to')).toEqual([{ set_to: '0' }]);
    }

    const result = await resumeOn(target);

    await expectGoneOn(target, { result, groups: result.plan.groups, before });
    expect(result.appliers).toEqual({ used: 1, configured: 4, why: '2 cores' });
  });

  it('goes on through a session too, killed at any moment', async () => {
    const seed = chooseSeed();
    console.info(`seed ${seed}`);
    const random = seededRandom(seed);
    await using target = await startPrimary({ serverId: 500 });
    const before = await stateOf(target);
    const moment = { dieFrom: 0.1 + 0.7 * random(), afterMs: Math.floor(1 + 20 * random()) };
    await killedRestore(target, 'replaying', { engine: 'session', ...moment });

    const result = await resumeOn(target);
    await expectGoneOn(target, { result, groups: result.plan.groups, before });
  });

  it('is told how to be emptied where its server was started anew, and is left as it is', async () => {
    await using target = await startPrimary({ serverId: 500 });
    await killedRestore(target, 'replaying');
    await target.kill();
    await target.restart();
    const before = await stateOf(target);

    await expect(resumeOn(target)).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringMatching(
        /holds an interrupted restore \(replaying\), which cannot go on: the server was started anew since/,
      ) as string,
      details: { cleanup: expect.stringContaining('DROP DATABASE `shop`;') as string },
    });
    expect(await stateOf(target)).toEqual(before);
  });
});
