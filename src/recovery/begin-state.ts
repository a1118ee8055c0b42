import { GtidSet } from '../binlog/mysql-gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readGtidState } from './applier.ts';

/**
 * Tells an empty target the GTID state of what was loaded into it. MySQL takes that only while its own log has none; a server without
 * GTIDs is told nothing.
 *
 * Source: MySQL 5.6 manual, "gtid_purged"; MariaDB manual, "gtid_slave_pos".
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` for a MySQL target that has executed something else
 */
export async function setBeginState(target: ServerConnection, state: string): Promise<void> {
  if (target.flavor === 'mariadb') {
    await target.query('SET GLOBAL gtid_slave_pos = ?', [state]);
    return;
  }
  if (!(await hasGtids(target))) return;
  const executed = GtidSet.parse(await readGtidState(target));
  if (executed.includes(GtidSet.parse(state))) return;
  if (executed.size > 0) {
    throw new LastgoodError(
      'PREFLIGHT_FAILED',
      `the target has executed ${executed.toString()}, and the replay begins behind ${state}`,
      { hint: 'Restore into a server whose gtid_executed is empty, or is that of the backup.' },
    );
  }
  await target.query('SET GLOBAL gtid_purged = ?', [state]);
}

/** True for a MySQL server in which everything has a GTID. */
export async function hasGtids(target: ServerConnection): Promise<boolean> {
  // A server below 5.6 has no such variable.
  const [row] = await target.query<{ Value: string }>("SHOW GLOBAL VARIABLES LIKE 'gtid_mode'");
  return row?.Value === 'ON';
}
