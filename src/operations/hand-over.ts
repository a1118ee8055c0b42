import { parseGtid, parseGtidState } from '../binlog/gtid-text.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import type { Incident } from '../incident/incident.ts';
import type { Plan } from '../recovery/plan.ts';
import type { HandedOver } from '../recovery/restore-target.ts';
import { shellWord } from '../platform/shell-word.ts';

/** One thing to do, by a person. */
export interface HandOverStep {
  /** Why, or what to mind. */
  readonly say: string;
  /** A line for a shell of this machine, or a statement for the restored server. */
  readonly where: 'shell' | 'server';
  readonly run: string;
}

/** What can be made of a restored server: part of the JSON contract. Nothing of it was done. */
export interface HandOver {
  /** To let it take the primary's place. */
  readonly promote: readonly HandOverStep[];
  /** To make it a replica of the primary that is there. */
  readonly follow: {
    /** From where on it gets the primary's log; null without GTIDs: then from the plan's coordinates. */
    readonly gtidState: string | null;
    /** What it would do again, or meet; null when nothing is in the way. */
    readonly mind: string | null;
    readonly steps: readonly HandOverStep[];
  };
}

/** Where the primary is, as the restored server would reach it; placeholders where nobody said. */
export interface PrimaryPlace {
  readonly host?: string | undefined;
  readonly port?: number | undefined;
}

/** The commands for both ways. Pure. */
export function handOverOf(plan: Plan, server: HandedOver, primary: PrimaryPlace): HandOver {
  return {
    promote: server.kind === 'scratch' ? promoteNew(server) : promoteExisting(plan, server),
    follow: follow(plan, server, primary),
  };
}

/**
 * ALTER EVENT makes whoever runs it the definer, unless it names one.
 * Source: tried on MariaDB 10.11.19 and MySQL 5.6.24; MySQL 8.4 manual, "ALTER EVENT Statement".
 */
const ENABLE_EVENTS: HandOverStep = {
  say: 'Events came disabled, as on any replica: this lists the statements that enable them. Leave out what must not run twice.',
  where: 'server',
  run: [
    "SELECT CONCAT('ALTER DEFINER = `', REPLACE(LEFT(DEFINER, CHAR_LENGTH(DEFINER) - LOCATE('@', REVERSE(DEFINER))), '`', '``'),",
    "'`@`', SUBSTRING_INDEX(DEFINER, '@', -1), '` EVENT `', REPLACE(EVENT_SCHEMA, '`', '``'), '`.`',",
    "REPLACE(EVENT_NAME, '`', '``'), '` ENABLE;') AS enable",
    "FROM information_schema.EVENTS WHERE STATUS = 'SLAVESIDE_DISABLED';",
  ].join(' '),
};
const ALLOW_WRITES: HandOverStep = {
  say: 'The application may write from here on.',
  where: 'server',
  run: 'SET GLOBAL read_only = OFF;',
};
const IS_WRITABLE: HandOverStep = {
  say: 'It is not read only: whoever has an account and reaches it can write already. This shows 0.',
  where: 'server',
  run: 'SELECT @@GLOBAL.read_only;',
};
const RUN_EVENTS: HandOverStep = {
  say: 'Events run from here on, until it is started anew: for later starts put event_scheduler = ON into its option file.',
  where: 'server',
  run: 'SET GLOBAL event_scheduler = ON;',
};
const ARCHIVE_IT: HandOverStep = {
  say: 'With [primary] leading to it, and [replica] to a replica of it: its log is a history of its own, which archive says by ending with 3. Take a backup at once: no earlier one reaches what it writes.',
  where: 'shell',
  run: 'lastgood archive --new-lineage --until-current; lastgood backup',
};

function promoteNew(server: HandedOver): HandOverStep[] {
  const { datadir, socket } = server;
  const options = shellWord(`${datadir}/lastgood.cnf`);
  return [
    ...stopSteps(server),
    {
      say: 'It writes no binary log, and listens on this machine only. Its server_id is new, and so is its log.',
      where: 'shell',
      run: `printf '%s\\n' 'log_bin = binlog' 'binlog_format = ROW' 'bind_address = 0.0.0.0' >> ${options}`,
    },
    {
      say: 'Start it, as the service that it is to be, and wait until it answers.',
      where: 'shell',
      run: `mariadbd --defaults-file=${options} & mariadb-admin --socket=${shellWord(socket)} --wait=30 ping`,
    },
    ...openSteps(server),
  ];
}

/** The next one cannot start before this one has ended. */
function stopSteps({ pid }: HandedOver): HandOverStep[] {
  if (pid === null) return [];
  return [
    {
      say: 'Stop it, and wait for its end: these settings need a start.',
      where: 'shell',
      run: `kill ${pid}; while kill -0 ${pid} 2> /dev/null; do sleep 1; done`,
    },
  ];
}

function openSteps({ readOnly }: HandedOver): HandOverStep[] {
  return [ENABLE_EVENTS, RUN_EVENTS, readOnly ? ALLOW_WRITES : IS_WRITABLE, ARCHIVE_IT];
}

function promoteExisting(plan: Plan, server: HandedOver): HandOverStep[] {
  return [...emptyLogSteps(plan, server), ...openSteps(server)];
}

/** Not with GTIDs of MySQL: what the server has executed would be forgotten with its log. */
function emptyLogSteps({ backup, target }: Plan, { binaryLog }: HandedOver): HandOverStep[] {
  const isItsMemory = backup.flavor === 'mysql' && (target.resolved.gtidState ?? '') !== '';
  if (!binaryLog || isItsMemory) return [];
  return [
    {
      say: 'Empties its own log, before anybody reads it: what was loaded is not in there, and it may have GTIDs of its own.',
      where: 'server',
      run: 'RESET MASTER;',
    },
  ];
}

function follow(plan: Plan, server: HandedOver, primary: PrimaryPlace): HandOver['follow'] {
  const { target } = plan;
  const gtidState = stateToFollow(plan);
  if (target.kind === 'before-incident') {
    return {
      gtidState,
      mind: `the primary's log goes on with ${target.incident}: a replica from here would do it again`,
      steps: [bringForward(target.incident, server)],
    };
  }
  return {
    gtidState,
    mind: mindSkipped(plan.skipped),
    steps: [
      ...emptyLogSteps(plan, server),
      ...skipSteps(plan, gtidState),
      ...attachSteps({ plan, gtidState, primary }),
      ...startSteps(server),
    ],
  };
}

/** Only a restore looks whether the rest of the log can do without it. */
function bringForward(incident: string, { kind, datadir }: HandedOver): HandOverStep {
  const place = kind === 'scratch' ? `--resume --datadir ${shellWord(datadir)}` : '--datadir DIR';
  return {
    say: 'Bring it to the present without that one: what is in the way is said first, and in the end these commands for the server as it is then.',
    where: 'shell',
    run: `lastgood restore ${place} --latest --skip ${incident}`,
  };
}

function mindSkipped(skipped: readonly Incident[]): string | null {
  if (skipped.length === 0) return null;
  const ids = skipped.map(({ id }) => id).join(', ');
  const long = skipped.filter(isOfSeveral).map(({ id }) => id);
  const rest = long.length === 0 ? '' : `; of ${long.join(', ')} only the first transaction is counted as applied`;
  return `it has what ${ids} destroyed on the primary: what the primary writes from now on may clash with that, and then the applier stops${rest}`;
}

/** A plan knows the bytes of the others, and not their GTIDs. */
function isOfSeveral({ groups = 1, loop, settledBy }: Incident): boolean {
  return groups > 1 || loop !== undefined || settledBy !== null;
}

/** With what was skipped: else the primary sends it. */
function stateToFollow({ target: { resolved }, skipped, backup }: Plan): string | null {
  const { gtidState } = resolved;
  if (gtidState === null || gtidState === '') return null;
  if (backup.flavor === 'mariadb') return withSkippedPosition(gtidState, skipped);
  const state = parseGtidState(backup.flavor, gtidState);
  for (const { gtid } of skipped) if (gtid !== null) state.add(parseGtid(gtid));
  return state.toString();
}

/** A position names the last of each domain: an earlier one that was skipped is behind it anyway. */
function withSkippedPosition(gtidState: string, skipped: readonly Incident[]): string {
  const state = GtidPosition.parse(gtidState);
  for (const { gtid } of skipped) {
    const left = gtid === null ? null : parseGtid(gtid);
    if (left?.flavor === 'mariadb' && left.sequence > (state.last(left.domain)?.sequence ?? -1)) state.add(left);
  }
  return state.toString();
}

function skipSteps({ backup, target, skipped }: Plan, gtidState: string | null): HandOverStep[] {
  if (gtidState === null || skipped.length === 0 || gtidState === target.resolved.gtidState) return [];
  const say = 'So that the primary does not send what was skipped.';
  return backup.flavor === 'mariadb'
    ? [{ say, where: 'server', run: `SET GLOBAL gtid_slave_pos = '${gtidState}';` }]
    : [
        { say: 'Forgets its own log, so that the next one is possible.', where: 'server', run: 'RESET MASTER;' },
        { say, where: 'server', run: `SET GLOBAL gtid_purged = '${gtidState}';` },
      ];
}

function attachSteps(o: { plan: Plan; gtidState: string | null; primary: PrimaryPlace }): HandOverStep[] {
  const { file, position } = o.plan.target.resolved;
  const { host = '<host>' } = o.primary;
  // Behind a socket it may be any.
  const { port = o.primary.host === undefined ? '<port>' : 3306 } = o.primary;
  const byGtid = o.plan.backup.flavor === 'mariadb' ? 'MASTER_USE_GTID = slave_pos' : 'MASTER_AUTO_POSITION = 1';
  const from = o.gtidState === null ? `MASTER_LOG_FILE = '${file}', MASTER_LOG_POS = ${position}` : byGtid;
  return [
    {
      say: 'Replicas are read only: in its option file too. With an account of the primary that has REPLICATION SLAVE.',
      where: 'server',
      run: 'SET GLOBAL read_only = ON;',
    },
    {
      say: 'The primary must still have its log from here on; else point it at `lastgood archive-server` first.',
      where: 'server',
      run: `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '<user>', MASTER_PASSWORD = '<password>', ${from};`,
    },
  ];
}

function startSteps({ kind }: HandedOver): HandOverStep[] {
  return [
    {
      say:
        kind === 'scratch'
          ? 'Its option file has skip_slave_start: after a restart it waits for this.'
          : 'After a restart it goes on by itself, unless its option file has skip_slave_start.',
      where: 'server',
      run: 'START SLAVE;',
    },
    {
      say: 'It has caught up when both threads run and it is 0 seconds behind.',
      where: 'server',
      run: 'SHOW SLAVE STATUS;',
    },
  ];
}
