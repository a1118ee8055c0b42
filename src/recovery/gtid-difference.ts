import { formatMariadbGtid, GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { LineageView } from './lineage-view.ts';

/** What a backup holds, beside what the archive has before the backup's coordinates. */
export interface GtidDifference {
  /** Why they are not of one history, in words; null when nothing says so. */
  readonly difference: string | null;
  /** The last GTID of each MariaDB domain of which the archive has groups and the backup none. */
  readonly lackedDomains: readonly string[];
}

/** Compares the GTIDs of a backup with those of the archive at its place; null or '' on either side compares nothing. */
export function findGtidDifference(view: LineageView, backup: string | null, archive: string | null): GtidDifference {
  if (backup === null || archive === null || backup === '') return { difference: null, lackedDomains: [] };
  if (view.lineage.flavor === 'mariadb')
    return positionDifference(GtidPosition.parse(backup), GtidPosition.parse(archive));
  const end = view.segments.at(-1)?.digest.gtidEnd ?? '';
  const sets = { backup: GtidSet.parse(backup), archive: GtidSet.parse(archive), later: GtidSet.parse(end) };
  return { difference: setDifference(sets), lackedDomains: [] };
}

/** Each domain that both have must stand at the same GTID; more in the backup are of servers that this log knows nothing about. */
function positionDifference(backup: GtidPosition, archive: GtidPosition): GtidDifference {
  const lacked: string[] = [];
  for (const gtid of archive.gtids()) {
    const held = backup.last(gtid.domain);
    if (held === undefined) {
      lacked.push(formatMariadbGtid(gtid));
    } else if (formatMariadbGtid(held) !== formatMariadbGtid(gtid)) {
      const difference = `the backup has GTID ${formatMariadbGtid(held)}, the archive ${formatMariadbGtid(gtid)}`;
      return { difference, lackedDomains: [] };
    }
  }
  return { difference: null, lackedDomains: lacked };
}

/** The backup must have all of the log before its coordinates and none of the log after them; more is the replica's own. */
function setDifference({ backup, archive, later }: Record<'backup' | 'archive' | 'later', GtidSet>): string | null {
  const lacking = archive.subtract(backup).toString();
  if (lacking !== '') return `the archive has GTIDs that the backup lacks: ${lacking}`;
  const after = later.subtract(archive);
  const early = after.subtract(after.subtract(backup)).toString();
  return early === '' ? null : `the backup already has GTIDs that come later in the archive: ${early}`;
}
