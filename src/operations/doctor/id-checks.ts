/**
 * Who else may have the archiver's id. Two clients with one id throw each other out on MariaDB; on MySQL two of one uuid do, and each
 * archiver has a uuid of its own.
 */
import type { Flavor } from '../../binlog/gtid.ts';
import { describeClient, isArchiver, machineOf, type DumpClient } from '../../server/dump-clients.ts';
import { ARCHIVER_HOST } from '../../server/dump-client.ts';
import { grantStatement } from '../../server/grants.ts';
import { nameArchiver, otherId } from '../archiver-name.ts';
import { isWaiting } from '../archiver-wait.ts';
import type { DoctorFacts, PrimaryReport } from './facts.ts';
import type { Problem } from './primary-checks.ts';

/** Servers, replicas and archivers that have it, as far as they can be seen. Pure. */
export function archiverId({ facts, clients }: PrimaryReport, all: DoctorFacts): Problem | undefined {
  const { settings, replica } = all;
  const { serverId } = settings.primary;
  const others = (clients.report ?? []).filter((client) => client.serverId === serverId && !isRunningHere(client, all));
  const stranger = others.find((client) => !isArchiver(client));
  const holders = [
    facts.serverId === serverId ? 'the primary itself' : null,
    replica?.report?.facts.serverId === serverId ? 'the replica' : null,
    stranger === undefined ? null : `another client that replicates from it, ${describeClient(stranger)}`,
  ];
  const holder = holders.find((name) => name !== null);
  if (holder !== undefined) return inUse(`in use by ${holder}`, all);
  const [archiver] = others;
  return archiver === undefined ? undefined : otherArchiver(archiver, all, facts.flavor);
}

/** While the repository's own archiver runs, one of this machine is not that one. */
function otherArchiver(archiver: DumpClient, all: DoctorFacts, flavor: Flavor): Problem {
  const isOfThisMachine = mayBeOurs(archiver, all);
  if (isOfThisMachine && all.repository.report?.archiverRunning !== true)
    return archiverThere(all.settings.primary.serverId);
  if (flavor === 'mysql') return servedBoth(archiver, all);
  return inUse(`in use by ${describeClient(archiver)}${isOfThisMachine ? ', of another repository' : ''}`, all);
}

/** The archiver that holds the repository's lock; one of an earlier version says no more than that it is one. */
function isRunningHere(client: DumpClient, { repository }: DoctorFacts): boolean {
  const { archiverHost = null } = repository.report ?? {};
  return archiverHost !== null && (client.host === archiverHost || isArchiverHost(client));
}

/** A server ends the thread of a client that is gone only when it next sends it something. */
function mayBeOurs(client: DumpClient, { settings }: DoctorFacts): boolean {
  const { primary, repositoryPath } = settings;
  const { host } = nameArchiver({ repositoryPath, name: primary.name }, primary.serverId);
  return machineOf(client) === machineOf({ host }) || isArchiverHost(client);
}

function isArchiverHost({ host }: DumpClient): boolean {
  return host === ARCHIVER_HOST;
}

function inUse(how: string, { settings: { primary, repositoryPath } }: DoctorFacts): Problem {
  return {
    severity: 'error',
    check: 'server ids',
    found: `primary.server_id ${primary.serverId} is ${how}: two clients with one id throw each other out`,
    fix: `Give primary.server_id a number that no server and no other archiver of the topology has, for example ${otherId({ repositoryPath, name: primary.name }, primary.serverId)}. The archive goes on under any id.`,
  };
}

function archiverThere(serverId: number): Problem {
  return {
    severity: 'warning',
    check: 'server ids',
    found: `an archiver with primary.server_id ${serverId} is connected to it, and none runs on this repository: one that has just stopped, or one of another repository`,
    fix: 'Run `lastgood doctor` again in a minute. If this stays, look for a second archiver: two with one id throw each other out.',
  };
}

function servedBoth(client: DumpClient, { settings: { primary } }: DoctorFacts): Problem {
  return {
    severity: 'warning',
    check: 'server ids',
    found: `${describeClient(client)} replicates from it with primary.server_id ${primary.serverId} too: MySQL serves both, and lists only one of them`,
    fix: 'Give each archiver a primary.server_id of its own.',
  };
}

/**
 * Where the account may not see ids. An archiver that has archived before had its id to itself then, or its log says who took it: that is
 * no news on every run. Pure.
 */
export function hiddenIds({ facts, account, clients, ownDumps }: PrimaryReport, all: DoctorFacts): Problem | undefined {
  if (clients.report !== null) return undefined;
  const { settings, repository } = all;
  const { archived = false, archiverRunning = false } = repository.report ?? {};
  const check = 'server ids';
  const grant = facts.flavor === 'mariadb' ? ` To see the ids: ${grantStatement(account.account, [SEES_IDS])}` : '';
  const others = (ownDumps.report ?? []).slice(isStreaming(all) ? 1 : 0);
  const by = `Make sure by hand that none of them is ${settings.primary.serverId}.${grant}`;
  if (others.length > 0)
    return {
      severity: archiverRunning ? 'info' : 'warning',
      check,
      found: `'${settings.primary.user}' reads its log from ${[...new Set(ownDumps.report)].join(', ')} already, under an id that is not to be seen: an archiver that has just stopped, or another one`,
      fix: by,
    };
  if (archived) return undefined;
  return {
    severity: 'info',
    check,
    found: `the ids of its other replicas are not to be seen: ${clients.problem}`,
    fix: by,
  };
}

/** The repository's own archiver reads the log now. */
function isStreaming({ repository: { report } }: DoctorFacts): boolean {
  return report?.archiverRunning === true && !isWaiting(report.archiverWait, report.readAt);
}

/** Source: MariaDB manual, SHOW REPLICA HOSTS; tried with 10.11. */
const SEES_IDS = 'REPLICATION MASTER ADMIN';
