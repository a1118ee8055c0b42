import type { GtidState } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';

/**
 * True when a file that begins with `found` can follow one that ended with `expected`. MySQL may have been given more by SET
 * GLOBAL gtid_purged; it never has less. MariaDB may have been told to forget whole domains (FLUSH BINARY LOGS
 * DELETE_DOMAIN_ID); those it still has are where they were, and none is new. One that has forgotten all begins like a log that was reset.
 */
export function continuesFrom(expected: GtidState, found: GtidState): boolean {
  if (found instanceof GtidSet && expected instanceof GtidSet) return found.includes(expected);
  if (!(found instanceof GtidPosition && expected instanceof GtidPosition)) return false;
  if (found.gtids().length === 0) return expected.gtids().length === 0;
  return found.gtids().every((gtid) => {
    const before = expected.last(gtid.domain);
    return before?.server === gtid.server && before.sequence === gtid.sequence;
  });
}
