import type { BackupRecord } from '../../archive/backup-record.ts';
import { formatBytes } from '../../platform/byte-size.ts';
import { describeServer } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { isTriedMysql } from '../../server/tried-mysql.ts';
import type { ReplayEngine } from '../restore-phases.ts';
import { sourceZone } from '../source-zone.ts';
import { TARGET_WORDS } from '../target-words.ts';
import { inClear } from './in-clear.ts';
import { missingPlugins } from './missing-plugins.ts';
import type { Obstacle } from './obstacle.ts';
import { isOlderRelease } from './release.ts';
import type { TargetFacts } from './target-facts.ts';

/** A plan's demands on an existing server. */
export interface Demands {
  readonly backup: Pick<BackupRecord, 'flavor' | 'serverVersion' | 'settings'>;
  readonly engine: ReplayEngine;
  /** Of every server that the archive knows to have written the log. */
  readonly serverIds: ReadonlySet<number>;
  readonly neededBytes: number;
}

/** What keeps the server from being restored into, the gravest first. Pure: every check is made, also when an earlier one failed. */
export function findObstacles(facts: TargetFacts, demands: Demands): Obstacle[] {
  // Nobody is told how to make a server fit that others live on.
  const alive = LIFE.flatMap((check) => check(facts, demands));
  if (alive.length === 0) return CHECKS.flatMap((check) => check(facts, demands));
  const isProtected = facts.others.some(({ isTarget }) => isTarget === true);
  if (isInUse(facts)) return alive.map(({ what }) => ({ what, fix: isProtected ? PROTECTED : EMPTY_ONE }));
  return isProtected ? alive.map(({ what }) => ({ what, fix: `${PROTECTED} ${IN_ITS_PLACE}` })) : alive;
}

/** What a person should know before, although it keeps nothing from being restored. */
export function findDoubts(facts: TargetFacts, demands: Demands): string[] {
  return DOUBTS.flatMap((check) => check(facts, demands));
}

/** True of what only a server has that is not empty. */
export function isInUse({ schemas, accounts, marker }: TargetFacts): boolean {
  return schemas.length > 0 || accounts.length > 0 || marker !== null;
}

type Check = (facts: TargetFacts, demands: Demands) => Obstacle[];

const PROTECTED = 'Give another, empty server: a restore never writes to one that it protects.';
/** Not to be told of one that holds something. */
const IN_ITS_PLACE = 'For a new server in its place, name a configuration whose [primary] is not this one.';

const isAnother: Check = ({ others }) =>
  others
    .filter(({ isTarget }) => isTarget === true)
    .map(({ options }) => ({
      what: `it is the ${describeServer(options)}`,
      fix: PROTECTED,
    }));

const replicates: Check = ({ primaries, flavor }) =>
  primaries.map((primary) => ({
    what: `it is a replica of ${primary}`,
    fix: `Give another server; or, if nobody needs it as a replica: STOP ${flavor === 'mysql' ? 'SLAVE' : 'ALL SLAVES'}; RESET SLAVE ALL;`,
  }));

const isReplicated: Check = ({ replicas }) =>
  replicas.map((replica) => ({
    what: `${replica} reads its binary log, as a replica does`,
    fix: 'Give another server; or, if nobody needs that replica, end its replication (KILL here ends the session of one that is gone).',
  }));

const EMPTY_ONE = 'Give an empty server: nothing that somebody may need is dropped for a restore.';

/** How to drop something is only told of what a new server has by itself: the one given may be the wrong one. */
const isEmpty: Check = ({ schemas, accounts }) => {
  const isNew = schemas.every((name) => name === 'test');
  const drops = (names: readonly string[], drop: (name: string) => string): string =>
    isNew ? `Give an empty server; or, if nobody needs it: ${names.slice(0, NAMED).map(drop).join(' ')}` : EMPTY_ONE;
  return [
    ...some('schema', schemas, (names) => drops(names, (name) => `DROP DATABASE ${quoteName(name)};`)),
    ...some('account', accounts, (names) => drops(names, (name) => `${dropAccount(name)};`)),
  ];
};

const hasNoPlace: Check = ({ flavor, variables }) => {
  const { appliedVariable, emptyApplied } = TARGET_WORDS[flavor];
  const state = (variables.get(appliedVariable) ?? '').replaceAll('\n', '');
  if (state === '') return [];
  // MySQL takes a backup's GTIDs only while it has none: its log would have to go, and nobody else may have what is in it.
  const { what, lost } = {
    mariadb: { what: `it has applied another server's log, up to ${state}`, lost: 'that position' },
    mysql: { what: `its own log holds ${state}`, lost: 'its log' },
  }[flavor];
  return [{ what, fix: `Give a fresh server; or, if nobody needs ${lost}: ${emptyApplied};` }];
};

const hasAnIdOfItsOwn: Check = ({ variables }, { serverIds }) => {
  const id = Number(variables.get('server_id') ?? 0);
  const fix = 'Give it a server_id of its own, in its option file too: SET GLOBAL server_id = <number>;';
  return serverIds.has(id) ? [{ what: `its server_id ${id} is that of a server whose log is archived`, fix }] : [];
};

const isOfTheFlavor: Check = ({ flavor, version }, { backup }) =>
  flavor === backup.flavor
    ? []
    : [
        {
          what: `it is ${version}, and the backup is of ${backup.serverVersion}`,
          fix: 'Give a server of the same kind.',
        },
      ];

const isTried: Check = ({ flavor, version }) =>
  flavor === 'mariadb' || isTriedMysql(version)
    ? []
    : [
        {
          what: `it is MySQL ${version}, and of MySQL this version restores 5.6 only`,
          fix: 'Give a server of MySQL 5.6.',
        },
      ];

const isRecent: Check = ({ flavor, version }, { backup }) =>
  flavor !== backup.flavor || !isOlderRelease(version, backup.serverVersion)
    ? []
    : [
        {
          what: `its version ${version} is older than the source's, ${backup.serverVersion}`,
          fix: 'Give a server of the same version or a newer one.',
        },
      ];

const hasPlugins: Check = ({ plugins }, { backup: { settings } }) =>
  missingPlugins(settings['plugins'], plugins).map(({ name, library }) => ({
    what: `it lacks the plugin ${name}`,
    fix: `INSTALL PLUGIN ${name} SONAME '${library}';`,
  }));

/** An account without a password, as `mariadb.sys`, which views need, would be dropped and not made anew. Seen on MariaDB 10.11.19. */
const takesEveryAccount: Check = ({ passwordJudges }) =>
  passwordJudges.map((name) => ({
    what: `its plugin ${name} refuses passwords, and accounts of the source would not pass it`,
    fix: `UNINSTALL PLUGIN ${name}; and install it again afterwards.`,
  }));

/** Statements that convert times in the zone SYSTEM name only that: no setting of a running server changes it. */
const meansTheSameZone: Check = ({ systemZone }, { backup: { settings } }) => {
  if ((settings['time_zone'] ?? 'SYSTEM') !== 'SYSTEM') return [];
  const { tz } = sourceZone(settings, systemZone);
  if (tz === null) return [];
  const found = systemZone.map(({ abbreviation }) => abbreviation)[0] ?? '';
  return [
    {
      what: `by SYSTEM it means the time zone ${found}, and the source ${settings['system_time_zone'] ?? ''}`,
      fix: `Start it with TZ=${tz} in its environment.`,
    },
  ];
};

const hasRoom: Check = ({ freeBytes, variables }, { neededBytes }) =>
  freeBytes === null || freeBytes >= neededBytes
    ? []
    : [
        {
          what: `a restore needs at least ${formatBytes(neededBytes)}, and '${variables.get('datadir') ?? ''}' has ${formatBytes(freeBytes)} free`,
          fix: 'Free space there, or give a server on a larger disk.',
        },
      ];

const isInReach: Check = ({ isLocal }, { engine }) =>
  isLocal || engine === 'session'
    ? []
    : [
        {
          what: 'it is not on this machine, and its applier reads the log from here on loopback',
          fix: 'Run lastgood on its machine, or give --engine session.',
        },
      ];

const LIFE: readonly Check[] = [isAnother, replicates, isReplicated];

const CHECKS: readonly Check[] = [
  isEmpty,
  hasNoPlace,
  hasAnIdOfItsOwn,
  isOfTheFlavor,
  isTried,
  isRecent,
  hasPlugins,
  takesEveryAccount,
  meansTheSameZone,
  hasRoom,
  isInReach,
];

type Doubt = (facts: TargetFacts, demands: Demands) => string[];

const notAsked: Doubt = ({ others }) =>
  others
    .filter(({ isTarget }) => isTarget === null)
    .map(
      ({ options }) =>
        `the ${describeServer(options)} could not be asked whether it is the target: only their addresses were compared`,
    );

const unknownRoom: Doubt = ({ freeBytes, variables }, { neededBytes }) =>
  freeBytes === null
    ? [
        `how much is free in the target's '${variables.get('datadir') ?? ''}' is not known here: it needs at least ${formatBytes(neededBytes)}`,
      ]
    : [];

/** A larger index key or row fits a larger page only; a load that meets one stops. */
const otherPages: Doubt = ({ variables }, { backup: { settings } }) => {
  const [found, source] = [variables.get('innodb_page_size'), settings['innodb_page_size']];
  if (source === undefined || found === undefined || found === source) return [];
  return [`the target's innodb_page_size is ${found}, the source's ${source}`];
};

/** Not written by us: what is loaded stays out of the log, or it would have GTIDs that the source's log does not have. */
const ownLog: Doubt = ({ variables }) => {
  if (variables.get('log_bin') !== 'ON') return [];
  const state = variables.get('gtid_binlog_state') ?? '';
  const own = state === '' ? '' : `, and has GTIDs of its own (${state})`;
  // There RESET MASTER would also empty gtid_executed: as a replica it would be sent everything once more.
  if (variables.get('gtid_mode') === 'ON') {
    return [
      "the target's own binary log does not hold the loaded backup: its replicas have to begin with a copy of it",
    ];
  }
  return [
    `the target's own binary log does not hold the loaded backup${own}: RESET MASTER empties it, before the server gets or becomes a replica`,
  ];
};

const unencrypted: Doubt = ({ variables }, { backup: { settings } }) =>
  inClear(settings, variables.get('innodb_encrypt_tables') ?? 'OFF', 'the target');

const DOUBTS: readonly Doubt[] = [notAsked, unknownRoom, otherPages, unencrypted, ownLog];

/** How many names a message tells. */
const NAMED = 5;

function some(what: string, names: readonly string[], fix: (names: readonly string[]) => string): Obstacle[] {
  if (names.length === 0) return [];
  const rest = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  const listed = `${what}${names.length === 1 ? '' : 's'} ${names.slice(0, NAMED).join(', ')}${rest}`;
  return [{ what: `it is not empty: it has ${listed}`, fix: fix(names) }];
}

/** A statement. @param name as `readAccounts` gives it */
export function dropAccount(name: string): string {
  return name.startsWith('ROLE ') ? `DROP ${name}` : `DROP USER ${name}`;
}
