import type { BackupRecord } from '../archive/backup-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import { compareCoordinates, formatCoordinates, parseCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { PlanLeg, Way } from './crossing.ts';
import type { ResolvedTarget } from './plan.ts';

/** A backup after a look at the archive around its coordinates. */
export interface ExaminedBackup {
  readonly record: BackupRecord;
  /** Why it cannot be restored from; null when it can. */
  readonly why: string | null;
  /** What a restore from it may lack all the same. */
  readonly warnings: readonly string[];
  /** How many groups of its coordinates' file lie before them; meaningless with a `why`. */
  readonly groupsBefore: number;
  /** False when nobody looked, which `why` then says; true when left out. */
  readonly isLookedAt?: boolean;
}

/** A backup whose record cannot be relied on: where it stands is not known. */
export interface UnreadableBackup {
  readonly id: string;
  readonly why: string;
}

/** Where a backup stands in the primary's log: replay starts there. */
export function placeOf(backup: BackupRecord): Coordinates {
  return parseCoordinates(backup.primary.coordinates);
}

/**
 * Backups that a restore to `cut` could start from, as far as their coordinates say: newest place first. One that
 * holds what reached only an old primary is none of them. What stands in several of the legs does so in the oldest: the later
 * ones only repeat its history there.
 *
 * @param legs oldest first; the cut is in the last
 */
export function backupsBefore(
  backups: readonly BackupRecord[],
  cut: Coordinates,
  legs: readonly Pick<PlanLeg, 'lineage' | 'crossing'>[],
): BackupRecord[] {
  const ends = legs.map(({ lineage }, index) => ({ lineage, to: legs[index + 1]?.crossing?.leave ?? cut }));
  return ends
    .toReversed()
    .flatMap(({ lineage, to }) =>
      backups
        .filter((record) => record.primary.lineage === lineage && compareCoordinates(placeOf(record), to) <= 0)
        .toSorted((a, b) => compareCoordinates(placeOf(b), placeOf(a)) || (a.finishedAt < b.finishedAt ? 1 : -1)),
    )
    .filter((record, _, all) => all.findLast(({ id }) => id === record.id) === record);
}

/** What there is to choose from. */
export interface BackupChoice {
  readonly backups: readonly ExaminedBackup[];
  /** None when left out. */
  readonly unreadable?: readonly UnreadableBackup[];
  readonly cut: ResolvedTarget;
  readonly way: Way;
  /** Of the ledger, which knows why a history ended. */
  readonly losses: readonly LedgerEntry[];
}

/** The backups at or before the cut, newest place first, whether usable or not. */
export function backupsOnTheWay({ backups, cut, way }: BackupChoice): ExaminedBackup[] {
  const records = backups.map(({ record }) => record);
  return backupsBefore(records, cut, way.legs).flatMap((found) => backups.filter(({ record }) => record === found));
}

/** Each backup that is not taken, with why, for the end of a sentence. */
function reasons(candidates: readonly ExaminedBackup[], unreadable: readonly UnreadableBackup[] = []): string[] {
  const of = ({ id, why }: { id: string; why: string | null }): string => `${id}: ${why ?? ''}`;
  return [...candidates.map(({ record: { id }, why }) => of({ id, why })), ...unreadable.map(of)];
}

/** Why none is usable: `BACKUP_MISSING`, or `ARCHIVE_GAP` when there are backups only on the far side of a break. */
export function noneUsable(choice: BackupChoice): LastgoodError {
  const { way } = choice;
  const records = choice.backups.map(({ record }) => record);
  const candidates = backupsOnTheWay(choice);
  const isBeyond = ({ primary }: BackupRecord): boolean => !way.legs.some(({ lineage }) => lineage === primary.lineage);
  return way.broken !== null && records.some(isBeyond)
    ? brokenWay(records, candidates, choice)
    : noBackup(records, candidates, choice);
}

function noBackup(
  all: readonly BackupRecord[],
  unusable: readonly ExaminedBackup[],
  { cut, way: { legs }, unreadable = [] }: Omit<BackupChoice, 'backups'>,
): LastgoodError {
  const where = formatCoordinates(cut);
  const reason = (): string => {
    if (unusable.length > 0) return reasons(unusable).join('; ');
    const earliest = earliestOf(all.filter(({ primary }) => primary.lineage === cut.lineage));
    if (earliest !== undefined) return `the earliest, ${earliest.id}, stands at ${earliest.primary.coordinates}`;
    const stranded = all.find(({ primary }) => legs.some(({ lineage }) => lineage === primary.lineage));
    if (stranded !== undefined)
      return `${stranded.id} holds writes that reached only the old primary of lineage ${stranded.primary.lineage ?? ''}`;
    if (all.length > 0) return `none is of lineage ${cut.lineage}`;
    return unreadable.length > 0 ? 'none can be read' : 'there is none';
  };
  const why = [reason(), ...reasons([], unreadable)].join('; ');
  return new LastgoodError('BACKUP_MISSING', `no usable backup stands at or before ${where}: ${why}`, {
    details: {
      lineage: cut.lineage,
      file: cut.file,
      position: cut.position,
      backups: new Set(all.map(({ id }) => id)).size,
    },
  });
}

/** Names the break, and from where on targets can be reached all the same. */
function brokenWay(
  all: readonly BackupRecord[],
  unusable: readonly ExaminedBackup[],
  { cut, way: { legs, broken }, losses, unreadable }: Omit<BackupChoice, 'backups'>,
): LastgoodError {
  const { parent = '', why = '' } = broken ?? {};
  const noted = losses.find((loss) => 'child' in loss && loss.child === broken?.lineage && loss.kind !== 'stranded');
  const cause = noted === undefined ? '' : `, as noted at ${noted.noticedAt}: ${noted.why}`;
  const where = `${formatCoordinates(cut)} of lineage ${cut.lineage}`;
  const passedOver = reasons(unusable, unreadable)
    .map((reason) => `; ${reason}`)
    .join('');
  const refused = new Set(unusable.map(({ record }) => record.id));
  const after = legs
    .map(({ lineage }) => earliestOf(all.filter(({ id, primary }) => primary.lineage === lineage && !refused.has(id))))
    .find((record) => record !== undefined);
  const beyond = `Before the break, targets in lineage ${parent} can be reached: --before-coordinates ${parent}/FILE:POSITION.`;
  const now =
    after === undefined
      ? 'No usable backup was taken after the break: run `lastgood backup` now.'
      : `After the break, backup ${after.id} reaches everything from ${after.primary.coordinates} of ${after.primary.lineage ?? ''} on.`;
  return new LastgoodError('ARCHIVE_GAP', `no backup can be brought to ${where}: ${why}${cause}${passedOver}`, {
    details: { lineage: cut.lineage, file: cut.file, position: cut.position, parent, backupAfter: after?.id ?? null },
    hint: `${now} ${beyond}`,
  });
}

function earliestOf(records: readonly BackupRecord[]): BackupRecord | undefined {
  return records.toSorted((a, b) => compareCoordinates(placeOf(a), placeOf(b))).at(0);
}
