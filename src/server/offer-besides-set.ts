import type { Gtid } from '../binlog/gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import { leaveOut } from './leave-out.ts';
import { newestStart } from './newest-start.ts';
import { stateBefore } from './served-state.ts';
import type { ServedLog, ServedRange } from './served-range.ts';

const NO_GTIDS =
  'The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = OFF instead of ON.';
const PURGED =
  'The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1, but the master has purged binary logs containing GTIDs that the slave requires.';

/**
 * What a GTID set has not, as a MySQL server finds it: from the last file before which the client has everything, without the
 * groups that it has. Words of a refusal are the server's, which its users know.
 * Source: MySQL 8.4 sql/rpl_binlog_sender.cc, check_start_file, and sql/binlog.cc, find_first_log_not_in_gtid_set.
 */
export async function offerBesidesSet(log: ServedLog, client: GtidSet): Promise<readonly ServedRange[] | string> {
  if (log.identity.gtidMode !== 'ON') return NO_GTIDS;
  const start = await newestStart(log, (state) => state instanceof GtidSet && client.includes(state));
  if (start === null) return PURGED;
  const offer: ServedRange[] = [];
  for (let { index } = start; index < log.ranges.length; index += 1) {
    const rest = await clientRest(log, index, client);
    if (rest.size === 0) return [...offer, ...log.ranges.slice(index)]; // what follows is all new to the client
    offer.push(...(await offerOf(log, index, rest)));
  }
  return offer;
}

/** What the client has beyond all that is before the range's file. */
async function clientRest(log: ServedLog, index: number, client: GtidSet): Promise<GtidSet> {
  const before = await stateBefore(log, index);
  return before instanceof GtidSet ? client.subtract(before) : client;
}

/** Only a file that has something of the client's set is read. */
async function offerOf(log: ServedLog, index: number, rest: GtidSet): Promise<readonly ServedRange[]> {
  const range = log.ranges[index];
  if (range === undefined) return [];
  const next = log.ranges.findIndex(({ file }, at) => at > index && file !== range.file);
  const after = next < 0 ? null : await stateBefore(log, next);
  if (after instanceof GtidSet && rest.subtract(after).size === rest.size) return [range];
  const has = (gtid: Gtid | null): boolean => gtid?.flavor === 'mysql' && rest.contains(gtid);
  return await leaveOut(range, { isPending: true, has }, log.signal);
}
