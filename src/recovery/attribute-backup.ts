import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { placeOf } from './choose-backup.ts';
import { findGtidDifference } from './gtid-difference.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours } from './neighbours.ts';
import { isCovered } from './route.ts';

/** The same backup, once for each lineage in which it stands. */
export type BackupStands = readonly [BackupRecord, ...BackupRecord[]];

/**
 * Finds every lineage in which a backup stands: the recorded one always, another one where its archive shows that. After a
 * failover the new primary is often backed up before it is archived, and a server that is archived anew, or that became primary
 * again, has several lineages with the same files: a backup in them is a start for targets in each. Only a lineage of that very
 * server will do, with the backup's GTIDs at its coordinates, in a file that the server had opened before the backup was
 * finished, and in no older one than the recorded: names and GTIDs may all come back after RESET MASTER.
 *
 * @param views newest first
 * @returns the record for each lineage; the first is the recorded one, unless the archive shows another one instead
 */
export async function attributeBackup(views: readonly LineageView[], record: BackupRecord): Promise<BackupStands> {
  const { lineage, gtid, serverId } = record.primary;
  const ofServer = views.filter((view) => view.lineage.serverId === serverId && view.lineage.flavor === record.flavor);
  const isCertain = lineage !== null && ofServer.every((view) => view.lineage.id === lineage);
  if (isCertain || gtid === null || gtid === '') return [record];
  // What only repeats another lineage's history is named after that one.
  const own = ofServer.filter((view) => !isEcho(view, record));
  const fitting: LineageView[] = [];
  for (const view of [...own, ...ofServer.filter((other) => !own.includes(other))])
    if (await isOf(view, record)) fitting.push(view);
  const recorded = fitting.find((view) => view.lineage.id === lineage);
  const opened = fitting.map((view) => openedAt(view, record));
  const earliest = recorded === undefined ? Math.max(...opened) : openedAt(recorded, record);
  const others = fitting.filter((view) => view !== recorded && openedAt(view, record) >= earliest);
  const stands = others.map((view) => ({ ...record, primary: { ...record.primary, lineage: view.lineage.id } }));
  const [first, ...more] = stands;
  if (recorded !== undefined || first === undefined) return [record, ...stands];
  return lineage === null ? [first, ...more] : [first, ...more, record];
}

/** Before its hand-over a lineage only repeats the one before it. */
function isEcho({ lineage: { handOver } }: LineageView, record: BackupRecord): boolean {
  return handOver !== null && compareCoordinates(placeOf(record), handOver.child) < 0;
}

/** When the server opened the file in which the backup stands; Infinity for a lineage that does not have it. */
function openedAt({ segments }: LineageView, record: BackupRecord): number {
  const { file } = placeOf(record);
  return segments.find(({ digest }) => digest.file === file)?.digest.openedAt ?? Infinity;
}

async function isOf(view: LineageView, record: BackupRecord): Promise<boolean> {
  const place = placeOf(record);
  if (openedAt(view, record) > Date.parse(record.finishedAt) / 1000) return false;
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
