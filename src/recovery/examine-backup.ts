import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates } from '../binlog/coordinates.ts';
import { hasCode } from '../platform/error-code.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours, type Neighbours } from './neighbours.ts';
import { attributeBackup, type BackupStands } from './attribute-backup.ts';
import { placeOf, type ExaminedBackup } from './choose-backup.ts';
import { findGtidDifference } from './gtid-difference.ts';
import { isCovered } from './route.ts';

/** A backup, whether a restore can start from it, and what the archive has at its coordinates. */
export interface BackupExamination extends ExaminedBackup {
  /** null with a `why`. */
  readonly neighbours: Neighbours | null;
}

/**
 * Looks at a backup in every lineage in which it stands.
 *
 * @param folder where the backup's files are; their content is read only by a restore
 * @returns its main one, which is the first that can be used if one can, and all
 */
export async function examineBackup(
  views: readonly LineageView[],
  recorded: BackupRecord,
  folder: string,
): Promise<{ readonly main: BackupExamination; readonly all: readonly BackupExamination[] }> {
  const [first, ...others]: BackupStands = await attributeBackup(views, recorded);
  const all: [BackupExamination, ...BackupExamination[]] = [await examineStand(views, first, folder)];
  for (const record of others) all.push(await examineStand(views, record, folder));
  return { main: all.find(({ why }) => why === null) ?? all[0], all };
}

/**
 * Looks whether a restore could start from a backup in the lineage of its record: its files are there, its lineage is archived,
 * the archive covers its coordinates, they are a group boundary, and the GTIDs it holds are those the archive has at that very
 * place. The last one is what shows a backup whose coordinates are of another server's log.
 *
 * @param folder where the backup's files are; their content is read only by a restore
 */
export async function examineStand(
  views: readonly LineageView[],
  record: BackupRecord,
  folder: string,
): Promise<BackupExamination> {
  const unusable = (why: string): BackupExamination => ({
    ...{ record, why, warnings: [], groupsBefore: 0, neighbours: null },
  });
  const { lineage, coordinates } = record.primary;
  if (lineage === null)
    return unusable('it was taken before its primary was archived: nothing ties its coordinates to a lineage');
  const view = views.find((candidate) => candidate.lineage.id === lineage);
  if (view === undefined) return unusable(`lineage ${lineage} is not in the archive`);
  const place = placeOf(record);
  if (!isCovered(view.segments, place)) return unusable(whyNotCovered(views, view, record));
  const lack = await whyNotWhole(record, folder);
  if (lack !== null) return unusable(lack);
  try {
    const neighbours = await findNeighbours(view, place);
    const { inside, gtidState, groupsBefore } = neighbours;
    if (inside !== null)
      return unusable(`${coordinates} is inside a transaction group (${inside.start} to ${inside.end})`);
    const { difference, lackedDomains } = findGtidDifference(view, record.primary.gtid, gtidState);
    if (difference !== null) return unusable(`at ${coordinates} ${difference}`);
    return { record, why: null, warnings: domainWarnings(record, lackedDomains), groupsBefore, neighbours };
  } catch (error) {
    if (isLastgoodError(error, 'ARCHIVE_DAMAGED')) return unusable(error.message);
    throw error;
  }
}

/** Whether each file is there with its size; null when all are. */
export async function whyNotWhole({ files }: BackupRecord, folder: string): Promise<string | null> {
  for (const { name, bytes } of files) {
    try {
      const { size } = await stat(join(folder, name));
      if (size !== bytes) return `its file ${name} has ${size} bytes instead of ${bytes}`;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return `its file ${name} is missing`;
      return `its file ${name} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return null;
}

function whyNotCovered(
  views: readonly LineageView[],
  { lineage, segments }: LineageView,
  record: BackupRecord,
): string {
  const { coordinates } = record.primary;
  const last = segments.at(-1)?.digest;
  const isAhead =
    last === undefined || compareCoordinates(placeOf(record), { file: last.file, position: last.indexedTo }) > 0;
  if (!isAhead) return `the archive does not have ${coordinates}`;
  const next = views.find((view) => view.lineage.parent === lineage.id)?.lineage.id;
  if (next === undefined) return `the archive does not reach ${coordinates} yet`;
  return `the archive of lineage ${lineage.id} ends before ${coordinates}: it is closed, ${next} follows it`;
}

/** A replica may leave domains out, and may never have met one whose last group is older than the replica itself: only its owner can tell. */
function domainWarnings({ id }: BackupRecord, domains: readonly string[]): string[] {
  if (domains.length === 0) return [];
  const last = domains.join(', ');
  return [
    `backup ${id} has no GTIDs of domains that the log has (${last}): if its replica ignores them, the restore lacks their older writes`,
  ];
}
