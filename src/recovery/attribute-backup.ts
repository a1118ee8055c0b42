import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { placeOf } from './choose-backup.ts';
import { findGtidDifference } from './gtid-difference.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours } from './neighbours.ts';
import { isCovered } from './route.ts';

/**
 * Finds the lineage in which a backup really stands. After a failover the new primary is often backed up before it is archived, and
 * a server that became primary again, or whose log was reset, has several lineages with the same file names. Only a lineage of
 * that very server will do, with the backup's GTIDs at its coordinates, in a file that the server had opened before the backup
 * was finished: names and GTIDs may all come back after RESET MASTER.
 *
 * @param views newest first
 * @returns the record as it is when no lineage fits, or when there is no other to choose
 */
export async function attributeBackup(views: readonly LineageView[], record: BackupRecord): Promise<BackupRecord> {
  const { lineage, gtid, serverId } = record.primary;
  const ofServer = views.filter((view) => view.lineage.serverId === serverId && view.lineage.flavor === record.flavor);
  const isCertain = lineage !== null && ofServer.every((view) => view.lineage.id === lineage);
  if (isCertain || gtid === null || gtid === '') return record;
  // What stands in two of them belongs to the one in whose history it is.
  const own = ofServer.filter((view) => !isEcho(view, record));
  for (const view of [...own, ...ofServer.filter((other) => !own.includes(other))]) {
    if (await isOf(view, record)) return { ...record, primary: { ...record.primary, lineage: view.lineage.id } };
  }
  return record;
}

/** Before its hand-over a lineage only repeats the one before it. */
function isEcho({ lineage: { handOver } }: LineageView, record: BackupRecord): boolean {
  return handOver !== null && compareCoordinates(placeOf(record), handOver.child) < 0;
}

async function isOf(view: LineageView, record: BackupRecord): Promise<boolean> {
  const place = placeOf(record);
  const file = view.segments.find(({ digest }) => digest.file === place.file)?.digest;
  if (file === undefined || file.openedAt > Date.parse(record.finishedAt) / 1000) return false;
  if (!isCovered(view.segments, place)) return false;
  try {
    const { inside, gtidState } = await findNeighbours(view, place);
    if (inside !== null || gtidState === null || gtidState === '') return false;
    const { difference, lackedDomains } = findGtidDifference(view, record.primary.gtid, gtidState);
    return difference === null && lackedDomains.length === 0;
  } catch (error) {
    if (isLastgoodError(error, 'ARCHIVE_DAMAGED')) return false;
    throw error;
  }
}
