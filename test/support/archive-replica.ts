import { formatCoordinates } from '../../src/binlog/coordinates.ts';
import { waitFor } from '../../src/platform/wait.ts';
import type { ArchiveServer } from '../../src/server/archive-server.ts';
import type { ServerConnection } from '../../src/server/connection.ts';

/** The columns of SHOW SLAVE STATUS that tests look at. */
export type SlaveStatus = Readonly<Record<string, string | number | null>>;

/** Makes the server a replica of the archive server, and starts it. @param how MASTER_LOG_FILE and so on */
export async function replicateFrom(target: ServerConnection, archive: ArchiveServer, how: string): Promise<void> {
  const { host, port, user, password } = archive;
  await target.query(
    `CHANGE MASTER TO MASTER_HOST = '${host}', MASTER_PORT = ${port}, MASTER_USER = '${user}', MASTER_PASSWORD = '${password}',
       MASTER_CONNECT_RETRY = 1, MASTER_HEARTBEAT_PERIOD = 0.2, ${how}`,
  );
  await target.query('START SLAVE');
}

export async function slaveStatus(target: ServerConnection): Promise<SlaveStatus> {
  const [row] = await target.query<SlaveStatus>('SHOW SLAVE STATUS');
  if (row === undefined) throw new Error('the server is no replica');
  return row;
}

/** Resolves when the replica has applied everything up to the place; fails at once when it stopped. */
export async function appliedUpTo(
  target: ServerConnection,
  place: { file: string; position: number },
): Promise<SlaveStatus> {
  const what = `a replica at ${formatCoordinates(place)}`;
  return await waitFor(
    async () => {
      const status = await slaveStatus(target);
      const error = `${String(status['Last_IO_Error'])}${String(status['Last_SQL_Error'])}`;
      if (error !== '') throw new Error(error);
      const isThere =
        status['Relay_Master_Log_File'] === place.file && Number(status['Exec_Master_Log_Pos']) === place.position;
      return isThere ? status : false;
    },
    { timeoutMs: 30_000, what },
  );
}

/** Resolves with the words with which the replica stopped receiving. */
export async function refusedWith(target: ServerConnection): Promise<string> {
  const read = async (): Promise<string | false> => {
    const { Last_IO_Error: error, Last_IO_Errno: code } = await slaveStatus(target);
    return Number(code) === 1236 && String(error);
  };
  return await waitFor(read, { timeoutMs: 20_000, what: 'a refused replica' });
}

/** Resolves when the replica, which is connected, has received one more heartbeat. */
export async function oneHeartbeat(target: ServerConnection): Promise<void> {
  const count = async (): Promise<number> => {
    const [row] = await target.query<{ Value: string }>("SHOW GLOBAL STATUS LIKE 'Slave_received_heartbeats'");
    return Number(row?.Value);
  };
  const before = await count();
  await waitFor(async () => (await count()) > before, { timeoutMs: 10_000, what: 'a heartbeat' });
}

/** Ends replication and forgets it. */
export async function endReplica(target: ServerConnection): Promise<void> {
  await target.query('STOP SLAVE');
  await target.query('RESET SLAVE ALL');
}
