import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../src/archive/repository.ts';
import { diagnose, type Diagnosis } from '../../src/operations/doctor.ts';
import { takeBackup } from '../../src/operations/backup.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { acquireLock } from '../../src/platform/lock.ts';
import { makeTempDirectory } from '../../src/platform/temp-dir.ts';
import { connect } from '../../src/server/connection.ts';
import { startDump } from '../../src/server/dump-client.ts';
import { PRIVILEGES, type AccountRole } from '../../src/server/grants.ts';
import { stopApplying } from '../../src/server/replica-status.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { startPair } from '../support/pair.ts';
import { settingsFor } from '../support/settings.ts';

const log = createLogger({ level: 'silent', pretty: false });
const HEALTHY = ['--sync-binlog=1', '--innodb-flush-log-at-trx-commit=1', '--binlog-checksum=CRC32'];

/** `object check` of each finding that is worse than information. */
function problems({ findings }: Diagnosis): string[] {
  return findings.filter(({ severity }) => severity !== 'info').map(({ object, check }) => `${object ?? ''} ${check}`);
}

function finding(diagnosis: Diagnosis, check: string): object | undefined {
  return diagnosis.findings.find((item) => item.check === check);
}

/** An account on both servers with the least privileges for its role. */
async function createAccount({ pair }: BackupScene, role: AccountRole): Promise<{ user: string; password: string }> {
  const account = { user: role, password: 'pass"word' };
  await using primary = await pair.primary.connect();
  await run(primary, [
    `CREATE USER '${role}'@'127.0.0.1' IDENTIFIED BY '${account.password}'`,
    `GRANT ${PRIVILEGES[role].mariadb.join(', ')} ON *.* TO '${role}'@'127.0.0.1'`,
  ]);
  await pair.caughtUp();
  return account;
}

describe('diagnose', () => {
  it('finds nothing wrong with a healthy pair', async () => {
    await using scene = await setBackupScene({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    const diagnosis = await diagnose({ settings: scene.settings, log });
    expect(diagnosis.findings).toEqual([]);
    expect(diagnosis.summary).toMatchObject({
      errors: 0,
      warnings: 0,
      primary: expect.stringContaining('MariaDB') as string,
    });
    // An archiver that has just stopped is listed by the server as one that works.
    const { primary } = scene.settings;
    const dump = { from: { file: 'binlog.000001', position: 4 }, heartbeatMs: 5000, nonBlocking: false };
    const sink = { rotate: () => undefined, append: () => undefined, formatAgain: () => undefined };
    const stream = await startDump(await connect(primary), { ...dump, serverId: primary.serverId }, sink);
    const again = await diagnose({ settings: scene.settings, log });
    stream.stop();
    await stream.finished.catch(() => undefined);
    expect(again.findings).toMatchObject([
      {
        severity: 'warning',
        check: 'server ids',
        found: expect.stringContaining('one that has just stopped') as string,
      },
    ]);
  });

  it('lists everything that is wrong with a broken pair at once', async () => {
    await using scene = await setBackupScene({
      primaryArgs: [
        '--binlog-format=STATEMENT',
        '--binlog-row-image=MINIMAL',
        '--binlog-checksum=NONE',
        '--binlog-expire-logs-seconds=60',
        '--binlog-ignore-db=scratch',
      ],
      replicaArgs: ['--read-only=OFF', '--replicate-ignore-db=crm', '--default-time-zone=+03:00'],
    });
    await using primary = await scene.pair.primary.connect();
    await using replica = await scene.pair.replica.connect();
    await run(primary, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.m (a INT) ENGINE=MyISAM',
      'CREATE TABLE shop.gone (a INT)',
      'CREATE VIEW shop.broken AS SELECT a FROM shop.gone',
      'DROP TABLE shop.gone',
    ]);
    await scene.pair.caughtUp();
    await stopApplying(replica);
    const settings = { ...scene.settings, primary: { ...scene.settings.primary, serverId: 102 } };
    const diagnosis = await diagnose({ settings, log });
    expect(problems(diagnosis)).toEqual([
      'shop log filters',
      'shop row format',
      'shop row image',
      'shop checksums',
      'shop durability',
      'shop expiry',
      'shop server ids',
      'replica read-only',
      'replica engines',
      'replica views',
      'replica time zone',
      'replica applying',
      'replica filters',
    ]);
    expect(finding(diagnosis, 'engines')).toMatchObject({ found: expect.stringContaining('1 MyISAM') as string });
    expect(finding(diagnosis, 'views')).toMatchObject({ found: expect.stringContaining('shop.broken') as string });
    expect(diagnosis.summary).toMatchObject({ errors: 4, warnings: 9 });
  });

  it('prints the statements for accounts that cannot sign in or lack privileges', async () => {
    await using scene = await setBackupScene({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    await using primary = await scene.pair.primary.connect();
    await run(primary, ["CREATE USER 'weak'@'127.0.0.1' IDENTIFIED BY 'pw'"]);
    const settings = {
      ...scene.settings,
      primary: {
        ...scene.settings.primary,
        ...scene.pair.primary.tcpOptions({ name: 'shop', user: 'weak', password: 'pw' }),
      },
      replica: scene.pair.replica.tcpOptions({ name: 'replica', user: 'nobody', password: 'pw' }),
    };
    const { socket: _, ...byTcp } = settings.primary;
    const diagnosis = await diagnose({ settings: { ...settings, primary: byTcp }, log });
    expect(finding(diagnosis, 'privileges')).toMatchObject({
      severity: 'error',
      object: 'shop',
      found: 'weak@127.0.0.1 lacks REPLICATION SLAVE, BINLOG MONITOR',
      fix: "GRANT REPLICATION SLAVE, BINLOG MONITOR ON *.* TO 'weak'@'127.0.0.1';",
    });
    expect(finding(diagnosis, 'reachable')).toMatchObject({
      object: 'replica',
      found: expect.stringContaining("Access denied for user 'nobody'") as string,
      fix: expect.stringContaining('GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE ADMIN') as string,
    });
  });

  it('asks for no more than a backup needs, and for no less', async () => {
    await using scene = await setBackupScene({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    await using primary = await scene.pair.primary.connect();
    await run(primary, [
      'CREATE DATABASE shop',
      'CREATE TABLE shop.t (a INT)',
      'CREATE VIEW shop.v AS SELECT * FROM shop.t',
      'CREATE TRIGGER shop.tr BEFORE INSERT ON shop.t FOR EACH ROW SET NEW.a = 1',
      'CREATE PROCEDURE shop.p() SELECT 1',
      'CREATE EVENT shop.e ON SCHEDULE EVERY 1 DAY DO SELECT 1',
      'CREATE ROLE reader',
    ]);
    const archiver = await createAccount(scene, 'archiver');
    const backup = await createAccount(scene, 'backup');
    const { socket: _, ...login } = {
      ...scene.settings.primary,
      ...scene.pair.primary.tcpOptions({ name: 'shop', ...archiver }),
    };
    const settings = {
      ...scene.settings,
      primary: login,
      replica: scene.pair.replica.tcpOptions({ name: 'replica', ...backup }),
    };
    expect(problems(await diagnose({ settings, log }))).toEqual([]);
    const record = await takeBackup({ settings, repository: scene.repository, log });
    expect(record.databases).toEqual(['shop']);

    for (const privilege of PRIVILEGES.backup.mariadb) {
      await run(primary, [`REVOKE ${privilege} ON *.* FROM 'backup'@'127.0.0.1'`]);
      await scene.pair.caughtUp();
      expect(finding(await diagnose({ settings, log }), 'privileges')).toMatchObject({
        fix: `GRANT ${privilege} ON *.* TO 'backup'@'127.0.0.1';`,
      });
      await expect(takeBackup({ settings, repository: scene.repository, log })).rejects.toMatchObject({
        code: 'PRIVILEGE_MISSING',
        message: expect.stringContaining(`lacks ${privilege}`) as string,
      });
      await run(primary, [`GRANT ${privilege} ON *.* TO 'backup'@'127.0.0.1'`]);
      await scene.pair.caughtUp();
    }
    await using asArchiver = await connect(settings.primary);
    await asArchiver.query('SHOW BINARY LOGS');
  });

  it('starts applying again that an interrupted backup left stopped, and says so', async () => {
    await using scene = await setBackupScene({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    const folder = join(scene.repository.path, 'backups/20261122-101500-3f9a.partial');
    const state = {
      format: 1,
      startedAt: '',
      applying: 'stopped',
      server: { name: 'replica', reachedAt: '', serverId: 102 },
    };
    await mkdir(folder);
    await writeFile(join(folder, 'state.json'), JSON.stringify(state));
    await using replica = await scene.pair.replica.connect();
    await stopApplying(replica);
    const first = await diagnose({ settings: scene.settings, log });
    expect(first.findings).toEqual([
      {
        severity: 'warning',
        check: 'interrupted backup',
        object: scene.repository.path,
        found:
          'backup 20261122-101500-3f9a was interrupted: it had left applying stopped on the replica, which applies again now; its files are removed',
        fix: 'Take a new one: `lastgood backup`.',
      },
    ]);
    expect(await scene.applies()).toBe(true);
    expect((await diagnose({ settings: scene.settings, log })).findings).toEqual([]);
  });

  it('leaves a backup at work alone', async () => {
    await using scene = await setBackupScene({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    await using _lock = await acquireLock(join(scene.repository.path, 'backup.lock'), 'backup');
    await mkdir(join(scene.repository.path, 'backups/20261122-101500-3f9a.partial'));
    const diagnosis = await diagnose({ settings: scene.settings, log });
    expect(diagnosis.findings).toMatchObject([{ severity: 'info', check: 'backup at work' }]);
  });

  it('tells a server that is down from a repository that is not there yet', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await using pair = await startPair({ primaryArgs: HEALTHY, replicaArgs: HEALTHY });
    const settings = settingsFor(pair, join(folder.path, 'not/yet'));
    await pair.primary.stop();
    const diagnosis = await diagnose({ settings, log });
    expect(problems(diagnosis)).toEqual([
      'shop reachable',
      'replica receiving',
      `${settings.repositoryPath} repository`,
    ]);
    await openRepository(settings.repositoryPath, { create: true });
    expect(problems(await diagnose({ settings, log }))).toEqual(['shop reachable', 'replica receiving']);
  });
});
