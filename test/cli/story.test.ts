import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Pin } from '../../src/archive/pins.ts';
import type { Incident } from '../../src/incident/incident.ts';
import type { ArchiveResult } from '../../src/operations/archive.ts';
import type { Diagnosis } from '../../src/operations/doctor.ts';
import type { ExportedFile } from '../../src/operations/export.ts';
import type { ListedBackup } from '../../src/operations/listed-backup.ts';
import type { ListedSegment } from '../../src/operations/lists.ts';
import type { RestoreResult } from '../../src/operations/restore.ts';
import type { SalvageResult } from '../../src/operations/salvage.ts';
import type { Status } from '../../src/operations/status.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import { waitFor } from '../../src/platform/wait.ts';
import { connect } from '../../src/server/connection.ts';
import { grantStatement, PRIVILEGES, type AccountRole } from '../../src/server/grants.ts';
import { leftClients } from '../support/left-clients.ts';
import { startPair, type Pair } from '../support/pair.ts';
import { isAlive } from '../support/restored.ts';
import { startPrimary } from '../support/servers.ts';
import { parseError, runLastgood, startLastgood, type Outcome } from './run-lastgood.ts';

/** One story, told in order on one pair of servers: archive, back up, lose a database, find it, bring it back. */
describe('from the first archive to the restore', () => {
  let pair: Pair;
  let folder: string;
  let incident: Incident;

  const lastgood = async (...args: string[]): Promise<Outcome> => runLastgood(args, { cwd: folder });
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await lastgood(...args, '--json', '--quiet');
    if (exitCode !== 0 && exitCode !== 3) throw new Error(`exit ${exitCode ?? 'by signal'}: ${stdout}${stderr}`);
    expect(stderr).toBe(''); // --quiet, and nothing is wrong
    return JSON.parse(stdout) as T;
  };
  const onPrimary = async (...statements: string[]): Promise<void> => {
    await using connection = await pair.primary.connect();
    for (const statement of statements) await connection.query(statement);
  };

  beforeAll(async () => {
    pair = await startPair();
    folder = pair.primary.directory;
    await writeFile(join(folder, 'lastgood.toml'), configurationFor(pair));
    await writeFile(join(folder, 'password'), 'open sesame\n');
    const account = "'lastgood'@'%'";
    await onPrimary(
      `CREATE USER ${account} IDENTIFIED BY 'open sesame'`,
      ...grantsOf('archiver'),
      ...grantsOf('backup'),
    );
    await pair.caughtUp();
  });

  afterAll(async () => {
    await pair[Symbol.asyncDispose]();
  });

  it('is told by doctor what to mend, and that the accounts have all they need', async () => {
    const { exitCode, stdout } = await lastgood('doctor', '--json');
    const { findings, summary } = JSON.parse(stdout) as Diagnosis;
    expect({ exitCode, errors: summary.errors }).toEqual({ exitCode: 3, errors: 0 });
    expect(findings.map(({ check, severity }) => `${severity}: ${check}`)).toEqual([
      'warning: durability',
      'info: server ids',
      'warning: repository',
    ]);
    expect((await lastgood('doctor')).stdout).toMatch(/\n0 errors, 2 warnings\n$/);
  });

  it('is told by doctor, with exit 40, what keeps it from working', async () => {
    const config = join(folder, 'wrong.toml');
    await writeFile(config, configurationFor(pair).replaceAll('"lastgood"', '"nobody"'));
    const { exitCode, stdout } = await lastgood('doctor', '--config', config);
    expect(exitCode).toBe(40);
    expect(stdout).toContain("GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO 'nobody'@'%';");
    expect(stdout).toContain("fix: The server runs, but does not let 'nobody' in");
    expect(stdout.match(/CREATE USER/g)).toHaveLength(1);
  });

  it('archives until current, byte for byte', async () => {
    await onPrimary(
      'CREATE DATABASE shop',
      'CREATE TABLE shop.orders (id INT PRIMARY KEY)',
      'INSERT INTO shop.orders VALUES (1), (2)',
    );
    const result = await json<ArchiveResult>('archive', '--until-current');
    expect(result).toMatchObject({ file: 'binlog.000001', reconnects: 0 });
    const archived = await readFile(join(folder, 'archive/lineages', result.lineage, 'binlog.000001'));
    expect(archived.length).toBe(result.position);
  });

  it('archives until SIGTERM, which is a clean stop', async () => {
    const archiver = startLastgood(['archive', '--json'], { cwd: folder });
    await archiver.said('"msg":"streaming"');
    const second = await lastgood('archive', '--json');
    expect(second.exitCode).toBe(11);
    expect(parseError(second).message).toMatch(/archive/);
    const running = await lastgood('incidents');
    archiver.signal('SIGTERM');
    const { exitCode, stdout, stderr } = await archiver.outcome;
    expect(running.stdout).toMatch(
      /^no incidents found\narchived up to binlog\.000001:\d+, last transaction of \S+Z\n$/,
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ file: 'binlog.000001' });
    for (const line of stderr.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  it('says where nothing is archived any more, and what is not in a list then', async () => {
    const { stdout } = await lastgood('incidents');
    expect(stdout).toMatch(
      /\nno archiver is running: what happened since is not in this list; `lastgood status` .*\n$/,
    );
    const forPrograms = await lastgood('incidents', '--json');
    expect(JSON.parse(forPrograms.stdout)).toEqual({ incidents: [] });
    expect(forPrograms.stderr).toContain('no archiver is running');
    expect((await lastgood('doctor')).stdout).toContain('warning: archiver (shop): no archiver is running');
  });

  it('takes a backup that a restore could start from', async () => {
    const backup = await json<ListedBackup>('backup');
    expect(backup).toMatchObject({ method: 'logical', usable: true, why: null });
    const { backups } = await json<{ backups: ListedBackup[] }>('backups');
    expect(backups).toEqual([backup]);
    expect((await lastgood('backups')).stdout).toContain(backup.id);
  });

  it('finds the lost database, with the last good transaction before it', async () => {
    await onPrimary('INSERT INTO shop.orders VALUES (3)', 'DROP DATABASE shop', 'CREATE DATABASE other');
    await json<ArchiveResult>('archive', '--until-current');
    const { incidents } = await json<{ incidents: Incident[] }>('incidents', '--kind', 'drop-database');
    expect(incidents).toMatchObject([{ statement: 'DROP DATABASE shop', state: 'effective' }]);
    incident = incidents[0] as Incident;
    expect(incident.lastGood?.end).toBe(incident.start);
    const text = (await lastgood('incidents', 'show', incident.id)).stdout;
    expect(text).toContain(`lastgood restore --before ${incident.id}`);
  });

  it('filters incidents, and refuses a kind that it does not know', async () => {
    expect(await json('incidents', '--schema', 'nothing')).toEqual({ incidents: [] });
    expect((await lastgood('incidents', '--schema', 'nothing')).stdout).toMatch(/^no incidents found\narchived up to /);
    expect((await lastgood('incidents', '--kind', 'oops')).exitCode).toBe(2);
    expect((await lastgood('incidents', '--since', '2026-11-22 10:00')).exitCode).toBe(2);
  });

  it('sends whoever cannot get into a server of an option file to that file, not to doctor', async () => {
    const file = join(folder, 'wrong.cnf');
    const salvage = ['salvage', '--before', incident.id, '--schema', 'shop', '--into', file, '--json'];
    const place = { denied: `host=127.0.0.1\nport=${pair.primary.port}`, silent: `socket=${folder}/no.sock` };
    await writeFile(file, `[client]\nuser=nobody\npassword=wrong\n${place.denied}\n`);
    const denied = parseError(await lastgood(...salvage));
    expect(denied).toMatchObject({ code: 'ACCESS_DENIED', exitCode: 12 });
    expect(denied.hint).toBe(
      `Check user and password in the [client] group of '${file}', and that the account may come from this machine.`,
    );
    await writeFile(file, `[client]\nuser=nobody\npassword=wrong\n${place.silent}\n`);
    const silent = parseError(await lastgood(...salvage));
    expect(silent.code).toBe('SERVER_UNREACHABLE');
    expect(silent.hint).toContain(`right in the [client] group of '${file}'?`);
  });

  it('plans the restore to exactly before it', async () => {
    const plan = await json<Plan>('plan', '--before', incident.id);
    expect(plan).toMatchObject({
      reachable: true,
      target: { resolved: { file: incident.file, position: incident.start } },
    });
    expect((await lastgood('plan', '--before', incident.id)).stdout).toContain(`${incident.file}:${incident.start}`);
  });

  it('plans to the end without it, as often as it is named, and tells how much is free for that', async () => {
    const whole = await json<Plan>('plan', '--latest');
    const skip = ['--skip', incident.id, '--skip', incident.id];
    const plan = await json<Plan & { datadir: unknown }>('plan', '--latest', ...skip, '--datadir', folder);
    expect(plan.skipped.map(({ id }) => id)).toEqual([incident.id]);
    expect(plan).toMatchObject({ groups: whole.groups - 1, datadir: { path: folder } });
    const { stdout } = await lastgood('plan', '--latest', ...skip, '--datadir', folder);
    expect(stdout).toMatch(/^without +incident inc-[\da-f]+ \(drop-database shop at .*\)$/m);
    expect(stdout).toMatch(/^disk +at least [\d.]+ GiB; .*: [\d.]+ [MGT]iB free$/m);
  });

  it('has pinned what that restore needs, until it is told to let go of it', async () => {
    const { unpinned } = await json<{ unpinned: Pin }>('unpin', incident.id);
    expect(unpinned).toMatchObject({ id: incident.id, by: 'archiver' });
    const { pin } = await json<{ pin: Pin }>('pin', incident.id, '--reason', 'ticket 4711');
    expect(pin).toMatchObject({ ...unpinned, by: 'user', reason: 'ticket 4711', since: pin.since });
    const again = await lastgood('unpin', 'inc-000000000000', '--json');
    expect([again.exitCode, parseError(again).code]).toEqual([20, 'PIN_UNKNOWN']);
  });

  it('knows that an unknown incident is not reachable', async () => {
    const outcome = await lastgood('plan', '--before', 'inc-00000000', '--json');
    expect(outcome.exitCode).toBe(20);
    expect(parseError(outcome).code).toBe('INCIDENT_UNKNOWN');
  });

  it('restores to exactly before it in a new server, proven and running, and only into an empty folder', async () => {
    const datadir = join(folder, 'restored');
    const result = await json<RestoreResult>('restore', '--before', incident.id, '--datadir', datadir);
    const { pid, socket } = result.server;
    if (pid === null) throw new Error('the restored server does not run');
    try {
      expect(result.proof).toMatchObject({ ok: true, lastApplied: { file: incident.file, end: incident.start } });
      await using connection = await connect({ name: 'restored', socket, user: 'root', password: '', tls: 'off' });
      expect(await connection.query('SELECT id FROM shop.orders ORDER BY id')).toEqual([
        { id: 1 },
        { id: 2 },
        { id: 3 },
      ]);
      expect(await connection.query("SHOW DATABASES LIKE 'other'")).toEqual([]);
    } finally {
      process.kill(pid);
      await waitFor(() => !isAlive(pid), { timeoutMs: 20_000, what: 'the restored server to end' });
    }
    const again = await lastgood('restore', '--before', incident.id, '--datadir', datadir, '--json');
    expect(again.exitCode).toBe(40);
    expect(parseError(again).code).toBe('TARGET_NOT_EMPTY');
  });

  it('restores the plan that was shown into a server that is there; one that was killed there never looks finished', async () => {
    const shown = await lastgood('plan', '--before', incident.id, '--json', '--quiet');
    await writeFile(join(folder, 'plan.json'), shown.stdout);
    await using spare = await startPrimary({ serverId: 500, args: ['--sync-binlog=1'] });
    await writeFile(join(folder, 'spare.cnf'), `[client]\nuser=root\nsocket=${spare.socket}\n`, { mode: 0o600 });
    const args = ['restore', '--plan', 'plan.json', '--server', 'spare.cnf', '--json'];
    await using root = await spare.connect();

    const killed = startLastgood(args, { cwd: folder });
    await killed.said('loading the backup');
    killed.signal('SIGKILL');
    await killed.outcome;
    // The client that loads outlives it, and may not even have logged in yet.
    const hasEnded = async (): Promise<boolean> => (await leftClients(folder)).length === 0;
    await waitFor(hasEnded, { timeoutMs: 20_000, intervalMs: 50, what: 'the end of the client that was loading' });
    const refused = parseError(await lastgood(...args, '--quiet'));
    expect(refused.message).toMatch(/^the target server \(root@.*\) holds an interrupted restore \(loading\)$/);
    expect(refused).toMatchObject({ code: 'TARGET_NOT_EMPTY', exitCode: 40 });
    const resumed = parseError(await lastgood('restore', '--resume', '--server', 'spare.cnf', '--json', '--quiet'));
    expect(resumed.message).toBe(`${refused.message}, which cannot go on: its backup was not loaded to the end`);
    const cleanup = String(refused.details['cleanup']);
    expect(cleanup).toContain('SET GLOBAL sync_binlog = 1;');
    for (const statement of cleanup.split('\n')) await root.query(statement.replace(/;$/, ''));

    const result = await json<RestoreResult>(...args.filter((arg) => arg !== '--json'));
    expect(result.plan).toEqual(JSON.parse(shown.stdout));
    expect(result).toMatchObject({
      proof: { ok: true },
      server: { kind: 'existing', socket: spare.socket, pid: null },
    });
    expect(await root.query('SELECT id FROM shop.orders ORDER BY id')).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
    expect(await root.query('SELECT @@sync_binlog AS sync, @@server_id AS id')).toEqual([{ sync: '1', id: '500' }]);
  });

  it('salvages only what was lost, as a dump that is proven and writes over nothing', async () => {
    const out = join(folder, 'shop.sql');
    const { stdout: shown } = await lastgood('incidents', 'show', incident.id);
    expect(shown).toContain(`lastgood salvage --before ${incident.id} --schema shop --out `);
    const args = ['salvage', '--before', incident.id, '--schema', 'shop'];
    const result = await json<SalvageResult>(...args, '--out', out);
    expect(result).toMatchObject({ notCarried: [], into: null, out: { path: out, proven: true }, proof: { ok: true } });
    expect(result.salvaged).toMatchObject([{ schema: 'shop', name: 'orders', type: 'table', rows: 3 }]);
    expect(await readFile(out, 'utf8')).toMatch(
      /CREATE TABLE `orders`.*INSERT INTO `orders` VALUES\n\(1\),\n\(2\),\n\(3\);/s,
    );
    const again = await lastgood(...args, '--out', out, '--json');
    expect([again.exitCode, parseError(again).code]).toEqual([40, 'TARGET_NOT_EMPTY']);
    const piped = await lastgood(...args, '--table', 'orders', '--out', '-', '--quiet');
    expect(piped.stdout).toMatch(
      /^-- lastgood salvage: shop\.orders as of .*INSERT INTO `orders`.*-- Dump completed\n/s,
    );
    expect([piped.exitCode, piped.stderr]).toEqual([0, '']);
  });

  it('salvages into no server where it may not, and needs to be told where', async () => {
    const options = `[client]\nuser=lastgood\npassword="open sesame"\nhost=127.0.0.1\nport=${pair.primary.port}\n`;
    await writeFile(join(folder, 'live.cnf'), options, { mode: 0o600 });
    const args = ['salvage', '--before', incident.id, '--schema', 'shop', '--json'];
    const into = await lastgood(...args, '--into', 'live.cnf');
    expect([into.exitCode, parseError(into).code]).toEqual([40, 'PREFLIGHT_FAILED']);
    expect(parseError(into).hint).toContain('GRANT INSERT, CREATE, ALTER, DROP, INDEX, REFERENCES ON `shop`.* TO');
    expect((await lastgood(...args)).exitCode).toBe(2);
    expect((await lastgood(...args, '--out', 'x.sql', '--rename', 'y')).exitCode).toBe(2);
    expect((await lastgood(...args, '--out', '-')).exitCode).toBe(2);
    expect((await lastgood(...args, '--out', 'x.sql', '--into', 'live.cnf')).exitCode).toBe(2);
  });

  it('rehearses to where the replica stands, with every table equal, and keeps no server', async () => {
    const { exitCode, stdout } = await lastgood('rehearse', '--quiet');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/ok +every table is equal to the replica's/);
    const { lastRehearsal } = await json<Status>('status');
    expect(lastRehearsal).toMatchObject({ ok: true });
  });

  it('is interrupted without a trace', async () => {
    const datadir = join(folder, 'interrupted');
    const restore = startLastgood(['restore', '--latest', '--datadir', datadir, '--json'], { cwd: folder });
    await restore.said('loading the backup');
    restore.signal('SIGINT');
    const outcome = await restore.outcome;
    expect(outcome.exitCode).toBe(130);
    expect(parseError(outcome).code).toBe('INTERRUPTED');
    expect(await readdir(datadir)).toEqual([]);
  });

  it('lists segments and lineages, the same after the catalog was made anew', async () => {
    const before = await json<{ segments: ListedSegment[] }>('segments');
    expect(before.segments).toMatchObject([{ file: 'binlog.000001', state: 'open' }]);
    const counts = { lineages: 1, segments: 1, incidents: 1, backups: 1 };
    expect(await json('catalog', 'rebuild')).toEqual({ ...counts, warnings: [] });
    expect(await json('segments')).toEqual(before);
    expect((await lastgood('lineages')).stdout).toMatch(/^LINEAGE.*\nshop-/);
  });

  it('exports what it has, byte for byte, and only into an empty folder', async () => {
    const out = join(folder, 'exported');
    const { lineage, files } = await json<{ lineage: string; files: ExportedFile[] }>('export', '--out', out);
    expect(files.map(({ path }) => path)).toEqual([join(out, 'binlog.000001')]);
    const archived = await readFile(join(folder, 'archive/lineages', lineage, 'binlog.000001'));
    expect(await readFile(join(out, 'binlog.000001'))).toEqual(archived);
    const again = await lastgood('export', '--out', out, '--json');
    expect(again.exitCode).toBe(40);
    expect(parseError(again).code).toBe('TARGET_NOT_EMPTY');
  });

  it('tells the state of recovery, and monitoring that no archiver runs', async () => {
    const status = await json<Status>('status');
    expect(status.archiver.running).toBe(false);
    expect(status.exposure).toEqual({ seconds: 0, groups: 0 });
    expect(status.window.from).not.toBeNull();
    const { exitCode, stdout } = await lastgood('status', '--nagios');
    expect(exitCode).toBe(2);
    expect(stdout).toMatch(/^LASTGOOD CRITICAL - no archiver is running.* \| exposure_seconds=0s exposure_groups=0\n$/);
  });
});

/** Exactly the documented privileges: the whole story runs with them. */
function grantsOf(role: AccountRole): string[] {
  return [grantStatement('lastgood@%', PRIVILEGES[role].mariadb)];
}

function configurationFor({ primary, replica }: Pair): string {
  return `
[repository]
url = "archive"
[primary]
name = "shop"
host = "127.0.0.1"
port = ${primary.port}
user = "lastgood"
password_file = "password"
[replica]
host = "127.0.0.1"
port = ${replica.port}
user = "lastgood"
password_file = "password"
`;
}
