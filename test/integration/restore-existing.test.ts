import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Incident } from '../../src/incident/incident.ts';
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore, type RestoreOptions, type RestoreResult } from '../../src/operations/restore.ts';
import { findProgram } from '../../src/platform/child-process.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { Plan } from '../../src/recovery/plan.ts';
import type { ServerConnection } from '../../src/server/connection.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';
import { archiveUntilCurrent, silentLog } from '../support/archiver.ts';
import { run, setBackupScene, type BackupScene } from '../support/backup-scene.ts';
import { checksums } from '../support/compare.ts';
import { newestIncident, refusalOf } from '../support/restored.ts';
import { startPrimary, type TestServer } from '../support/servers.ts';
import { killSessions, runNow, stateOf } from '../support/existing-target.ts';
import { startWorkload } from '../support/workload.ts';

let scene: BackupScene;
let lost: Record<string, string | null>;
let incident: Incident;
let target: TestServer;

/** What an administrator may have set, and a restore sets otherwise. */
const TARGET_ARGS = [
  '--event-scheduler=ON',
  '--gtid-strict-mode=ON',
  '--sql-mode=ANSI',
  '--sync-binlog=1',
  '--innodb-flush-log-at-trx-commit=1',
  '--replicate-do-db=elsewhere',
  '--character-set-server=latin1',
  '--default-time-zone=+05:00',
  '--read-only',
  '--slave-parallel-threads=4',
  '--replicate-ignore-db=2024',
  '--init-slave=CREATE DATABASE intruder',
  '--enforce-storage-engine=Aria',
  '--skip-local-infile',
];
/** Enough for all the appliers that the target is set to use. */
const MANY_CORES = 8;
const NO_AUTOCOMMIT = ['--autocommit=0', '--completion-type=CHAIN'];

beforeAll(async () => {
  scene = await setBackupScene({
    primaryArgs: ['--character-set-server=utf8mb4'],
    replicaArgs: ['--character-set-server=utf8mb4'],
  });
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
  lost = await checksums(connection, ['shop', 'crm']);
  await run(connection, ['CREATE EVENT crm.tick ON SCHEDULE EVERY 1 HOUR DO DO 0', 'DROP DATABASE shop']);
  await archiveUntilCurrent(primary, path);
  incident = await newestIncident(path);
});

afterAll(async () => {
  await scene[Symbol.asyncDispose]();
});

async function restoreInto(
  server: TestServer,
  o: Partial<RestoreOptions> & { change?: (plan: Plan) => Plan; reach?: Partial<ServerOptions> } = {},
): Promise<RestoreResult> {
  const { change = (plan: Plan) => plan, reach = {}, ...options } = o;
  using archive = await openArchive(scene.repository.path, { log: silentLog });
  const plan = change(await makePlan(archive, { kind: 'before-incident', incident: incident.id }));
  const others = [scene.settings.primary, scene.settings.replica].flatMap((other) => other ?? []);
  const { socket, ...login } = server.serverOptions('target');
  const address = reach.host === undefined ? { socket: socket ?? '' } : {};
  const into = { kind: 'existing', server: { ...login, ...address, ...reach }, others } as const;
  return await restore(archive, { plan, into, log: silentLog, cores: MANY_CORES, ...options });
}

const withSettings =
  (settings: Record<string, string>) =>
  (plan: Plan): Plan => ({ ...plan, backup: { ...plan.backup, settings: { ...plan.backup.settings, ...settings } } });

/** What keeps a server from being restored into: how it comes to be so, and what is said of it. */
interface Refusal {
  readonly so: string;
  readonly says: RegExp;
  readonly hint: RegExp;
  readonly make?: readonly string[];
  readonly undo?: readonly string[];
  readonly change?: (plan: Plan) => Plan;
}

const withBackup =
  (fields: Partial<Plan['backup']>) =>
  (plan: Plan): Plan => ({ ...plan, backup: { ...plan.backup, ...fields } });

const REFUSALS: readonly Refusal[] = [
  {
    so: 'holds a schema',
    make: ['CREATE DATABASE `other one`'],
    undo: ['DROP DATABASE `other one`'],
    says: /^the target \(root@.*\) cannot be restored into: it is not empty: it has schema other one$/,
    hint: /^Give an empty server: nothing that somebody may need is dropped for a restore\. Nothing was written\.$/,
  },
  {
    so: 'holds accounts and roles',
    make: ["CREATE USER someone@'%'", 'CREATE ROLE helpers'],
    undo: ["DROP USER someone@'%'", 'DROP ROLE helpers'],
    says: /it is not empty: it has accounts 'someone'@'%', ROLE 'helpers'$/,
    hint: /DROP USER 'someone'@'%'; DROP ROLE 'helpers';/,
  },
  {
    so: 'is a replica, even a stopped one',
    make: ["CHANGE MASTER 'here' TO MASTER_HOST='127.0.0.1', MASTER_PORT=13, MASTER_USER='x'"],
    undo: ["RESET SLAVE 'here' ALL"],
    says: /it is a replica of 127\.0\.0\.1:13$/,
    hint: /STOP ALL SLAVES; RESET SLAVE ALL;/,
  },
  {
    so: "has applied another server's log",
    make: ["SET GLOBAL gtid_slave_pos = '0-9-9'"],
    undo: ['SET GLOBAL gtid_strict_mode = OFF', "SET GLOBAL gtid_slave_pos = ''", 'SET GLOBAL gtid_strict_mode = ON'],
    says: /it has applied another server's log, up to 0-9-9$/,
    hint: /SET GLOBAL gtid_slave_pos = '';/,
  },
  {
    so: "has the source's server_id",
    make: ['SET GLOBAL server_id = 101'],
    undo: ['SET GLOBAL server_id = 500'],
    says: /its server_id 101 is that of a server whose log is archived$/,
    hint: /^Give it a server_id of its own/,
  },
  {
    so: 'lacks a plugin',
    change: withSettings({ plugins: 'ROCKSDB=ha_rocksdb.so' }),
    says: /it lacks the plugin ROCKSDB$/,
    hint: /^INSTALL PLUGIN ROCKSDB SONAME 'ha_rocksdb\.so';/,
  },
  {
    so: 'judges passwords, which not every account of the source would pass',
    make: ["INSTALL SONAME 'simple_password_check'"],
    undo: ["UNINSTALL SONAME 'simple_password_check'"],
    says: /its plugin simple_password_check refuses passwords, and accounts of the source would not pass it$/,
    hint: /^UNINSTALL PLUGIN simple_password_check;/,
  },
  {
    so: 'is of an older version',
    change: withBackup({ serverVersion: '99.1.2-MariaDB-log' }),
    says: /its version 10\.11\.\d+-MariaDB\S* is older than the source's, 99\.1\.2-MariaDB-log$/,
    hint: /^Give a server of the same version or a newer one\./,
  },
  {
    so: 'compares names otherwise, which only a restart changes',
    change: withSettings({ lower_case_table_names: '1' }),
    says: /its lower_case_table_names is 0, and has to be 1$/,
    hint: /^Set lower_case_table_names = 1 in its option file and restart it\./,
  },
  {
    so: 'means another time zone by SYSTEM',
    change: withSettings({ time_zone: 'SYSTEM', system_time_zone: 'JST', system_utc_offset: '32400' }),
    says: /by SYSTEM it means the time zone \w+, and the source JST$/,
    hint: /^Start it with TZ=<JST>-09:00 in its environment\./,
  },
  {
    so: 'has too little disk',
    change: (plan) => ({ ...plan, diskBytes: 6e15 }),
    says: /a restore needs at least 5\.3 PiB, and '.*' has [\d.]+ [GT]iB free$/,
    hint: /^Free space there/,
  },
  {
    so: 'refuses a setting, and what was set before it is put back',
    change: withSettings({ default_storage_engine: 'NOSUCH' }),
    says: /^default_storage_engine cannot be set to 'NOSUCH' for the restore: .*Unknown storage engine/,
    hint: /^Set default_storage_engine = NOSUCH in the target's option file/,
  },
  {
    so: 'would need a skip that was not accepted',
    change: (plan) => ({ ...plan, skips: [{ incident: 'inc-1', verdict: 'risky', why: '1 later group clashes' }] }),
    says: /^what follows inc-1 may clash with leaving it out: 1 later group clashes$/,
    hint: /--accept-conflicts/,
  },
];

describe('an existing server is refused before anything is written when it', () => {
  beforeAll(async () => {
    target = await startPrimary({ serverId: 500, args: TARGET_ARGS });
  });
  afterAll(async () => {
    await target[Symbol.asyncDispose]();
  });

  it.each(REFUSALS)('$so', async ({ make = [], undo = [], change, says, hint }) => {
    await using root = await target.connect();
    await run(root, make);
    try {
      const before = await stateOf(target);

      const error = await refusalOf(restoreInto(target, change === undefined ? {} : { change }));

      expect(error.message).toMatch(says);
      expect(error.hint).toMatch(hint);
      expect(error.exitCode).toBe(40);
      expect(await stateOf(target)).toEqual(before);
    } finally {
      await run(root, undo);
    }
  });

  it('is the source, or its replica, by whatever address', async () => {
    for (const [server, name] of [
      [scene.pair.primary, 'shop'],
      [scene.pair.replica, 'replica'],
    ] as const) {
      const before = await stateOf(server);
      const bySocket = await refusalOf(restoreInto(server));
      const { host, port } = server.tcpOptions({ name: '', user: '', password: '' });
      const byPort = await refusalOf(restoreInto(server, { reach: { host: host ?? '', port: port ?? 0 } }));

      for (const error of [bySocket, byPort]) {
        expect(error.message).toMatch(new RegExp(`cannot be restored into: it is the ${name} \\(root@`));
        expect(error).toMatchObject({ code: 'TARGET_NOT_EMPTY', exitCode: 40 });
        expect(error.hint).toBe(
          'Give another, empty server: a restore never writes to one that it protects. Nothing was written.',
        );
      }
      expect(await stateOf(server)).toEqual(before);
    }
  });

  it('has a replica of its own', async () => {
    await using root = await target.connect();
    await run(root, ["CREATE USER root@'127.0.0.2'", "DROP USER root@'127.0.0.2'"]); // something to read
    const reader = spawn(
      findProgram(['mariadb-binlog']),
      [
        '--no-defaults',
        '--read-from-remote-server',
        '--stop-never',
        '--raw',
        '-uroot',
        `--socket=${target.socket}`,
        `--result-file=${target.directory}/`,
        'binlog.000001',
      ],
      { stdio: 'ignore' },
    );
    const reads = async (connection: ServerConnection): Promise<boolean> =>
      (await connection.query("SELECT 1 FROM information_schema.PROCESSLIST WHERE COMMAND = 'Binlog Dump'")).length > 0;
    try {
      await waitFor(async () => await reads(root), { timeoutMs: 30_000, what: 'a reader of the binary log' });

      const error = await refusalOf(restoreInto(target));

      expect(error.message).toMatch(/cannot be restored into: root@\S* reads its binary log, as a replica does$/);
    } finally {
      reader.kill();
      // The server itself would notice only at the next event.
      killSessions(target, '^root');
    }
    await using after = await target.connect();
    const gone = async (): Promise<boolean> => !(await reads(after));
    await waitFor(gone, { timeoutMs: 30_000, what: 'the reader to go' });
  });

  it('is being restored into by somebody else', async () => {
    await using other = await target.connect();
    await other.query("SELECT GET_LOCK('lastgood restore', 0)");

    expect(await refusalOf(restoreInto(target))).toMatchObject({
      code: 'LOCKED',
      message: expect.stringMatching(/^another restore runs into the target \(root@/) as string,
    });
  });

  it('has an account for us that may not grant everything, and says which statements it needs', async () => {
    await using root = await target.connect();
    await run(root, ["CREATE USER 'weak'@'localhost'", "GRANT ALL ON *.* TO 'weak'@'localhost'"]);
    try {
      const error = await refusalOf(restoreInto(target, { reach: { user: 'weak' } }));

      expect(error.code).toBe('PREFLIGHT_FAILED');
      expect(error.hint).toBe(
        "Have its administrator run: GRANT ALL PRIVILEGES ON *.* TO `weak`@`localhost` WITH GRANT OPTION; GRANT PROXY ON ''@'%' TO `weak`@`localhost` WITH GRANT OPTION;",
      );
      await run(
        root,
        error.hint
          .slice(error.hint.indexOf('GRANT'))
          .split(';')
          .map((text) => text.trim())
          .filter((text) => text !== ''),
      );
      const { proof, appliers } = await restoreInto(target, { reach: { user: 'weak' } });
      expect(proof.ok).toBe(true);
      expect(appliers).toEqual({ used: 4, configured: 4, why: null });
    } finally {
      await target[Symbol.asyncDispose]();
      target = await startPrimary({ serverId: 500, args: TARGET_ARGS });
    }
  });
});

describe('a restore into an existing server', () => {
  beforeEach(async () => {
    target = await startPrimary({ serverId: 500, args: [...TARGET_ARGS, ...NO_AUTOCOMMIT] });
  });
  afterEach(async () => {
    await target[Symbol.asyncDispose]();
  });

  it('restores exactly, and gives back every setting, its account and its marker', async () => {
    const before = await stateOf(target);
    const during = new Map<string, unknown>();
    const result = await restoreInto(target, {
      cores: 2,
      progress: ({ step, by }) => {
        if (!during.has(step)) during.set(step, by);
      },
    });

    expect(result.proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    expect(result.server).toEqual({
      kind: 'existing',
      datadir: `${target.datadir}/`,
      socket: target.socket,
      port: target.port,
      pid: null,
      binaryLog: true,
      readOnly: true,
    });
    expect(result.handOver.promote[0]?.run).toBe('RESET MASTER;');
    expect(result.handOver.promote.map(({ run: command }) => command)).toContain('SET GLOBAL read_only = OFF;');
    expect([...during]).toEqual([
      ['loading', undefined],
      ['replaying', '1 applier of 4: 2 cores'],
      ['proving', undefined],
    ]);
    expect(result.appliers).toEqual({ used: 1, configured: 4, why: '2 cores' });
    await using restored = await target.connect();
    expect(await checksums(restored, ['shop', 'crm'])).toEqual(lost);
    expect(
      await restored.query("SELECT DISTINCT ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = 'shop'"),
    ).toEqual([{ ENGINE: 'InnoDB' }]);
    expect(await restored.query("SHOW DATABASES LIKE 'intruder'")).toEqual([]);
    const after = await stateOf(target);
    for (const part of ['variables', 'accounts', 'system', 'primaries']) expect(after[part]).toEqual(before[part]);
    expect(after['state']).toEqual([
      { '@@gtid_slave_pos': result.plan.target.resolved.gtidState, '@@gtid_binlog_state': '' },
    ]);
    const borrowed = new Map(result.borrowed.map(({ name, ...values }) => [name, values]));
    expect(borrowed.get('sync_binlog')).toEqual({ was: '1', during: '0' });
    expect(borrowed.get('slave_parallel_threads')).toEqual({ was: '4', during: '0' });
    expect(borrowed.get('character_set_server')).toEqual({ was: 'latin1', during: 'utf8mb4' });
    expect(borrowed.get('time_zone')).toEqual({ was: '+05:00', during: 'SYSTEM' });
    expect(borrowed.get('replicate_do_db')).toEqual({ was: 'elsewhere', during: '' });
    expect(borrowed.get('server_id')?.was).toBe('500');
    expect(result.warnings).toContainEqual(
      expect.stringMatching(/^accounts that the target had stay .*'root'@'localhost'/),
    );
    expect(result.warnings).toContainEqual(
      expect.stringMatching(/own binary log does not hold the loaded backup: RESET MASTER/),
    );
  });

  it('that loses its sessions while replaying puts the server right, and says how to empty it', async () => {
    const before = await stateOf(target);
    let killed = false;
    const error = await refusalOf(
      restoreInto(target, {
        cores: 2,
        progress: ({ step }) => {
          if (step !== 'replaying' || killed) return;
          killed = true;
          killSessions(target, '^(lastgood-|root)');
        },
      }),
    );

    expect(error).toMatchObject({
      code: 'SERVER_UNREACHABLE',
      message: expect.stringMatching(/the target \(root@.*\) holds a part of the restore$/) as string,
    });
    expect(error.hint).toContain('It was empty before. To empty it again, run there: STOP ALL SLAVES;');
    const left = await stateOf(target);
    for (const part of ['variables', 'accounts', 'primaries']) expect(left[part]).toEqual(before[part]);

    const again = await refusalOf(restoreInto(target));
    expect(again).toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringMatching(/holds an interrupted restore \(replaying\)$/) as string,
    });
    {
      await using root = await target.connect();
      await root.query('SET SESSION sql_log_bin = 0');
      await run(
        root,
        String(again.details['cleanup'])
          .split(';')
          .map((text) => text.trim())
          .filter((text) => text !== ''),
      );
    }
    expect(await stateOf(target)).toEqual(before);
    expect((await restoreInto(target)).proof.ok).toBe(true);
  });

  it('works through a session where the server may not replicate', async () => {
    const before = await stateOf(target);
    const reach = { host: '127.0.0.1', port: target.port };
    const { proof, appliers, borrowed } = await restoreInto(target, { engine: 'session', reach, cores: 2 });

    expect(proof.checks.filter(({ ok }) => !ok)).toEqual([]);
    await using restored = await target.connect();
    expect(await checksums(restored, ['shop', 'crm'])).toEqual(lost);
    expect(borrowed).toContainEqual({ name: 'local_infile', was: 'OFF', during: 'ON' }); // a run that is killed leaves word of it
    expect(borrowed.map(({ name }) => name)).not.toContain('slave_parallel_threads');
    expect(appliers).toBeNull();
    expect((await stateOf(target))['variables']).toEqual(before['variables']);
  });

  it('into one that crashes says what to run there, and is not taken for finished after its start', async () => {
    const before = await stateOf(target);
    let crashed = false;
    const error = await refusalOf(
      restoreInto(target, {
        cores: 2,
        progress: ({ step }) => {
          if (step === 'replaying' && !crashed) process.kill(target.pid, 'SIGKILL');
          crashed ||= step === 'replaying';
        },
      }),
    );

    expect(error.code).toBe('SERVER_UNREACHABLE');
    expect(error.message).toMatch(
      /; the target \(root@.*\) may hold a part of the restore, and was not put right: cannot connect/,
    );
    expect(error.details['cleanup']).toContain('SET GLOBAL sync_binlog = 1;');
    expect(error.details['cleanup']).toContain('SET GLOBAL slave_parallel_threads = 4;');
    await target.kill();
    await target.restart();
    const again = await refusalOf(restoreInto(target));
    expect(again.message).toMatch(/holds an interrupted restore \(replaying\)$/);
    {
      await using root = await target.connect();
      await root.query('SET SESSION sql_log_bin = 0');
      for (const statement of String(again.details['cleanup']).split('\n'))
        await root.query(statement.replace(/;$/, ''));
    }
    const { variables, ...rest } = await stateOf(target);
    expect({ ...rest, variables: before['variables'] }).toEqual(before);
    expect(variables).toContainEqual({ Variable_name: 'server_id', Value: '500' });
  });

  it('whose proof fails keeps what was loaded, and says so to the next one', async () => {
    const before = await stateOf(target);
    const error = await refusalOf(restoreInto(target, { change: (plan) => ({ ...plan, groups: plan.groups + 1 }) }));

    expect(error).toMatchObject({
      code: 'PROOF_FAILED',
      message: expect.stringMatching(
        /^the target \(root@.*\) is not what was planned: not true that every planned/,
      ) as string,
      details: { report: 'table mysql.lastgood_restore' },
    });
    const left = await stateOf(target);
    for (const part of ['variables', 'accounts', 'primaries']) expect(left[part]).toEqual(before[part]);
    await using root = await target.connect();
    expect(await checksums(root, ['shop', 'crm'])).toEqual(lost);
    expect((await refusalOf(restoreInto(target))).message).toMatch(/holds a restore that failed its proof$/);
  });

  it('whose proof fails leaves the event scheduler off where events would run', async () => {
    const change = (plan: Plan): Plan => ({ ...plan, groups: plan.groups + 1 });
    expect((await refusalOf(restoreInto(target, { engine: 'session', change }))).code).toBe('PROOF_FAILED');

    await using root = await target.connect();
    expect(await root.query('SELECT @@event_scheduler AS value')).toEqual([{ value: 'OFF' }]);
    const again = await refusalOf(restoreInto(target));
    expect(again.details['cleanup']).toMatch(/SET GLOBAL event_scheduler = 'ON';\nDROP TABLE IF EXISTS mysql/);
  });

  it('that is interrupted while loading does the same', async () => {
    const controller = new AbortController();
    const before = await stateOf(target);
    const error = await refusalOf(
      restoreInto(target, {
        signal: controller.signal,
        progress: ({ step, done }) => {
          if (step === 'loading' && done > 0) controller.abort();
        },
      }),
    );
    expect(error.code).toBe('INTERRUPTED');
    const left = await stateOf(target);
    for (const part of ['variables', 'accounts', 'primaries']) expect(left[part]).toEqual(before[part]);
  });

  it('whose load fails does not tell the statement: a password may be in it', async () => {
    let refuses = false;
    const error = await refusalOf(
      restoreInto(target, {
        progress: ({ step }) => {
          if (step === 'loading' && !refuses) runNow(target, '-e', "INSTALL SONAME 'simple_password_check'");
          refuses ||= step === 'loading';
        },
      }),
    );

    expect(error.message).toMatch(/ERROR 1819 \(HY000\) at line \d+: Your password/);
    expect(error.message).not.toContain('USER `');
  });

  it('that fails before anything is loaded leaves nothing behind', async () => {
    const before = await stateOf(target);
    const [backup] = (await scene.repository.backups()).records;
    const path = join(scene.repository.backupFolder(backup?.id ?? ''), backup?.files[0]?.name ?? '');
    const bytes = await readFile(path);
    const changed = Buffer.from(bytes);
    changed.writeUInt8(changed.readUInt8(10) ^ 1, 10);
    await writeFile(path, changed);
    try {
      const error = await refusalOf(restoreInto(target));

      expect(error.code).toBe('ARCHIVE_DAMAGED');
      expect(error.message).not.toContain('holds a part');
      expect(await stateOf(target)).toEqual(before);
    } finally {
      await writeFile(path, bytes);
    }
  });
});
