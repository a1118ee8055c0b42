import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RehearsalRecord } from '../../src/archive/rehearsal-record.ts';
import { openRepository, writeRecord } from '../../src/archive/repository.ts';
import { partialFolder } from '../../src/backup/interrupted-backups.ts';
import { listBackups } from '../../src/operations/lists.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { readStatus, type Status } from '../../src/operations/status.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  archiveUntilCurrent,
  primarySettings,
  repositoryBeside,
  segmentsOf,
  silentLog,
  startArchiver,
} from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

let server: TestServer;
let repository: string;

async function run(...statements: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const statement of statements) await connection.query(statement);
}

async function status(): Promise<Status> {
  using archive = await openArchive(repository, { log: silentLog });
  return await readStatus(archive, { primary: primarySettings(server) });
}

function checks({ findings }: Status): string[] {
  return findings.map(({ severity, check }) => `${severity}: ${check}`);
}

/** Removes an archived file and its manifest. */
async function loseSegment(index: number): Promise<string> {
  const segment = (await segmentsOf(repository))[index];
  if (segment === undefined) throw new Error(`there is no segment ${index}`);
  await rm(segment.path);
  await rm(`${segment.path}.json`);
  return segment.file;
}

async function start(begin: () => Promise<TestServer>): Promise<void> {
  server = await begin();
  repository = repositoryBeside(server);
  await run(
    'CREATE DATABASE shop',
    'CREATE TABLE shop.orders (id INT PRIMARY KEY)',
    'INSERT INTO shop.orders VALUES (1)',
  );
  await archiveUntilCurrent(server, repository);
}

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

describe('status', () => {
  beforeEach(async () => {
    await start(startPrimary);
  });

  it('says that nothing can be recovered while there is no backup', async () => {
    const now = await status();
    expect(now.window).toEqual({ from: null, to: null, fromGtid: null, toGtid: null });
    expect(now.lastBackup).toBeNull();
    expect(checks(now)).toEqual(['error: recovery window', 'error: archiver', 'warning: rehearsal']);
  });

  it('goes from the backup to the end of the archive', async () => {
    await recordBackup(repository, 'first', await pointOf(server));
    const start = await pointOf(server);
    await run(`SET TIMESTAMP = UNIX_TIMESTAMP() + 60`, 'INSERT INTO shop.orders VALUES (2)');
    await archiveUntilCurrent(server, repository);
    const now = await status();
    const end = await pointOf(server);
    expect(now.window).toMatchObject({ fromGtid: start.gtid, toGtid: end.gtid });
    expect(Date.parse(now.window.to ?? '') - Date.parse(now.window.from ?? '')).toBeGreaterThanOrEqual(59_000);
    expect(now.lastBackup).toMatchObject({ id: 'first', usable: true, why: null });
    expect(now.archiver).toEqual({ running: false, ...end.coordinates, gtid: end.gtid, lagSeconds: 0 });
    expect(now.exposure).toEqual({ seconds: 0, groups: 0 });
  });

  it('passes over a backup whose file is missing, and says so', async () => {
    await recordBackup(repository, 'older', await pointOf(server));
    await run('INSERT INTO shop.orders VALUES (2)');
    await archiveUntilCurrent(server, repository);
    const record = await recordBackup(repository, 'newer', await pointOf(server));
    const opened = await openRepository(repository);
    const files = [{ name: 'dump.sql.zst', bytes: 3, sha256: '' }];
    await writeRecord(join(opened.backupFolder('newer'), 'backup.json'), {
      ...record,
      startedAt: record.finishedAt,
      files,
    });
    const why = 'its file dump.sql.zst is missing';
    expect((await status()).lastBackup).toMatchObject({ id: 'newer', usable: false, why });
    using archive = await openArchive(repository, { log: silentLog });
    expect(await listBackups(archive)).toMatchObject([
      { id: 'older', usable: true },
      { id: 'newer', usable: false, why },
    ]);
    const plan = await makePlan(archive, { kind: 'latest' });
    expect(plan).toMatchObject({ backup: { id: 'older' }, warnings: [`backup newer was passed over: ${why}`] });
    await writeFile(join(opened.backupFolder('newer'), 'dump.sql.zst'), 'abc');
    expect((await makePlan(archive, { kind: 'latest' })).backup.id).toBe('newer');
  });

  it('names the report of a rehearsal that failed, and the server that an interrupted backup left', async () => {
    const opened = await openRepository(repository);
    const id = 'rehearsal-20261122-101500-3f9a';
    const seconds = { load: 1, replay: 1, proof: 1, total: 3 };
    const sizes = { backupBytes: 1, replayedBytes: 1, seconds };
    await opened.writeRehearsal({ id, startedAt: '2026-11-22T10:15:00Z', ok: false, ...sizes } as RehearsalRecord);
    const left = partialFolder(opened.backupFolder('20261122-101500-3f9a'));
    await mkdir(left);
    const replica = { name: 'replica', reachedAt: '127.0.0.1:3306', serverId: 102 };
    await writeFile(
      join(left, 'state.json'),
      JSON.stringify({ format: 1, startedAt: '', applying: 'stopped', server: replica }),
    );
    const { findings } = await status();
    expect(findings.find(({ check }) => check === 'rehearsal')).toMatchObject({
      severity: 'error',
      fix: `Read ${join(repository, 'rehearsals', id, 'report.md')}, then run \`lastgood rehearse\` again.`,
    });
    expect(findings.map(({ check }) => check)).toContain('interrupted backup');
  });

  it('counts what is not archived, and the age of its first transaction', async () => {
    await run('SET TIMESTAMP = UNIX_TIMESTAMP() - 100', 'INSERT INTO shop.orders VALUES (2)');
    await run('INSERT INTO shop.orders VALUES (3)', 'FLUSH BINARY LOGS', 'INSERT INTO shop.orders VALUES (4)');
    const { exposure } = await status();
    expect(exposure.groups).toBe(3);
    expect(exposure.seconds).toBeGreaterThanOrEqual(100);
    expect(exposure.seconds).toBeLessThan(130);
  });

  it('is not exposed when only the file was changed', async () => {
    await run('FLUSH BINARY LOGS');
    expect((await status()).exposure).toEqual({ seconds: 0, groups: 0 });
  });

  it('does not know the exposure when the primary cannot be asked', async () => {
    await server.stop();
    const now = await status();
    expect(now.exposure).toEqual({ seconds: null, groups: null });
    expect(now.archiver.lagSeconds).toBeNull();
    expect(checks(now)).toContain('warning: exposure');
  });

  it('notices that the log was reset', async () => {
    await run('RESET MASTER', 'INSERT INTO shop.orders VALUES (2)');
    const now = await status();
    expect(now.exposure).toEqual({ seconds: null, groups: null });
    expect(checks(now)).toContain('error: lineage');
  });

  it('sees the archiver work, and that it follows inside the file in use (peers 7: WAL-G PR #1625)', async () => {
    await using _archiver = startArchiver(server, repository);
    const lockTaken = async (): Promise<boolean> => (await status()).archiver.running;
    await waitFor(lockTaken, { timeoutMs: 10_000, what: 'the archiver to hold its lock' });
    await run('INSERT INTO shop.orders VALUES (2)');
    const followed = async (): Promise<boolean> => (await status()).exposure.groups === 0;
    await waitFor(followed, { timeoutMs: 10_000, what: 'the archiver to follow' });
    expect((await status()).archiver.gtid).toBe((await pointOf(server)).gtid);
  });

  it('leaves no window over a file that was lost, and names it', async () => {
    await recordBackup(repository, 'first', await pointOf(server));
    for (const id of [2, 3]) await run('FLUSH BINARY LOGS', `INSERT INTO shop.orders VALUES (${id})`);
    await archiveUntilCurrent(server, repository);
    expect((await status()).window.from).not.toBeNull();
    const lost = await loseSegment(1);
    const now = await status();
    expect(now.window.from).toBeNull();
    const finding = now.findings.find(({ check }) => check === 'backup usable');
    expect(finding?.found).toContain(`${lost} is missing on the way`);
  });

  it('does not call a backup usable that the archive has not reached (peers 8: WAL-G PR #1223)', async () => {
    await run('INSERT INTO shop.orders VALUES (2)');
    const ahead = await pointOf(server);
    await recordBackup(repository, 'ahead', ahead);
    const usable = async (): Promise<unknown> => {
      using archive = await openArchive(repository, { log: silentLog });
      return (await listBackups(archive)).map(({ usable, why }) => ({ usable, why }));
    };
    const place = `${ahead.coordinates.file}:${ahead.coordinates.position}`;
    expect(await usable()).toEqual([{ usable: false, why: `the archive does not reach ${place} yet` }]);
    await archiveUntilCurrent(server, repository);
    expect(await usable()).toEqual([{ usable: true, why: null }]);
  });
});

describe('status of MySQL 5.6', () => {
  beforeEach(async () => {
    await start(startMysql56);
  });

  it('counts what is not archived and notices a reset log', async () => {
    await run(
      'SET TIMESTAMP = UNIX_TIMESTAMP() - 100',
      'INSERT INTO shop.orders VALUES (2)',
      'INSERT INTO shop.orders VALUES (3)',
    );
    const { exposure } = await status();
    expect(exposure.groups).toBe(2);
    expect(exposure.seconds).toBeGreaterThanOrEqual(100);
    await run('RESET MASTER', 'INSERT INTO shop.orders VALUES (4)');
    const after = await status();
    expect(after.exposure).toEqual({ seconds: null, groups: null });
    expect(checks(after)).toContain('error: lineage');
  });
});
