import { afterEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { nagiosLine, statusText } from '../../src/cli/output/status-text.ts';
import { diagnose } from '../../src/operations/doctor.ts';
import type { Finding } from '../../src/operations/finding.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import type { Settings } from '../../src/operations/settings.ts';
import { readStatus, type Status } from '../../src/operations/status.ts';
import { waitFor } from '../../src/platform/wait.ts';
import {
  archiveUntilCurrent,
  primarySettings,
  repositoryBeside,
  silentLog,
  waitUntilSettled,
} from '../support/archiver.ts';
import { pointOf, recordBackup } from '../support/recorded-backup.ts';
import { startMysql56, startPrimary, type TestServer } from '../support/servers.ts';

let server: TestServer;
let repository: string;

async function begin(start: () => Promise<TestServer>): Promise<void> {
  server = await start();
  repository = repositoryBeside(server);
  await run('CREATE DATABASE shop', 'CREATE TABLE shop.orders (id INT PRIMARY KEY)', 'FLUSH LOGS');
  await run('INSERT INTO shop.orders VALUES (1)', 'FLUSH LOGS', 'INSERT INTO shop.orders VALUES (2)');
  await waitUntilSettled(server); // else a backup's place may come to stand behind the archive
  await archiveUntilCurrent(server, repository);
}

async function run(...statements: string[]): Promise<void> {
  await using connection = await server.connect();
  for (const statement of statements) await connection.query(statement);
}

async function status(): Promise<Status> {
  using archive = await openArchive(repository, { log: silentLog });
  return await readStatus(archive, { primary: primarySettings(server) });
}

function settings(): Settings {
  const archive = { sync: 'group', semiSync: false, compression: 'none' } as const;
  return { repositoryPath: repository, keyFile: null, primary: primarySettings(server), replica: null, archive };
}

/** `severity check: found` of each finding of these kinds. */
function told({ findings }: { findings: readonly Finding[] }, ...checks: string[]): string[] {
  return findings
    .filter(({ check }) => checks.includes(check))
    .map(({ severity, check, found }) => `${severity} ${check}: ${found}`);
}

const plain = (_color: string, text: string): string => text;

afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

describe('what the primary may remove, and what it will', () => {
  it('is told before it happens, when it has happened, and after that for ever (peers 12: dbtrail #1079, peers 16, peers 29: pyxbackup #35)', async () => {
    await begin(startPrimary);
    const before = await status();
    expect(before.purge).toMatchObject({ safeTo: 'binlog.000003', oldestNeeded: 'binlog.000003', secondsLeft: null });
    expect(statusText(before, plain)).toContain("PURGE BINARY LOGS TO 'binlog.000003'");
    await run("PURGE BINARY LOGS TO 'binlog.000003'");
    expect(told(await status(), 'purge guard', 'lineage')).toEqual([]);

    await run('FLUSH LOGS', 'INSERT INTO shop.orders VALUES (3)', 'SET GLOBAL binlog_expire_logs_seconds = 2');
    const endangered = async (): Promise<Status | false> => {
      const now = await status();
      return told(now, 'purge guard').some((text) => text.startsWith('error')) && now;
    };
    const now = await waitFor(endangered, { timeoutMs: 15_000, what: 'the file to expire' });
    expect(now.purge).toMatchObject({ oldestNeeded: 'binlog.000003', expireSeconds: 2 });
    expect(told(now, 'purge guard')[0]).toMatch(
      /^error purge guard: binlog\.000003 is not archived whole, and goes at the next rotation: the primary keeps files for 2 s/,
    );
    // A file that the engines may still need for their own recovery stays for another rotation.
    const removed = async (): Promise<string[] | false> => {
      await run('FLUSH LOGS');
      const found = told(await status(), 'purge guard');
      return found.some((text) => text.includes('has removed')) && found;
    };
    expect(await waitFor(removed, { timeoutMs: 15_000, what: 'the file to be removed' })).toEqual([
      expect.stringMatching(
        /^error purge guard: the primary has removed binlog\.000003, which was not archived whole; its oldest file is binlog\.\d+$/,
      ),
    ]);

    await run('SET GLOBAL binlog_expire_logs_seconds = 0');
    await waitUntilSettled(server);
    await archiveUntilCurrent(server, repository);
    const gap = await status();
    expect(gap.gaps).toMatchObject([{ kind: 'gap', from: expect.stringMatching(/^binlog\.000003:/) as string }]);
    expect(told(gap, 'gap')).toEqual([expect.stringMatching(/^error gap: everything from binlog\.000003:\d+ to /)]);
    expect(nagiosLine(gap).line).toMatch(/^LASTGOOD CRITICAL - .*is missing for good/);
    expect(gap.window.from).toBeNull();

    await recordBackup(repository, 'after', await pointOf(server));
    const over = await status();
    expect(over.window.from).not.toBeNull();
    expect(over.gaps).toEqual(gap.gaps);
    expect(told(over, 'gap')).toEqual([expect.stringMatching(/^info gap: /)]);
    expect(await (await openRepository(repository)).ledger.entries()).toEqual(gap.gaps);
  });

  it('is known of MySQL 5.6 too (peers 34: vitess #9721)', async () => {
    await begin(startMysql56);
    expect((await status()).purge).toMatchObject({ safeTo: 'binlog.000003', expireSeconds: 0 });
    await run('FLUSH LOGS', 'INSERT INTO shop.orders VALUES (3)', "PURGE BINARY LOGS TO 'binlog.000004'");
    expect(told(await status(), 'purge guard')).toEqual([
      'error purge guard: the primary has removed binlog.000003, which was not archived whole; its oldest file is binlog.000004',
    ]);
  });

  it('is a break, and not forgotten, after RESET MASTER (peers 29: pyxbackup #35)', async () => {
    await begin(startPrimary);
    await recordBackup(repository, 'before', await pointOf(server));
    expect((await status()).window.from).not.toBeNull();
    await run('RESET MASTER', 'INSERT INTO shop.orders VALUES (3)');
    await archiveUntilCurrent(server, repository);
    const now = await status();
    expect(now.gaps).toMatchObject([{ kind: 'break', to: 'binlog.000001:4' }]);
    expect(told(now, 'break')).toEqual([
      expect.stringMatching(
        /^error break: its history ends at binlog\.000003:\d+; shop-\w+ begins anew at binlog\.000001:4: /,
      ),
    ]);
    expect(now.window.from).toBeNull();
    expect(told(await diagnose({ settings: settings(), log: silentLog }), 'break')).toEqual(told(now, 'break'));
    await recordBackup(repository, 'after', await pointOf(server));
    expect(told(await status(), 'break')).toEqual([expect.stringMatching(/^info break: /)]);
  });
});
