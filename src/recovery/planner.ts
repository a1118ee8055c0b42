import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import type { BackupRecord } from '../archive/backup-record.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { chooseStart } from './candidates.ts';
import type { ExaminedBackup, UnreadableBackup } from './choose-backup.ts';
import type { Way } from './crossing.ts';
import { neededBytes } from './disk-space.ts';
import { measuredWork, totalSeconds } from './estimate.ts';
import type { Plan, PlanCrossing, ResolvedTarget, Target } from './plan.ts';
import type { PlacedGroup } from './neighbours.ts';
import { replayedWarnings } from './replayed-incidents.ts';
import type { Stretch } from './route.ts';
import { withoutGroups } from './cut-out.ts';
import { checkSkips, skipWarnings, whyHoldsSkipped, type Skip } from './skip.ts';

/** A plan before it is written down what of the archive it relies on. */
export type BarePlan = Omit<Plan, 'reliesOn' | 'fingerprint'>;

/** Everything a plan depends on. */
export interface PlanInput {
  readonly target: Target;
  readonly resolved: ResolvedTarget;
  /** How many groups of the cut's file lie before the cut. */
  readonly groupsBefore: number;
  readonly backups: readonly ExaminedBackup[];
  /** Nobody knows where they stand: never chosen, and told. None when left out. */
  readonly unreadable?: readonly UnreadableBackup[];
  /** To the cut: its last leg is the resolved lineage. */
  readonly way: Way;
  /** Effective ones of the lineages on the way. */
  readonly incidents: readonly Incident[];
  /** What the ledger says is lost, of any lineage. */
  readonly losses: readonly LedgerEntry[];
  readonly rehearsals: readonly RehearsalRecord[];
  /** To be left out. */
  readonly skips: readonly Skip[];
  /** The last group before the cut, which may be one of these; null when the archive has none. */
  readonly last: PlacedGroup | null;
  /** From locating the target. */
  readonly warnings: readonly string[];
  /** Seconds since 1970. */
  readonly now: number;
}

/**
 * Chooses the usable backup at or before the cut from which the restore is fastest, and the unbroken archive from it to the cut, over
 * verified hand-overs where the primary changed, without what is skipped. Pure: the same input gives the same plan; `plan`
 * prints it, `restore` runs it.
 *
 * @throws LastgoodError `BACKUP_MISSING` when no usable backup is old enough, `ARCHIVE_GAP` naming what is missing on the way,
 *   `TARGET_UNREACHABLE` for a skip that is not on the way
 */
export function planRestore(input: PlanInput): BarePlan {
  const { target, skips, way } = input;
  checkSkips(skips, { legs: way.legs, cut: input.resolved, known: input.incidents });
  const { start, candidates, passedOver } = chooseStart({
    ...input,
    cut: { ...input.resolved, groupsBefore: input.groupsBefore },
    backups: input.backups.map((backup) => ({
      ...backup,
      why: backup.why ?? whyHoldsSkipped(backup.record, skips, way.legs),
    })),
  });
  const { backup, stretches, skipped, segments, skippedSegments, groups, bytes, estimate } = start;
  const resolved = withoutGroups(input.resolved, skipped, input.last);
  return {
    target: { ...target, resolved },
    backup: backup.record,
    segments,
    crossings: crossingsOf(stretches),
    skipped: skips.map(({ incident }) => incident),
    ...{ skippedSegments, skips: [], groups, bytes },
    ...{ estimateSeconds: totalSeconds(estimate), estimate, measured: measuredWork(input.rehearsals), candidates },
    diskBytes: neededBytes({ backup: backup.record, bytes }),
    conflicts: [],
    warnings: [
      ...input.warnings,
      ...passedOver.map((candidate) => `backup ${candidate.backup} was passed over: ${candidate.why ?? ''}`),
      ...backup.warnings,
      ...ageWarning(backup.record, input.now),
      ...strandedWarnings(stretches),
      ...replayedWarnings(input.incidents, segments),
      ...skipWarnings(skips),
    ],
    reachable: true,
  };
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
