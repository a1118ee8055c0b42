import { connect, type ServerConnection } from '../../server/connection.ts';
import type { ServerOptions } from '../../server/server-options.ts';

/**
 * What the server is set to must not change what our statements mean, nor end one that takes long. And whoever waits
 * for a lock makes others wait behind it: while a table is dropped, writers to tables that refer to it.
 */
const OURS = `SET SESSION sql_mode = '', sql_quote_show_create = 1, autocommit = 1, max_statement_time = 0,
  lock_wait_timeout = 60, innodb_lock_wait_timeout = 10`;

/** A session with the live server, in which only our own settings hold. Throws what `connect` does. */
export async function openLive(server: ServerOptions): Promise<ServerConnection> {
  const live = await connect(server);
  try {
    await live.query(OURS);
    return live;
  } catch (error) {
    await live.close();
    throw error;
  }
}
