import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readGtidState } from './applier.ts';

/**
 * Tells an empty target the GTID state of what was loaded into it. MySQL takes that only while its own log has none, so the log is
 * emptied where it is another one; a server without GTIDs is told nothing.
 *
 * Source: MySQL 5.6 manual, "gtid_purged"; MariaDB manual, "gtid_slave_pos".
 */
export async function setBeginState(target: ServerConnection, state: string): Promise<void> {
  if (target.flavor === 'mariadb') {
    await target.query('SET GLOBAL gtid_slave_pos = ?', [state]);
    return;
  }
  const [row] = await target.query<{ mode: string }>('SELECT @@GLOBAL.gtid_mode AS mode');
  if (row?.mode !== 'ON' || GtidSet.parse(await readGtidState(target)).equals(GtidSet.parse(state))) return;
  await target.query('RESET MASTER');
  if (state !== '') await target.query('SET GLOBAL gtid_purged = ?', [state]);
}
