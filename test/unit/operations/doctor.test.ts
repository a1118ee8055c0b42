import { describe, expect, it } from 'vitest';
import { findAll } from '../../../src/operations/doctor.ts';
import type {
  DoctorFacts,
  PrimaryReport,
  ReplicaReport,
  RepositoryReport,
} from '../../../src/operations/doctor/facts.ts';
import { nameArchiver } from '../../../src/operations/archiver-name.ts';
import type { ServerFacts } from '../../../src/server/facts.ts';
import type { ReplicaStatus } from '../../../src/server/replica-status.ts';

const GIB = 1024 ** 3;

const SERVER: ServerFacts = {
  flavor: 'mariadb',
  version: '10.11.19-MariaDB',
  serverId: 1,
  serverUuid: null,
  logBin: true,
  binlogFormat: 'ROW',
  binlogRowImage: 'FULL',
  binlogChecksum: 'CRC32',
  syncBinlog: 1,
  flushLogAtTrxCommit: 1,
  binlogExpireSeconds: 864_000,
  gtidMode: null,
  gtidStrictMode: true,
  gtidDomainId: 0,
  logSlaveUpdates: true,
  readOnly: false,
  timeZone: 'SYSTEM',
  systemTimeZone: 'UTC',
  clockSkewSeconds: 0.01,
  lowerCaseTableNames: 0,
  characterSetServer: 'utf8mb4',
  collationServer: 'utf8mb4_general_ci',
  sqlMode: '',
  binlogStorageEngine: null,
  encryptBinlog: false,
  engines: { InnoDB: 12 },
  eventScheduler: 'OFF',
  maxAllowedPacket: 16_777_216,
};

const STATUS: ReplicaStatus = {
  connectionName: '',
  ioRunning: true,
  sqlRunning: true,
  primaryHost: 'db1',
  primaryPort: 3306,
  primaryServerId: 1,
  primaryServerUuid: null,
  executed: { file: 'binlog.000001', position: 4 },
  received: { file: 'binlog.000001', position: 4 },
  usingGtid: true,
  delaySeconds: 0,
  delayLeftSeconds: null,
  gtidApplied: '0-1-1',
  lagSeconds: 0,
  sqlError: null,
  ioError: null,
  lastError: null,
  filters: [],
  openTempTables: 0,
  parallelThreads: 0,
};

/** What the archiver of the repository calls itself, and one of another one. */
const OURS = nameArchiver({ repositoryPath: '/repo', name: 'shop' }, 4711).host;
const THEIRS = 'lastgood@backup-2:0123abcd';
/** Of another repository on this machine. */
const BESIDE = nameArchiver({ repositoryPath: '/beside', name: 'shop' }, 4711).host;
const STOPPED = { archiverRunning: false, archiverHost: null };

interface Changes {
  primary?: Partial<ServerFacts>;
  replica?: Partial<ServerFacts>;
  status?: Partial<ReplicaStatus> | null;
  brokenViews?: ReplicaReport['brokenViews'];
  prepared?: ReplicaReport['prepared'];
  staging?: ReplicaReport['staging'];
  connectedIds?: number[];
  /** What archivers with the id call themselves. */
  archivers?: string[];
  hidden?: { dumps: string[] };
  logFilters?: PrimaryReport['logFilters']['report'];
  privileges?: string[];
  repository?: Partial<RepositoryReport>;
  tool?: null;
  leftScratch?: DoctorFacts['leftScratch'];
}

/** Who replicates from the primary, as far as the account may see it. */
function clientsWith({
  connectedIds = [2],
  archivers = [],
  hidden,
}: Changes): Pick<PrimaryReport, 'clients' | 'ownDumps'> {
  const replicas = connectedIds.map((serverId) => ({ serverId, host: '', uuid: null }));
  const report = [...replicas, ...archivers.map((host) => ({ serverId: 4711, host, uuid: null }))];
  const ownDumps = { report: hidden?.dumps ?? [], problem: null };
  if (hidden === undefined) return { clients: { report, problem: null }, ownDumps };
  return { clients: { report: null, problem: 'you need REPLICATION MASTER ADMIN' }, ownDumps };
}

/** The facts of a pair without a fault, but for the changes. */
function factsWith(changes: Changes = {}): DoctorFacts {
  const login = { host: 'db1', user: 'lastgood', password: '', tls: 'off' } as const;
  const account = { account: 'lastgood@%', privileges: new Set(changes.privileges ?? ['ALL PRIVILEGES']) };
  const good = <T>(report: T): { report: T; problem: null } => ({ report, problem: null });
  const primary: PrimaryReport = {
    facts: { ...SERVER, ...changes.primary },
    account,
    ...clientsWith(changes),
    logFilters: good(changes.logFilters ?? { only: [], without: [] }),
    semiSync: good(null),
  };
  const replica: ReplicaReport = {
    facts: { ...SERVER, serverId: 2, readOnly: true, ...changes.replica },
    account,
    status: good(changes.status === null ? null : { ...STATUS, ...changes.status }),
    brokenViews: changes.brokenViews ?? good([]),
    prepared: changes.prepared ?? good(0),
    staging: changes.staging ?? good([]),
  };
  return {
    settings: {
      repositoryPath: '/repo',
      keyFile: null,
      primary: { name: 'shop', ...login, serverId: 4711 },
      replica: { name: 'replica', ...login },
      archive: { sync: 'group', semiSync: false, compression: 'none' },
    },
    primary: good(primary),
    replica: good(replica),
    repository: good({
      exists: true,
      freeBytes: 50 * GIB,
      totalBytes: 100 * GIB,
      lastBackupBytes: null,
      archived: false,
      archiverRunning: true,
      archiverHost: OURS,
      archiverRuns: [],
      archiverWait: null,
      readAt: new Date('2026-11-23T10:00:00Z'),
      repaired: [],
      findings: [],
      ...changes.repository,
    }),
    tools: [{ names: ['mariadb-dump'], path: changes.tool === null ? null : '/usr/bin/mariadb-dump', use: 'backups' }],
    leftScratch: changes.leftScratch ?? good([]),
  };
}

describe('findAll', () => {
  it('finds nothing where nothing is wrong', () => {
    expect(findAll(factsWith())).toEqual([]);
  });

  const CASES: readonly (readonly [string, Changes, string])[] = [
    ['error shop: binary log', { primary: { logBin: false } }, 'log_bin is OFF'],
    [
      'error /repo: repository',
      { repository: { exists: false, foreign: 'ibdata1', ...STOPPED } },
      "none is begun there: the folder holds 'ibdata1', which is not of an archive",
    ],
    ['error shop: binary log files', { primary: { binlogStorageEngine: 'innodb' } }, 'binlog_storage_engine is innodb'],
    [
      'error shop: log filters',
      { logFilters: { only: ['shop', 'crm'], without: [] } },
      'binlog_do_db is shop, crm: what its log leaves out is in no archive',
    ],
    ['error shop: log filters', { logFilters: { only: [], without: ['tmp'] } }, 'binlog_ignore_db is tmp: '],
    ['warning shop: row format', { primary: { binlogFormat: 'MIXED' } }, 'binlog_format is MIXED'],
    ['warning shop: row image', { primary: { binlogRowImage: 'MINIMAL' } }, 'binlog_row_image is MINIMAL'],
    ['warning shop: checksums', { primary: { binlogChecksum: 'NONE' } }, 'binlog_checksum is NONE'],
    ['warning shop: durability', { primary: { syncBinlog: 0 } }, 'sync_binlog is 0'],
    ['warning shop: expiry', { primary: { binlogExpireSeconds: 600 } }, 'removed after 600 s'],
    ['warning shop: GTIDs', { primary: { gtidMode: 'OFF' } }, 'gtid_mode is OFF'],
    [
      'error shop: server ids',
      { primary: { serverId: 4711 }, status: { primaryServerId: 4711 } },
      'the primary itself',
    ],
    ['error shop: server ids', { replica: { serverId: 4711 } }, 'the replica'],
    ['error shop: server ids', { connectedIds: [2, 4711], repository: STOPPED }, 'another client'],
    ['error shop: server ids', { connectedIds: [4711], archivers: [OURS], repository: STOPPED }, 'another client'],
    ['error shop: server ids', { connectedIds: [2, 4711] }, 'another client'],
    ['warning shop: server ids', { archivers: [OURS], repository: STOPPED }, 'has just stopped'],
    ['warning shop: server ids', { archivers: ['lastgood'], repository: STOPPED }, 'has just stopped'],
    ['error shop: server ids', { archivers: [THEIRS], repository: STOPPED }, "in use by an archiver on 'backup-2'"],
    ['error shop: server ids', { archivers: [THEIRS] }, "in use by an archiver on 'backup-2'"],
    ['error shop: server ids', { archivers: [BESIDE] }, "', of another repository: two clients with one id"],
    [
      'warning shop: server ids',
      { primary: { flavor: 'mysql' }, archivers: [THEIRS], replica: { flavor: 'mysql', version: '5.6.51' } },
      'MySQL serves both',
    ],
    ['info shop: server ids', { hidden: { dumps: [] } }, 'the ids of its other replicas are not to be seen'],
    ['info shop: server ids', { hidden: { dumps: ['10.0.0.1', '10.0.0.2'] } }, 'from 10.0.0.1, 10.0.0.2 already'],
    ['warning shop: server ids', { hidden: { dumps: ['10.0.0.2'] }, repository: STOPPED }, 'from 10.0.0.2 already'],
    ['warning shop: encryption', { primary: { encryptBinlog: true } }, 'encrypted on disk'],
    ['warning shop: clock', { primary: { clockSkewSeconds: -2.5 } }, '-2.5 s off'],
    ['error replica: backup method', { replica: { flavor: 'mysql', version: '8.4.0' } }, 'it is MySQL 8.4.0'],
    ['error replica: server ids', { replica: { serverId: 1 } }, "the primary's server_id 1"],
    ['warning replica: read-only', { replica: { readOnly: false } }, 'read_only is OFF'],
    [
      'warning replica: views',
      { brokenViews: { report: [{ schema: 'shop', table: 'v' }], problem: null } },
      'brings back as broken: shop.v',
    ],
    ['warning replica: views', { brokenViews: { report: null, problem: 'no answer' } }, 'cannot be read: no answer'],
    ['warning replica: prepared transactions', { prepared: { report: 2, problem: null } }, 'rolled back: 2; no backup'],
    ['warning replica: prepared transactions', { prepared: { report: null, problem: 'no answer' } }, 'no answer'],
    [
      'warning replica: left salvage',
      { staging: { report: ['lastgood_salvage_1'], problem: null } },
      'lastgood_salvage_1',
    ],
    ['warning replica: left salvage', { staging: { report: null, problem: 'no answer' } }, 'told: no answer'],
    ['warning replica: engines', { replica: { engines: { InnoDB: 1, Aria: 2, MyISAM: 3 } } }, '2 Aria, 3 MyISAM'],
    ['warning replica: time zone', { replica: { timeZone: '+03:00' } }, "+03:00, the primary's UTC"],
    ['error replica: replication', { status: null }, 'it is no replica'],
    ['error replica: identity', { status: { primaryServerId: 9 } }, 'replicates from server 9 at db1:3306'],
    ['error replica: applying', { status: { sqlRunning: false } }, 'its SQL thread is stopped'],
    ['error replica: applying', { status: { sqlRunning: false, sqlError: 'Duplicate entry' } }, 'Duplicate entry'],
    ['warning replica: receiving', { status: { ioRunning: false, ioError: 'no route' } }, 'no route'],
    ['warning replica: lag', { status: { lagSeconds: 301 } }, '301 s behind'],
    ['error replica: filters', { status: { filters: ['Replicate_Do_DB=a'] } }, 'Replicate_Do_DB=a'],
    ['warning replica: temporary tables', { status: { openTempTables: 2 } }, '2 temporary tables'],
    ['warning /repo: repository', { repository: { exists: false } }, 'no repository yet'],
    ['error /repo: free disk', { repository: { freeBytes: GIB / 2 } }, '0.5 GiB of 100.0 GiB'],
    ['error /repo: free disk', { repository: { lastBackupBytes: 30 * GIB } }, '50.0 GiB of 100.0 GiB'],
    ['warning /repo: free disk', { repository: { freeBytes: 9 * GIB } }, '9.0 GiB of 100.0 GiB'],
    [
      'error /repo: interrupted backup',
      { repository: { repaired: [{ id: 'b1', applying: 'failed' }] } },
      'b1 was interrupted',
    ],
    ['warning mariadb-dump: tools', { tool: null }, 'not installed'],
    [
      'warning /tmp/s: left scratch server',
      { leftScratch: { report: [{ maker: 'salvage', folder: '/tmp/s', pid: 7, startedAt: 'noon' }], problem: null } },
      'a salvage of noon was killed: the data that it had restored are still there, and its server runs as process 7',
    ],
    [
      'warning : left scratch server',
      { leftScratch: { report: null, problem: "cannot read the temporary folder '/gone'" } },
      'cannot read',
    ],
  ];

  it.each(CASES)('reports "%s"', (expected, changes, words) => {
    const findings = findAll(factsWith(changes));
    expect(findings.map(({ severity, object, check }) => `${severity} ${object ?? ''}: ${check}`)).toEqual([expected]);
    expect(findings[0]?.found).toContain(words);
    expect(findings[0]?.fix).not.toBe('');
  });

  it.each([0, 1000])(
    'warns of sync_binlog=%i: a power cut makes the log shorter (peers 33: dbtrail #814)',
    (syncBinlog) => {
      const [finding, ...others] = findAll(factsWith({ primary: { syncBinlog } }));
      expect(others).toEqual([]);
      expect(finding).toMatchObject({
        severity: 'warning',
        found: `sync_binlog is ${syncBinlog}, innodb_flush_log_at_trx_commit 1: after a power cut its log may have lost its end, and differ from its data`,
        fix: expect.stringContaining('SET GLOBAL sync_binlog = 1') as string,
      });
    },
  );

  const WAITING = {
    ...{ since: '2026-11-23T09:58:00.000Z', until: '2026-11-23T10:00:30.000Z' },
    ...{ why: 'another client took the place', hint: 'Give one of the two another id.' },
  };

  it('says that the archiver waits, since when and why, as long as it does', () => {
    const waitingAt = (readAt: string): ReturnType<typeof findAll> =>
      findAll(factsWith({ repository: { archived: true, archiverWait: WAITING, readAt: new Date(readAt) } }));
    const told = {
      ...{ severity: 'warning', check: 'archiver', object: 'shop', fix: WAITING.hint },
      found:
        'it runs, and has archived nothing since 2026-11-23T09:58:00.000Z: another client took the place; it tries again at 2026-11-23T10:00:30.000Z',
    };
    expect(waitingAt('2026-11-23T10:00:00Z')).toEqual([told]);
    expect(waitingAt('2026-11-23T10:01:00Z')).toEqual([told]);
    expect(waitingAt('2026-11-23T10:02:00Z')).toEqual([]);
  });

  it('says of one that has stopped only that, and not that it waits', () => {
    const repository = { ...STOPPED, archived: true, archiverWait: WAITING };
    expect(findAll(factsWith({ repository })).map(({ found }) => found)).toEqual([
      'no archiver is running: what the primary writes now is not being saved',
    ]);
  });

  it('does not take the one log that is read meanwhile for its own', () => {
    const repository = { archived: true, archiverWait: WAITING };
    expect(findAll(factsWith({ repository, hidden: { dumps: ['10.0.0.1'] } }))).toMatchObject([
      { severity: 'info', check: 'server ids', found: expect.stringContaining('from 10.0.0.1 already') as string },
      { severity: 'warning', check: 'archiver' },
    ]);
  });

  it('does not take an archiver of our own for a stranger with its id', () => {
    for (const host of [OURS, 'lastgood']) expect(findAll(factsWith({ archivers: [host] }))).toEqual([]);
  });

  it('does not say on every run that ids are hidden: once an archiver was at work, its log would tell', () => {
    const repository = { archived: true };
    expect(findAll(factsWith({ repository, hidden: { dumps: [] } }))).toEqual([]);
    expect(findAll(factsWith({ repository, hidden: { dumps: ['10.0.0.1'] } }))).toEqual([]);
  });

  it('takes an archiver that a timer runs for what it is, until it does not come', () => {
    const archiverRuns = ['08:45', '09:00', '09:15', '09:30', '09:45'].map((time) => `2026-11-23T${time}:00.000Z`);
    const repository = { ...STOPPED, archived: true, archiverRuns };
    expect(findAll(factsWith({ repository }))).toMatchObject([
      { severity: 'info', check: 'archiver', found: expect.stringContaining('about every 15 min') as string },
    ]);
    const readAt = new Date('2026-11-23T10:10:00Z');
    expect(findAll(factsWith({ repository: { ...repository, readAt } }))).toMatchObject([
      { severity: 'warning', check: 'archiver', found: expect.stringContaining('none came when it was due') as string },
    ]);
  });

  it('prints the GRANT for each account that lacks privileges', () => {
    const findings = findAll(factsWith({ privileges: ['SELECT', 'REPLICATION SLAVE'] }));
    expect(findings.map(({ fix }) => fix)).toEqual([
      "GRANT BINLOG MONITOR ON *.* TO 'lastgood'@'%';",
      "GRANT SHOW VIEW, TRIGGER, EVENT, REPLICATION SLAVE ADMIN, SLAVE MONITOR, BINLOG MONITOR ON *.* TO 'lastgood'@'%';",
    ]);
    expect(findings[0]?.found).not.toContain('on the primary');
    expect(findings[1]?.found).toMatch(/, to be granted on the primary, from where it reaches the replica$/);
  });

  it('offers no CHANGE MASTER TO where it cannot see whether the server replicates', () => {
    const facts = factsWith();
    const report = facts.replica?.report ?? null;
    if (report === null) throw new Error('the facts have no replica');
    const status = { report: null, problem: 'Access denied; you need the SLAVE MONITOR privilege' };
    const [finding, ...others] = findAll({ ...facts, replica: { report: { ...report, status }, problem: null } });
    expect(others).toEqual([]);
    expect(finding).toMatchObject({
      check: 'replication',
      found: 'whether it replicates cannot be told: Access denied; you need the SLAVE MONITOR privilege',
      fix: expect.not.stringMatching(/CHANGE MASTER|START SLAVE/) as string,
    });
  });

  it('says once that the primary does not answer, and does not send the reader to where he is', () => {
    const exposure = { severity: 'warning', check: 'exposure', object: 'shop', found: 'no answer', fix: '' } as const;
    const facts = factsWith({ repository: { findings: [exposure] } });
    expect(findAll(facts)).toEqual([exposure]);
    const silent = { ...facts, primary: { report: null, problem: 'no answer' } } as DoctorFacts;
    expect(findAll(silent)).toMatchObject([{ check: 'reachable', found: 'no answer' }]);
  });

  it('says that an archiver which ran once runs no more, and nothing of one that never did', () => {
    expect(findAll(factsWith({ repository: { ...STOPPED, archived: true } }))).toMatchObject([
      {
        severity: 'warning',
        check: 'archiver',
        object: 'shop',
        fix: expect.stringContaining('`lastgood archive`') as string,
      },
    ]);
    expect(findAll(factsWith({ repository: { ...STOPPED, archived: false } }))).toEqual([]);
  });

  it('takes a wrong password for likelier than an account that nobody made, and tells once how that is made', () => {
    const denied = { report: null, problem: "Access denied for user 'lastgood'", code: 'ACCESS_DENIED' } as const;
    const [primary, replica, ...others] = findAll({ ...factsWith(), primary: denied, replica: denied });
    expect(others).toEqual([]);
    for (const fix of [primary?.fix, replica?.fix])
      expect(fix).toMatch(
        /^The server runs, but does not let 'lastgood' in: correct user, or the password \(password_file/,
      );
    expect(primary?.fix).toMatch(
      /\nIf the account is missing: .*\nCREATE USER 'lastgood'@'%' .*\nGRANT REPLICATION SLAVE/,
    );
    expect(replica?.fix).not.toContain('CREATE USER');
    expect(replica?.fix).toMatch(/\nGRANT SELECT, .* TO 'lastgood'@'%';$/);
  });

  it('asks first whether a server runs that did not answer at all', () => {
    const silent = { report: null, problem: 'connect ECONNREFUSED', code: 'SERVER_UNREACHABLE' } as const;
    const facts = factsWith();
    const [finding] = findAll({ ...facts, replica: silent });
    expect(finding?.fix).toMatch(/^Is replica \(lastgood@db1:3306\) running and right\?\n.*\nCREATE USER /);
  });

  it('asks for a replica where none is configured', () => {
    const facts = factsWith();
    expect(findAll({ ...facts, replica: null, settings: { ...facts.settings, replica: null } })).toMatchObject([
      { severity: 'warning', check: 'replica', object: null },
    ]);
  });
});
