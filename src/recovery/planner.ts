import type { BackupRecord } from '../archive/backup-record.ts';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import {
  compareCoordinates,
  compareFiles,
  formatCoordinates,
  parseCoordinates,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { CatalogSegment } from '../catalog/catalog.ts';
import type { Incident } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import { estimateSeconds } from './estimate.ts';
import type { Plan, PlanSegment, ResolvedTarget, Target } from './plan.ts';
import { findRoute } from './route.ts';

/** A backup after a look at the archive around its coordinates. */
export interface ExaminedBackup {
  readonly record: BackupRecord;
  /** Why it cannot be restored from; null when it can. */
  readonly why: string | null;
  /** How many groups of its coordinates' file lie before them; meaningless with a `why`. */
  readonly groupsBefore: number;
}

/** Everything a plan depends on. */
export interface PlanInput {
  readonly target: Target;
  readonly resolved: ResolvedTarget;
  /** How many groups of the cut's file lie before the cut. */
  readonly groupsBefore: number;
  readonly backups: readonly ExaminedBackup[];
  /** Of the resolved lineage, in the order of their file numbers. */
  readonly segments: readonly CatalogSegment[];
  /** Effective ones of the resolved lineage. */
  readonly incidents: readonly Incident[];
  readonly rehearsals: readonly RehearsalRecord[];
  /** From locating the target. */
  readonly warnings: readonly string[];
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Chooses the newest usable backup at or before the cut and the unbroken archive from it to the cut. Pure: the same
 * input gives the same plan; `plan` prints it, `restore` runs it.
 *
 * @throws LastgoodError `BACKUP_MISSING` when no usable backup is old enough, `ARCHIVE_GAP` naming what is missing on the way
 */
export function planRestore(input: PlanInput): Plan {
  const { target, resolved } = input;
  const { chosen, passedOver } = chooseBackup(input);
  const from = placeOf(chosen.record);
  const segments = findRoute(input.segments, from, resolved);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return {
    target: { ...target, resolved },
    backup: chosen.record,
    segments,
    skipped: [],
    groups: countGroups(input, chosen),
    bytes,
    estimateSeconds: estimateSeconds(input.rehearsals, { backupBytes: chosen.record.bytes, replayBytes: bytes }),
    conflicts: [],
    warnings: [
      ...input.warnings,
      ...passedOver.map(({ record, why }) => `backup ${record.id} was passed over: ${why ?? ''}`),
      ...ageWarning(chosen.record, input.now),
      ...incidentWarnings(input.incidents, segments),
    ],
    reachable: true,
  };
}

/** Where a backup stands in the primary's log: replay starts there. */
export function placeOf(backup: BackupRecord): Coordinates {
  return parseCoordinates(backup.primary.coordinates);
}

/** Backups that a restore to `cut` could start from, as far as their coordinates say: newest place first. */
export function backupsBefore(
  backups: readonly BackupRecord[],
  cut: Coordinates & { lineage: string },
): BackupRecord[] {
  return backups
    .filter((record) => record.primary.lineage === cut.lineage && compareCoordinates(placeOf(record), cut) <= 0)
    .toSorted((a, b) => compareCoordinates(placeOf(b), placeOf(a)) || (a.finishedAt < b.finishedAt ? 1 : -1));
}

function chooseBackup({ backups, resolved }: PlanInput): { chosen: ExaminedBackup; passedOver: ExaminedBackup[] } {
  const records = backups.map(({ record }) => record);
  const candidates = backupsBefore(records, resolved).flatMap(({ id }) =>
    backups.filter(({ record }) => record.id === id),
  );
  const index = candidates.findIndex(({ why }) => why === null);
  const chosen = candidates[index];
  if (chosen === undefined) throw noBackup(records, candidates, resolved);
  return { chosen, passedOver: candidates.slice(0, index) };
}

function noBackup(
  all: readonly BackupRecord[],
  unusable: readonly ExaminedBackup[],
  cut: ResolvedTarget,
): LastgoodError {
  const where = formatCoordinates(cut);
  const reason = (): string => {
    if (unusable.length > 0) return unusable.map(({ record, why }) => `${record.id}: ${why ?? ''}`).join('; ');
    const [earliest] = all
      .filter(({ primary }) => primary.lineage === cut.lineage)
      .toSorted((a, b) => compareCoordinates(placeOf(a), placeOf(b)));
    if (earliest !== undefined) return `the earliest, ${earliest.id}, stands at ${earliest.primary.coordinates}`;
    return all.length === 0 ? 'there is none' : `none is of lineage ${cut.lineage}`;
  };
  return new LastgoodError('BACKUP_MISSING', `no usable backup stands at or before ${where}: ${reason()}`, {
    details: { lineage: cut.lineage, file: cut.file, position: cut.position, backups: all.length },
  });
}

/** Whole files count from their digests; the two border files are corrected by what lies before backup and cut. */
function countGroups({ segments, resolved, groupsBefore }: PlanInput, backup: ExaminedBackup): number {
  const start = placeOf(backup.record);
  const whole = segments.filter(
    ({ digest: { file } }) => compareFiles(file, start.file) >= 0 && compareFiles(file, resolved.file) < 0,
  );
  return whole.reduce((sum, { digest }) => sum + digest.groups, 0) + groupsBefore - backup.groupsBefore;
}

const DAY_SECONDS = 86_400;
const OLD_BACKUP_DAYS = 7;

function ageWarning(backup: BackupRecord, now: number): string[] {
  const days = Math.floor((now - Date.parse(backup.finishedAt) / 1000) / DAY_SECONDS);
  return days < OLD_BACKUP_DAYS ? [] : [`backup ${backup.id} is ${days} days old: a newer one makes restores shorter`];
}

function incidentWarnings(incidents: readonly Incident[], segments: readonly PlanSegment[]): string[] {
  const replayed = incidents.filter(({ file, start }) => {
    return segments.some((range) => range.file === file && range.from <= start && start < range.to);
  });
  return replayed.map(({ id, kind, time, objects }) => {
    const names = objects.map(({ schema, name }) => (name === null ? schema : `${schema}.${name}`)).join(', ');
    return `incident ${id} (${kind} ${names} at ${time}) is before the target: it is replayed, what it destroyed stays lost`;
  });
}
