import type { Coordinates } from '../binlog/coordinates.ts';
import type { ArchiveServer } from '../server/archive-server.ts';
import type { ServerConnection } from '../server/connection.ts';

/** What a server's applier says of itself. */
export interface ApplierStatus {
  readonly executed: Coordinates;
  readonly gtidState: string;
  /** Counted since the server started, whatever it replicates from. */
  readonly groups: number;
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
  await target.query(
    `CHANGE MASTER TO MASTER_HOST = ?, MASTER_PORT = ${archive.port}, MASTER_USER = ?, MASTER_PASSWORD = ?,
       MASTER_LOG_FILE = ?, MASTER_LOG_POS = ${coordinates.position}, MASTER_USE_GTID = ${byGtid ? 'slave_pos' : 'no'}, MASTER_SSL = 0,
       MASTER_CONNECT_RETRY = 1`,
    [archive.host, archive.user, archive.password, coordinates.file],
  );
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
    gtidState: await readGtidState(target),
    groups: GROUP_COUNTERS.reduce((sum, name) => sum + Number(row[name]), 0),
    receiveError: error(row, 'IO'),
    applyError: error(row, 'SQL'),
  };
}

/** The GTID of each domain that the server's applier has reached, as the server writes it. */
export async function readGtidState(target: ServerConnection): Promise<string> {
  const [row] = await target.query<{ state: string }>('SELECT @@GLOBAL.gtid_slave_pos AS state');
  return row?.state ?? '';
}

/** Source: MariaDB manual, "SHOW REPLICA STATUS", since 10.3.7. */
const GROUP_COUNTERS = ['Slave_DDL_Groups', 'Slave_Non_Transactional_Groups', 'Slave_Transactional_Groups'];

/** A lost connection has a number too, but the server tries again by itself: only a thread that stopped is an error. */
function error(row: Record<string, string | number>, thread: 'IO' | 'SQL'): string | null {
  const text = String(row[`Last_${thread}_Error`]);
  return row[`Slave_${thread}_Running`] === 'No' && text !== '' ? text : null;
}
