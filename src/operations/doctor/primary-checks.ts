import { describeServer } from '../../server/connection.ts';
import { grantStatement, missingPrivileges, PRIVILEGES, type AccountRole } from '../../server/grants.ts';
import type { ServerOptions } from '../../server/server-options.ts';
import type { Finding } from '../finding.ts';
import { semiSyncFindings } from '../semi-sync.ts';
import { archiverId, hiddenIds } from './id-checks.ts';
import type { DoctorFacts, PrimaryReport, ServerReport, Uninspected } from './facts.ts';

const HOUR = 3600;
const CLOCK_SKEW_SECONDS = 2;

/** A finding about a server that its caller names. */
export type Problem = Omit<Finding, 'object'>;
type Check = (report: PrimaryReport, all: DoctorFacts) => Problem | undefined;

/** What is wrong with the primary, as a source of the archive. Pure. */
export function checkPrimary(all: DoctorFacts): Finding[] {
  const { primary, settings } = all;
  const object = settings.primary.name;
  if (primary.report === null) return [unreachable(settings.primary, primary, { role: 'archiver', account: 'new' })];
  const { report } = primary;
  const problems = [...CHECKS.map((check) => check(report, all)), privilegeProblem(report, 'archiver')];
  const findings = problems.filter((problem) => problem !== undefined).map((problem) => ({ ...problem, object }));
  return [...findings, ...semiSyncOf(report, all)];
}

/** Only who asks for it needs it. */
function semiSyncOf({ semiSync, ownDumps }: PrimaryReport, { settings, repository }: DoctorFacts): Finding[] {
  if (!settings.archive.semiSync || semiSync.problem !== null) return [];
  const archiverRunning = repository.report?.archiverRunning === true;
  const isStreaming = ownDumps.report === null || ownDumps.report.length > 0;
  return semiSyncFindings(semiSync.report, { server: settings.primary.name, archiverRunning, isStreaming });
}

/** How an account is to be made; `told`: another finding says already how. */
interface AccountToMake {
  readonly role: AccountRole;
  readonly account: 'new' | 'told';
}

/** A server that did not let us in: perhaps the account is missing, so the statements that make it are the fix. */
export function unreachable(options: ServerOptions, { problem, code }: Uninspected, to: AccountToMake): Finding {
  return {
    severity: 'error',
    check: 'reachable',
    object: options.name,
    found: problem,
    fix: [code === 'ACCESS_DENIED' ? wrongLogin(options) : whereIs(options), ...accountLines(options, to)].join('\n'),
  };
}

function whereIs(options: ServerOptions): string {
  return `Is ${describeServer(options)} running and right?`;
}

/** It runs, and answers: a mistyped password is likelier than an account that nobody made. */
function wrongLogin({ user }: ServerOptions): string {
  return `The server runs, but does not let '${user}' in: correct user, or the password (password_file, password_env or defaults_file), in the configuration.`;
}

function accountLines({ user }: ServerOptions, { role, account: which }: AccountToMake): string[] {
  const account = `'${user}'@'%'`;
  const grant = `GRANT ${PRIVILEGES[role].mariadb.join(', ')} ON *.* TO ${account};`;
  if (which === 'told')
    return ['If the account is missing: made on the primary, as above, it needs there also:', grant];
  // Made on the replica itself, it would stop replication when the primary's comes.
  const where = role === 'backup' ? 'on the primary, from where it reaches the replica' : 'there';
  return [
    `If the account is missing: one that can do its work is made ${where} by:`,
    `CREATE USER ${account} IDENTIFIED BY '...';`,
    grant,
  ];
}

/** What the account may not do, with the statement that lets it. */
export function privilegeProblem({ facts, account }: ServerReport, role: AccountRole): Problem | undefined {
  const missing = missingPrivileges(account, { role, flavor: facts.flavor });
  if (missing.length === 0) return undefined;
  return {
    severity: 'error',
    check: 'privileges',
    // Given on the replica itself, it would be a transaction that the primary does not have.
    found: `${account.account} lacks ${missing.join(', ')}${role === 'backup' ? ', to be granted on the primary, from where it reaches the replica' : ''}`,
    fix: grantStatement(account.account, missing),
  };
}

/** A clock that differs makes times in lists, and targets given as a time, mean something else. */
export function clockProblem({ facts }: ServerReport): Problem | undefined {
  if (Math.abs(facts.clockSkewSeconds) <= CLOCK_SKEW_SECONDS) return undefined;
  return {
    severity: 'warning',
    check: 'clock',
    found: `its clock is ${facts.clockSkewSeconds} s off this machine's`,
    fix: 'Keep both machines on network time (chrony, systemd-timesyncd).',
  };
}

const binaryLog: Check = ({ facts }) =>
  facts.logBin
    ? undefined
    : {
        severity: 'error',
        check: 'binary log',
        found: 'log_bin is OFF: there is nothing to archive',
        fix: 'Set log_bin in the option file and restart the server.',
      };

const storageEngine: Check = ({ facts }) =>
  facts.binlogStorageEngine === null || facts.binlogStorageEngine === ''
    ? undefined
    : {
        severity: 'error',
        check: 'binary log files',
        found: `binlog_storage_engine is ${facts.binlogStorageEngine}: the log has no files that could be archived`,
        fix: 'Remove binlog_storage_engine from the option file and restart the server.',
      };

/** The log does not say so itself, and neither does a restore that was proven by it. */
const logFilters: Check = ({ logFilters: { report } }) => {
  const [only, without] = [report?.only ?? [], report?.without ?? []];
  if (only.length + without.length === 0) return undefined; // who may not ask is told of the privilege
  const options = [
    ...(only.length === 0 ? [] : [`binlog_do_db is ${only.join(', ')}`]),
    ...(without.length === 0 ? [] : [`binlog_ignore_db is ${without.join(', ')}`]),
  ];
  return {
    severity: 'error',
    check: 'log filters',
    found: `${options.join(', ')}: what its log leaves out is in no archive, and in a restore as old as its backup`,
    fix: 'Take these options out of its option file and restart it.',
  };
};

const rowFormat: Check = ({ facts }) =>
  facts.binlogFormat === 'ROW'
    ? undefined
    : {
        severity: 'warning',
        check: 'row format',
        found: `binlog_format is ${facts.binlogFormat}: replaying statements may give other rows`,
        fix: 'SET GLOBAL binlog_format = ROW; and in the option file.',
      };

const rowImage: Check = ({ facts }) =>
  facts.binlogRowImage.startsWith('FULL')
    ? undefined
    : {
        severity: 'warning',
        check: 'row image',
        found: `binlog_row_image is ${facts.binlogRowImage}: lost rows cannot be shown whole`,
        fix: 'SET GLOBAL binlog_row_image = FULL; and in the option file.',
      };

const checksum: Check = ({ facts }) =>
  facts.binlogChecksum === 'CRC32'
    ? undefined
    : {
        severity: 'warning',
        check: 'checksums',
        found: `binlog_checksum is ${facts.binlogChecksum}: damage to the log goes unnoticed on its way here`,
        fix: 'SET GLOBAL binlog_checksum = CRC32; and in the option file.',
      };

const durability: Check = ({ facts }) =>
  facts.syncBinlog === 1 && facts.flushLogAtTrxCommit === 1
    ? undefined
    : {
        severity: 'warning',
        check: 'durability',
        found: `sync_binlog is ${facts.syncBinlog}, innodb_flush_log_at_trx_commit ${facts.flushLogAtTrxCommit}: after a power cut its log may have lost its end, and differ from its data`,
        fix: 'SET GLOBAL sync_binlog = 1, innodb_flush_log_at_trx_commit = 1; and in the option file.',
      };

/** Files must live long enough for an archiver that was stopped; how close it is now the purge guard says. */
const expiry: Check = ({ facts: { binlogExpireSeconds: seconds } }) =>
  seconds === 0 || seconds >= HOUR
    ? undefined
    : {
        severity: 'warning',
        check: 'expiry',
        found: `binary log files are removed after ${seconds} s: an archiver that stops for longer loses some`,
        fix: 'Raise binlog_expire_logs_seconds to several days.',
      };

const gtids: Check = ({ facts }) =>
  facts.gtidMode === null || facts.gtidMode === 'ON'
    ? undefined
    : {
        severity: 'warning',
        check: 'GTIDs',
        found: `gtid_mode is ${facts.gtidMode}: transactions can be named by file and position only`,
        fix: 'Turn gtid_mode on, step by step as the MySQL manual says.',
      };

const encryption: Check = ({ facts }) =>
  facts.encryptBinlog
    ? {
        severity: 'warning',
        check: 'encryption',
        found: 'its binary log is encrypted on disk, the archive of it is not',
        fix: 'Keep the repository on an encrypted file system.',
      }
    : undefined;

/** Adding a check is one function above and one name here. */
const CHECKS: readonly Check[] = [
  binaryLog,
  storageEngine,
  logFilters,
  rowFormat,
  rowImage,
  checksum,
  durability,
  expiry,
  gtids,
  archiverId,
  hiddenIds,
  encryption,
  clockProblem,
];
