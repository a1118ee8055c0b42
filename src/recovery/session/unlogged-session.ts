import { connect, type ServerConnection } from '../../server/connection.ts';
import { trySet } from './try-set.ts';

/** A second session on the same server. What it does is not in the server's binary log, as far as the account may keep it out. */
export async function connectUnlogged({ options }: ServerConnection): Promise<ServerConnection> {
  const connection = await connect(options);
  await trySet(connection, 'SET SESSION sql_log_bin = 0');
  return connection;
}
