import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import type { BackupRecord } from '../archive/backup-record.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { objectName } from '../incident/object-name.ts';
import { chooseBackup, placeOf, type ExaminedBackup } from './choose-backup.ts';
import type { Way } from './crossing.ts';
import { estimateSeconds } from './estimate.ts';
import { refuseLosses } from './known-losses.ts';
import type { Plan, PlanCrossing, PlanSegment, ResolvedTarget, Target } from './plan.ts';
import { countGroups, findRoute, stretchesOf, type Stretch } from './route.ts';

/** Everything a plan depends on. */
export interface PlanInput {
  readonly target: Target;
  readonly resolved: ResolvedTarget;
  /** How many groups of the cut's file lie before the cut. */
  readonly groupsBefore: number;
  readonly backups: readonly ExaminedBackup[];
  /** To the cut: its last leg is the resolved lineage. */
  readonly way: Way;
  /** Effective ones of the lineages on the way. */
  readonly incidents: readonly Incident[];
  /** What the ledger says is lost, of any lineage. */
  readonly losses: readonly LedgerEntry[];
  readonly rehearsals: readonly RehearsalRecord[];
  /** From locating the target. */
  readonly warnings: readonly string[];
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Chooses the newest usable backup at or before the cut and the unbroken archive from it to the cut, over verified
 * hand-overs where the primary changed. Pure: the same input gives the same plan; `plan` prints it, `restore` runs it.
 *
 * @throws LastgoodError `BACKUP_MISSING` when no usable backup is old enough, `ARCHIVE_GAP` naming what is missing on the way
 */
export function planRestore(input: PlanInput): Plan {
  const { target, resolved } = input;
  const { chosen, passedOver } = chooseBackup({ ...input, cut: resolved });
  const stretches = stretchesFrom(chosen, input);
  const segments = stretches.flatMap(({ leg, from, to }) => findRoute(leg, from, to));
  refuseLosses(segments, input.losses);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  return {
    target: { ...target, resolved },
    backup: chosen.record,
    segments,
    crossings: crossingsOf(stretches),
    skipped: [],
    groups: stretches.reduce((sum, stretch) => sum + countGroups(stretch), 0),
    bytes,
    estimateSeconds: estimateSeconds(input.rehearsals, { backupBytes: chosen.record.bytes, replayBytes: bytes }),
    conflicts: [],
    warnings: [
      ...input.warnings,
      ...passedOver.map(({ record, why }) => `backup ${record.id} was passed over: ${why ?? ''}`),
      ...chosen.warnings,
      ...ageWarning(chosen.record, input.now),
      ...strandedWarnings(stretches),
      ...incidentWarnings(input.incidents, segments),
    ],
    reachable: true,
  };
}

/** A chosen backup always has a way: it was chosen for standing before the cut, in a leg of it. */
function stretchesFrom({ record, groupsBefore }: ExaminedBackup, { way, resolved, ...input }: PlanInput): Stretch[] {
  const from = { ...placeOf(record), groupsBefore, lineage: record.primary.lineage ?? '' };
  return stretchesOf(way.legs, from, { ...resolved, groupsBefore: input.groupsBefore }) ?? [];
}

function crossingsOf(stretches: readonly Stretch[]): PlanCrossing[] {
  return stretches.slice(1).flatMap(({ leg }, index) => {
    const from = stretches[index]?.leg.lineage ?? '';
    if (leg.crossing === null) return [];
    const { gtidState, stranded } = leg.crossing;
    return [{ from, to: leg.lineage, gtidState, stranded }];
  });
}

function strandedWarnings(stretches: readonly Stretch[]): string[] {
  return stretches.slice(1).flatMap(({ leg: { lineage, crossing } }, index) => {
    if (crossing === null || crossing.stranded === 0) return [];
    const old = stretches[index]?.leg.lineage ?? '';
    const { stranded, leave } = crossing;
    const groups = stranded === 1 ? '1 group' : `${stranded} groups`;
    return [
      `${groups} of lineage ${old} after ${formatCoordinates(leave)} reached only the old primary, not ${lineage}: left out`,
    ];
  });
}

const DAY_SECONDS = 86_400;
const OLD_BACKUP_DAYS = 7;

function ageWarning(backup: BackupRecord, now: number): string[] {
  const days = Math.floor((now - Date.parse(backup.finishedAt) / 1000) / DAY_SECONDS);
  return days < OLD_BACKUP_DAYS ? [] : [`backup ${backup.id} is ${days} days old: a newer one makes restores shorter`];
}

function incidentWarnings(incidents: readonly Incident[], segments: readonly PlanSegment[]): string[] {
  const replayed = incidents.filter(({ lineage, file, start }) => {
    return segments.some(
      (range) => range.lineage === lineage && range.file === file && range.from <= start && start < range.to,
    );
  });
  return replayed.map(({ id, kind, time, objects }) => {
    const names = objects.map(objectName).join(', ');
    return `incident ${id} (${kind} ${names} at ${time}) is before the target: it is replayed, what it destroyed stays lost`;
  });
}
