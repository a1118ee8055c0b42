import type { ReplicaStatus } from '../../server/replica-status.ts';
import { isTriedMysql } from '../../server/tried-mysql.ts';
import type { Finding } from '../finding.ts';
import { listShort } from '../salvage/list-short.ts';
import type { DoctorFacts, ReplicaReport } from './facts.ts';
import { clockProblem, privilegeProblem, unreachable } from './primary-checks.ts';

const LAG_SECONDS = 300;

type Problem = Omit<Finding, 'object'>;
type Check = (report: ReplicaReport, all: DoctorFacts) => Problem | undefined;
type StatusCheck = (status: ReplicaStatus, all: DoctorFacts) => Problem | undefined;

/** What is wrong with the replica, as a place to take backups. Pure. */
export function checkReplicaServer(all: DoctorFacts): Finding[] {
  const { replica, settings } = all;
  if (replica === null || settings.replica === null) return [noReplica()];
  const object = settings.replica.name;
  if (replica.report === null) {
    const isTold = all.primary.report === null && settings.primary.user === settings.replica.user;
    return [unreachable(settings.replica, replica, { role: 'backup', account: isTold ? 'told' : 'new' })];
  }
  const { report } = replica;
  const { status } = report;
  const problems = [
    privilegeProblem(report, 'backup'),
    ...CHECKS.map((check) => check(report, all)),
    ...(status.report === null
      ? [noStatus(status.problem)]
      : STATUS_CHECKS.map((check) => (status.report === null ? undefined : check(status.report, all)))),
  ];
  return problems.filter((problem) => problem !== undefined).map((problem) => ({ ...problem, object }));
}

function noReplica(): Finding {
  return {
    severity: 'warning',
    check: 'replica',
    object: null,
    found: 'the configuration has no [replica]: no backup can be taken',
    fix: 'Add [replica] to lastgood.toml.',
  };
}

function noStatus(problem: string | null): Problem {
  return {
    severity: 'error',
    check: 'replication',
    found: problem === null ? 'it is no replica' : `whether it replicates cannot be told: ${problem}`,
    fix:
      problem === null
        ? 'Is [replica] the right server? Set replication up with CHANGE MASTER TO, then START SLAVE.'
        : 'Mend what keeps it from being read, as a privilege that is missing, and run doctor again; change nothing in its replication.',
  };
}

const flavor: Check = ({ facts }, { primary }) => {
  if (facts.flavor === 'mysql' && !isTriedMysql(facts.version)) {
    return {
      severity: 'error',
      check: 'backup method',
      found: `it is MySQL ${facts.version}, and of MySQL this version backs up 5.6 only`,
      fix: 'Archiving, scanning and incidents work; take base backups with another tool.',
    };
  }
  if (primary.report === null || primary.report.facts.flavor === facts.flavor) return undefined;
  return {
    severity: 'error',
    check: 'flavor',
    found: `it is ${facts.version}, the primary ${primary.report.facts.version}`,
    fix: 'Take backups on a replica of the same flavor.',
  };
};

const sameId: Check = ({ facts }, { primary }) =>
  primary.report?.facts.serverId === facts.serverId
    ? {
        severity: 'error',
        check: 'server ids',
        found: `it has the primary's server_id ${facts.serverId}: [replica] and [primary] may be the same server`,
        fix: 'Correct [replica], or give the servers different ids.',
      }
    : undefined;

const writable: Check = ({ facts }) =>
  facts.readOnly
    ? undefined
    : {
        severity: 'warning',
        check: 'read-only',
        found: 'read_only is OFF: what is written on it directly is in its backups and in no log of the primary',
        fix: 'SET GLOBAL read_only = ON; and in the option file.',
      };

const engines: Check = ({ facts }) => {
  const others = Object.entries(facts.engines).filter(([engine]) => engine !== 'InnoDB');
  if (others.length === 0) return undefined;
  return {
    severity: 'warning',
    check: 'engines',
    found: `tables without transactions (${others.map(([engine, tables]) => `${tables} ${engine}`).join(', ')}): applying stays stopped for the whole backup`,
    fix: 'ALTER TABLE ... ENGINE = InnoDB, where that is possible.',
  };
};

const timeZone: Check = ({ facts }, { primary }) => {
  const theirs = primary.report?.facts;
  if (theirs === undefined || zoneOf(theirs) === zoneOf(facts)) return undefined;
  return {
    severity: 'warning',
    check: 'time zone',
    found: `its time zone is ${zoneOf(facts)}, the primary's ${zoneOf(theirs)}`,
    fix: 'Give both servers the same time_zone.',
  };
};

const views: Check = ({ brokenViews: { report, problem } }) => {
  if (report?.length === 0) return undefined;
  const names = report?.map(({ schema, table }) => `${schema}.${table}`);
  return {
    severity: 'warning',
    check: 'views',
    found:
      names === undefined
        ? `which of its views are broken cannot be read: ${problem ?? ''}`
        : `views that it cannot read, and that a restore brings back as broken: ${listShort(names)}`,
    fix: 'Bring back what they read, or DROP VIEW on the primary.',
  };
};

const prepared: Check = ({ prepared: { report, problem } }) =>
  report === 0
    ? undefined
    : {
        severity: 'warning',
        check: 'prepared transactions',
        found:
          report === null
            ? `whether XA transactions are prepared cannot be told: ${problem}`
            : `XA transactions that are prepared, and neither committed nor rolled back: ${report}; no backup begins while there is one`,
        fix: 'XA RECOVER on the primary lists them: whoever prepared one commits it or rolls it back there.',
      };

const staging: Check = ({ staging: { report, problem } }) =>
  report?.length === 0
    ? undefined
    : {
        severity: 'warning',
        check: 'left salvage',
        found:
          report === null
            ? `whether a killed salvage has left a schema cannot be told: ${problem}`
            : `schemas in which a salvage loads: ${listShort(report)}; if none is at work, it was killed, and what it made is not complete`,
        fix: 'If none is at work: DROP DATABASE, on the primary, of those that it has; then salvage again.',
      };

function zoneOf(facts: { readonly timeZone: string; readonly systemTimeZone: string }): string {
  return facts.timeZone === 'SYSTEM' ? facts.systemTimeZone : facts.timeZone;
}

const samePrimary: StatusCheck = (status, { primary }) => {
  const facts = primary.report?.facts;
  if (facts === undefined || status.primaryServerId === 0) return undefined; // not met yet: `receiving` tells
  const sameUuid = facts.serverUuid === null || facts.serverUuid === status.primaryServerUuid;
  if (status.primaryServerId === facts.serverId && sameUuid) return undefined;
  const from = `server ${status.primaryServerId} at ${status.primaryHost}:${status.primaryPort}`;
  return {
    severity: 'error',
    check: 'identity',
    found: `it replicates from ${from}, but [primary] is server ${facts.serverId}`,
    fix: 'Correct [primary] or [replica]: a backup must belong to the log that is archived.',
  };
};

const applying: StatusCheck = ({ sqlRunning, sqlError }) => {
  if (sqlRunning) return undefined;
  const found = sqlError === null ? 'it does not apply: its SQL thread is stopped' : `it stopped applying: ${sqlError}`;
  return { severity: 'error', check: 'applying', found, fix: 'Mend the cause, then START SLAVE SQL_THREAD.' };
};

const receiving: StatusCheck = ({ ioRunning, ioError }) =>
  ioRunning
    ? undefined
    : {
        severity: 'warning',
        check: 'receiving',
        found: `it receives nothing from its primary${ioError === null ? '' : `: ${ioError}`}`,
        fix: 'Mend the cause, then START SLAVE IO_THREAD.',
      };

const lag: StatusCheck = ({ lagSeconds }) =>
  lagSeconds === null || lagSeconds <= LAG_SECONDS
    ? undefined
    : {
        severity: 'warning',
        check: 'lag',
        found: `it is ${lagSeconds} s behind its primary`,
        fix: 'Backups work, but are older than they look: find out what it applies so slowly.',
      };

const filters: StatusCheck = ({ filters: set }) =>
  set.length === 0
    ? undefined
    : {
        severity: 'error',
        check: 'filters',
        found: `it leaves out part of the primary's log: ${set.join(', ')}`,
        fix: 'Take backups on a replica without replication filters.',
      };

const temporaryTables: StatusCheck = ({ openTempTables }) =>
  openTempTables === 0
    ? undefined
    : {
        severity: 'warning',
        check: 'temporary tables',
        found: `replicated statements have ${openTempTables} temporary tables open: a backup has to wait for their end`,
        fix: 'Set binlog_format=ROW on the primary: then temporary tables are not replicated.',
      };

const CHECKS: readonly Check[] = [flavor, sameId, writable, engines, views, prepared, staging, timeZone, clockProblem];
const STATUS_CHECKS: readonly StatusCheck[] = [samePrimary, applying, receiving, lag, filters, temporaryTables];
