import type { BackupRecord } from '../archive/backup-record.ts';
import type { Repository } from '../archive/repository.ts';
import type { UnreadableRecord } from '../archive/stored-records.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import { backupsBefore, type ExaminedBackup } from '../recovery/choose-backup.ts';
import type { Way } from '../recovery/crossing.ts';
import { examineBackup, examineStand } from '../recovery/examine-backup.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import { whyHoldsSkipped, type Skip } from '../recovery/skip.ts';

/** Each look reads some of the archive. An older backup than these has more to replay, and is hardly ever faster. */
const COMPARED = 4;

/** What backups are wanted for. */
interface Wanted {
  readonly repository: Repository;
  readonly views: readonly LineageView[];
  readonly cut: Coordinates;
  readonly way: Way;
  readonly skips: readonly Skip[];
}

/** Looks at the newest backups on the way to a cut until enough are usable; the others come with the reason why nobody did. */
export async function examineBackups(
  backups: readonly BackupRecord[],
  { repository, views, cut, way, skips }: Wanted,
): Promise<ExaminedBackup[]> {
  const candidates = backupsBefore(backups, cut, way.legs);
  const examined: ExaminedBackup[] = [];
  for (const backup of candidates) {
    if (examined.filter(({ why }) => why === null).length >= COMPARED) {
      examined.push({ ...unexamined(backup, `not looked at: ${COMPARED} newer ones can be used`), isLookedAt: false });
      continue;
    }
    const why = whyHoldsSkipped(backup, skips, way.legs);
    const folder = repository.backupFolder(backup.id);
    examined.push(why === null ? await examineStand(views, backup, folder) : unexamined(backup, why));
  }
  const others = backups.filter((backup) => !candidates.includes(backup));
  return [...examined, ...others.map((backup) => unexamined(backup, 'it is not on the way to the target'))];
}

/** All backups that are stored. */
export interface StoredBackups {
  /** In each lineage in which they stand, oldest backup first. */
  readonly examined: readonly Awaited<ReturnType<typeof examineBackup>>[];
  /** Those of which nobody knows where they stand. */
  readonly unreadable: readonly UnreadableRecord[];
}

/** Looks at every stored backup. */
export async function examineStored(repository: Repository, views: readonly LineageView[]): Promise<StoredBackups> {
  const { records, unreadable } = await repository.backups();
  const examined: Awaited<ReturnType<typeof examineBackup>>[] = [];
  for (const record of records) examined.push(await examineBackup(views, record, repository.backupFolder(record.id)));
  return { examined, unreadable };
}

/** Its bytes need no look. */
function unexamined(record: BackupRecord, why: string): ExaminedBackup {
  return { record, why, warnings: [], groupsBefore: 0 };
}
