import type { Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from './connection.ts';

/** How a replica stands to its primary. */
export interface ReplicaStatus {
  /** '' is the default connection. Source: MariaDB manual, "Multi-Source Replication"; MySQL calls it a channel. */
  readonly connectionName: string;
  readonly ioRunning: boolean;
  readonly sqlRunning: boolean;
  readonly primaryHost: string;
  readonly primaryPort: number;
  /** 0 until it has met its primary since it started. */
  readonly primaryServerId: number;
  /** MySQL only. */
  readonly primaryServerUuid: string | null;
  /** What it has applied, in the primary's binary log. Exact only while applying is stopped. Null before the first event. */
  readonly executed: Coordinates | null;
  /** What it has received, in the primary's binary log. */
  readonly received: Coordinates | null;
  /** True when it asks the primary by GTID, not by file and position. */
  readonly usingGtid: boolean;
  /** gtid_slave_pos (MariaDB) or gtid_executed (MySQL); '' where there are no GTIDs. */
  readonly gtidApplied: string;
  /** Null when it cannot say, as when it is not running. */
  readonly lagSeconds: number | null;
  /** How long it waits on purpose before it applies what its primary committed; 0 for most. */
  readonly delaySeconds: number;
  /** How long the group waits still that it applies next; null when it does not wait. */
  readonly delayLeftSeconds: number | null;
  readonly sqlError: string | null;
  readonly ioError: string | null;
  /** The applier's error, else the receiver's. */
  readonly lastError: string | null;
  /** Each replication filter that is set, as `Replicate_Do_DB=shop`. */
  readonly filters: readonly string[];
  /** Temporary tables that replicated statements have open: no dump holds them. */
  readonly openTempTables: number;
  readonly parallelThreads: number;
}

/** Null when the server is no replica. @throws LastgoodError `PREFLIGHT_FAILED` when it has more than one primary */
export async function readReplicaStatus(connection: ServerConnection): Promise<ReplicaStatus | null> {
  const rows = await connection.query(STATEMENTS[dialectOf(connection)].show);
  if (rows.length > 1) {
    const server = describeServer(connection.options);
    throw new LastgoodError(
      'PREFLIGHT_FAILED',
      `the ${server} replicates from ${rows.length} primaries, one is supported`,
    );
  }
  const row = rows[0];
  return row === undefined ? null : { ...describe(inOldWords(row)), ...(await readApplier(connection)) };
}

/** Stops the SQL thread and returns once it stands still; the I/O thread goes on receiving. */
export async function stopApplying(connection: ServerConnection): Promise<void> {
  await connection.query(STATEMENTS[dialectOf(connection)].stop);
}

/** What a person runs to stop the SQL thread. */
export function stopApplyingStatement(connection: Pick<ServerConnection, 'flavor' | 'version'>): string {
  return STATEMENTS[dialectOf(connection)].stop;
}

/** Starts the SQL thread. */
export async function startApplying(connection: ServerConnection): Promise<void> {
  await connection.query(STATEMENTS[dialectOf(connection)].start);
}

/** Source: MySQL 8.4 manual, "SHOW REPLICA STATUS" (from 8.0.22 on; 8.4 no longer knows the old words). */
const STATEMENTS = {
  mariadb: { show: 'SHOW ALL SLAVES STATUS', stop: 'STOP ALL SLAVES SQL_THREAD', start: 'START ALL SLAVES SQL_THREAD' },
  mysql: { show: 'SHOW SLAVE STATUS', stop: 'STOP SLAVE SQL_THREAD', start: 'START SLAVE SQL_THREAD' },
  mysql8: { show: 'SHOW REPLICA STATUS', stop: 'STOP REPLICA SQL_THREAD', start: 'START REPLICA SQL_THREAD' },
} as const;

function dialectOf({ flavor, version }: Pick<ServerConnection, 'flavor' | 'version'>): keyof typeof STATEMENTS {
  if (flavor === 'mariadb') return 'mariadb';
  const [major = 0, minor = 0, patch = 0] = version.split(/\D/, 3).map(Number);
  return major * 10_000 + minor * 100 + patch >= 80_022 ? 'mysql8' : 'mysql';
}

type Row = Readonly<Record<string, unknown>>;

/** MySQL 8.0.22 renamed the columns; one set of words is enough here. */
function inOldWords(row: Row): Row {
  const oldWord = (name: string): string => name.replaceAll('Source', 'Master').replace(/^Replica_/, 'Slave_');
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [oldWord(name), value]));
}

function describe(row: Row): Omit<ReplicaStatus, keyof ApplierState> {
  const seconds = (column: string): number | null =>
    row[column] === null || row[column] === undefined ? null : Number(row[column]);
  return {
    connectionName: text(row, 'Connection_name') || text(row, 'Channel_Name'),
    ioRunning: text(row, 'Slave_IO_Running') === 'Yes',
    sqlRunning: text(row, 'Slave_SQL_Running') === 'Yes',
    primaryHost: text(row, 'Master_Host'),
    primaryPort: Number(row['Master_Port']),
    primaryServerId: Number(row['Master_Server_Id'] ?? 0),
    primaryServerUuid: text(row, 'Master_UUID') || null,
    executed: coordinates(row, 'Relay_Master_Log_File', 'Exec_Master_Log_Pos'),
    received: coordinates(row, 'Master_Log_File', 'Read_Master_Log_Pos'),
    usingGtid: !['', 'No'].includes(text(row, 'Using_Gtid')) || text(row, 'Auto_Position') === '1',
    lagSeconds: seconds('Seconds_Behind_Master'),
    // Source: MariaDB manual, "Delayed Replication", and MySQL 5.6 manual, "Delayed Replication".
    delaySeconds: seconds('SQL_Delay') ?? 0,
    delayLeftSeconds: seconds('SQL_Remaining_Delay'),
    sqlError: text(row, 'Last_SQL_Error') || null,
    ioError: text(row, 'Last_IO_Error') || null,
    lastError: text(row, 'Last_SQL_Error') || text(row, 'Last_IO_Error') || null,
    filters: FILTERS.filter((name) => text(row, name) !== '').map((name) => `${name}=${text(row, name)}`),
  };
}

/** Source: the columns of SHOW SLAVE STATUS, MariaDB 10.11 and MySQL 8.4. */
const FILTERS = [
  'Replicate_Do_DB',
  'Replicate_Ignore_DB',
  'Replicate_Do_Table',
  'Replicate_Ignore_Table',
  'Replicate_Wild_Do_Table',
  'Replicate_Wild_Ignore_Table',
  'Replicate_Rewrite_DB',
  'Replicate_Ignore_Server_Ids',
  'Replicate_Do_Domain_Ids',
  'Replicate_Ignore_Domain_Ids',
];

function coordinates(row: Row, fileColumn: string, positionColumn: string): Coordinates | null {
  const file = text(row, fileColumn);
  return file === '' ? null : { file, position: Number(row[positionColumn]) };
}

function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

type ApplierState = Pick<ReplicaStatus, 'gtidApplied' | 'openTempTables' | 'parallelThreads'>;

async function readApplier(connection: ServerConnection): Promise<ApplierState> {
  const named = async (statement: string): Promise<string> => {
    const [row] = await connection.query<{ Value: string }>(statement);
    return row?.Value ?? '';
  };
  const isMariadb = connection.flavor === 'mariadb';
  const gtidApplied = await named(`SHOW GLOBAL VARIABLES LIKE '${isMariadb ? 'gtid_slave_pos' : 'gtid_executed'}'`);
  const openTables = await named(
    `SHOW GLOBAL STATUS WHERE Variable_name IN ('Slave_open_temp_tables', 'Replica_open_temp_tables')`,
  );
  const threads = await named(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('slave_parallel_threads', 'slave_parallel_workers', 'replica_parallel_workers')`,
  );
  return {
    gtidApplied: gtidApplied.replaceAll('\n', ''),
    openTempTables: Number(openTables),
    parallelThreads: Number(threads),
  };
}
