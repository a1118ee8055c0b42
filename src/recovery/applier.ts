import type { Coordinates } from '../binlog/coordinates.ts';
import type { ArchiveServer } from '../server/archive-server.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { readReplicaStatus } from '../server/replica-status.ts';
import { TARGET_WORDS } from './target-words.ts';

/** What a server's applier says of itself. */
export interface ApplierStatus {
  readonly executed: Coordinates;
  readonly gtidState: string;
  /** Counted from a beginning of its own, whatever it replicates from; null where nothing counts: MySQL without GTIDs. */
  readonly groups: number | null;
  /** Why it does not receive, or does not apply; null when neither is wrong. */
  readonly receiveError: string | null;
  readonly applyError: string | null;
}

/**
 * Makes the server a replica of the archive, from these coordinates on; it does not start. Where there are GTIDs it
 * asks by its own GTID state: then it does not write down its place after each event, and applies twice as fast.
 */
export async function attach(
  target: ServerConnection,
  from: { archive: ArchiveServer; coordinates: Coordinates; byGtid: boolean },
): Promise<void> {
  const { archive, coordinates, byGtid } = from;
  const at = `MASTER_LOG_FILE = ?, MASTER_LOG_POS = ${coordinates.position}`;
  const places = {
    mariadb: `${at}, MASTER_USE_GTID = ${byGtid ? 'slave_pos' : 'no'}`,
    mysql: byGtid ? 'MASTER_AUTO_POSITION = 1' : `${at}, MASTER_AUTO_POSITION = 0`,
  };
  await target.query(
    `CHANGE MASTER TO MASTER_HOST = ?, MASTER_PORT = ${archive.port}, MASTER_USER = ?, MASTER_PASSWORD = ?,
       MASTER_SSL = 0, MASTER_CONNECT_RETRY = 1, ${places[target.flavor]}`,
    [archive.host, archive.user, archive.password, coordinates.file],
  );
  if (target.flavor === 'mysql') await refuseFilters(target);
}

/** MySQL 5.6 tells its filters only once it is a replica; with GTIDs nothing else would show that it left something out. */
async function refuseFilters(target: ServerConnection): Promise<void> {
  const filters = (await readReplicaStatus(target))?.filters ?? [];
  if (filters.length === 0) return;
  await detach(target);
  const message = `the ${describeServer(target.options)} leaves out part of what it replicates: ${filters.join(', ')}`;
  throw new LastgoodError('PREFLIGHT_FAILED', message, {
    hint: 'Take these options out of its option file and restart it.',
  });
}

/** Starts receiving and applying. */
export async function startApplier(target: ServerConnection): Promise<void> {
  await target.query('START SLAVE');
}

/** Ends replication and forgets it: coordinates, password and relay logs. The GTID state stays. */
export async function detach(target: ServerConnection): Promise<void> {
  await target.query('STOP SLAVE');
  await target.query('RESET SLAVE ALL');
}

/** Reads the applier's status; null on a server that is no replica. */
export async function readApplier(target: ServerConnection): Promise<ApplierStatus | null> {
  const [row] = await target.query<Record<string, string | number>>('SHOW SLAVE STATUS');
  if (row === undefined) return null;
  return {
    executed: { file: String(row['Relay_Master_Log_File']), position: Number(row['Exec_Master_Log_Pos']) },
    ...(await readCount(target, row)),
    receiveError: error(row, 'IO'),
    applyError: error(row, 'SQL'),
  };
}

/** MySQL has no counters, but a set of which each group is a member. */
async function readCount(
  target: ServerConnection,
  row: Record<string, string | number>,
): Promise<Pick<ApplierStatus, 'gtidState' | 'groups'>> {
  const gtidState = await readGtidState(target);
  if (target.flavor === 'mariadb')
    return {
      gtidState,
      groups: GROUP_COUNTERS.reduce((sum, name) => sum + Number(row[name]), 0) - (await readRetries(target)),
    };
  return {
    gtidState,
    groups: row['Auto_Position'] === '1' || row['Auto_Position'] === 1 ? GtidSet.parse(gtidState).size : null,
  };
}

/**
 * How often a group was rolled back and applied once more: after a lock that another session held, and where parallel
 * appliers met. The counters count it each time. Source: MariaDB 10.11, tried with up to four parallel appliers.
 */
async function readRetries(target: ServerConnection): Promise<number> {
  const [row] = await target.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Slave_retried_transactions'");
  return Number(row?.Value ?? 0);
}

/** What the server's applier has reached, as the server writes it: the GTID of each domain, or MySQL's set. */
export async function readGtidState(target: ServerConnection): Promise<string> {
  const { appliedVariable } = TARGET_WORDS[target.flavor];
  const [row] = await target.query<{ state: string }>(`SELECT @@GLOBAL.${appliedVariable} AS state`);
  return row?.state.replaceAll('\n', '') ?? '';
}

/** Source: MariaDB manual, "SHOW REPLICA STATUS", since 10.3.7. */
const GROUP_COUNTERS = ['Slave_DDL_Groups', 'Slave_Non_Transactional_Groups', 'Slave_Transactional_Groups'];

/** A lost connection has a number too, but the server tries again by itself: only a thread that stopped is an error. */
function error(row: Record<string, string | number>, thread: 'IO' | 'SQL'): string | null {
  const text = String(row[`Last_${thread}_Error`]);
  return row[`Slave_${thread}_Running`] === 'No' && text !== '' ? withoutStatement(text) : null;
}

/**
 * An applier's error without the statement at its end, and without what a parser quotes of one: either may hold passwords and rows.
 * Source: MariaDB 10.11 sql/log_event_server.cc: `Error '%s' on query. Default database: '%s'. Query: '%s'`.
 */
export function withoutStatement(error: string): string {
  return error.replace(/\. Query: '.*$/s, '').replace(/ near '.*?'(?= at line \d|$| on query)/s, '');
}
