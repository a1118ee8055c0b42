import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import { formatMariadbGtid, GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours, type Neighbours } from './neighbours.ts';
import { placeOf, type ExaminedBackup } from './planner.ts';
import { isCovered } from './route.ts';

/** A backup, whether a restore can start from it, and what the archive has at its coordinates. */
export interface BackupExamination extends ExaminedBackup {
  /** null with a `why`. */
  readonly neighbours: Neighbours | null;
}

/**
 * Looks whether a restore could start from a backup: its files are there, its lineage is archived, the archive covers its
 * coordinates, they are a group boundary, and the GTIDs it holds are those the archive has at that very place. The last one is what shows
 * a backup whose coordinates are of another server's log.
 *
 * @param folder where the backup's files are; their content is read only by a restore
 */
export async function examineBackup(
  views: readonly LineageView[],
  record: BackupRecord,
  folder: string,
): Promise<BackupExamination> {
  const unusable = (why: string): BackupExamination => ({ record, why, groupsBefore: 0, neighbours: null });
  const { lineage, coordinates } = record.primary;
  if (lineage === null)
    return unusable('it was taken before its primary was archived: nothing ties its coordinates to a lineage');
  const view = views.find((candidate) => candidate.lineage.id === lineage);
  if (view === undefined) return unusable(`lineage ${lineage} is not in the archive`);
  const place = placeOf(record);
  if (!isCovered(view.segments, place)) return unusable(whyNotCovered(view, record));
  const lack = await whyNotWhole(record, folder);
  if (lack !== null) return unusable(lack);
  try {
    const neighbours = await findNeighbours(view, place);
    const { inside, gtidState, groupsBefore } = neighbours;
    if (inside !== null)
      return unusable(`${coordinates} is inside a transaction group (${inside.start} to ${inside.end})`);
    const difference = gtidDifference(view, record.primary.gtid, gtidState);
    return difference === null
      ? { record, why: null, groupsBefore, neighbours }
      : unusable(`at ${coordinates} ${difference}`);
  } catch (error) {
    if (isLastgoodError(error, 'ARCHIVE_DAMAGED')) return unusable(error.message);
    throw error;
  }
}

/** Whether each file is there with its size; null when all are. */
async function whyNotWhole({ files }: BackupRecord, folder: string): Promise<string | null> {
  for (const { name, bytes } of files) {
    try {
      const { size } = await stat(join(folder, name));
      if (size !== bytes) return `its file ${name} has ${size} bytes instead of ${bytes}`;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return `its file ${name} is missing`;
      return `its file ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return null;
}

function whyNotCovered({ segments }: LineageView, record: BackupRecord): string {
  const { coordinates } = record.primary;
  const last = segments.at(-1)?.digest;
  const isAhead =
    last === undefined || compareCoordinates(placeOf(record), { file: last.file, position: last.indexedTo }) > 0;
  return isAhead ? `the archive does not reach ${coordinates} yet` : `the archive does not have ${coordinates}`;
}

/** Compares what the backup holds with what the archive has before the backup's coordinates. */
function gtidDifference(view: LineageView, backup: string | null, archive: string | null): string | null {
  if (backup === null || archive === null || backup === '') return null;
  if (view.lineage.flavor === 'mariadb')
    return positionDifference(GtidPosition.parse(backup), GtidPosition.parse(archive));
  const end = view.segments.at(-1)?.digest.gtidEnd ?? '';
  return setDifference({ backup: GtidSet.parse(backup), archive: GtidSet.parse(archive), later: GtidSet.parse(end) });
}

/** Each domain that both have must stand at the same GTID; others are of servers that this log knows nothing about. */
function positionDifference(backup: GtidPosition, archive: GtidPosition): string | null {
  for (const gtid of backup.gtids()) {
    const archived = archive.last(gtid.domain);
    if (archived === undefined || formatMariadbGtid(archived) === formatMariadbGtid(gtid)) continue;
    return `the backup has GTID ${formatMariadbGtid(gtid)}, the archive ${formatMariadbGtid(archived)}`;
  }
  return null;
}

/** The backup must have all of the log before its coordinates and none of the log after them; more is the replica's own. */
function setDifference({ backup, archive, later }: Record<'backup' | 'archive' | 'later', GtidSet>): string | null {
  const lacking = archive.subtract(backup).toString();
  if (lacking !== '') return `the archive has GTIDs that the backup lacks: ${lacking}`;
  const after = later.subtract(archive);
  const early = after.subtract(after.subtract(backup)).toString();
  return early === '' ? null : `the backup already has GTIDs that come later in the archive: ${early}`;
}
