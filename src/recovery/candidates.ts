import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import { isLastgoodError, type LastgoodError } from '../platform/errors.ts';
import { backupsOnTheWay, noneUsable, placeOf, type BackupChoice, type ExaminedBackup } from './choose-backup.ts';
import type { CountedPlace } from './crossing.ts';
import { cutOut } from './cut-out.ts';
import { estimate, totalSeconds, type PlanEstimate } from './estimate.ts';
import { refuseLosses } from './known-losses.ts';
import type { PlanCandidate, PlanSegment, ResolvedTarget } from './plan.ts';
import { countGroups, findRoute, stretchesOf, type Stretch } from './route.ts';
import { skippedIn, type Skip, type SkippedGroup } from './skip.ts';

/** A backup and the way from it to the cut. */
export interface Start {
  readonly backup: ExaminedBackup;
  readonly stretches: readonly Stretch[];
  readonly segments: readonly PlanSegment[];
  /** What of the skips lies on the way. */
  readonly skipped: readonly SkippedGroup[];
  readonly skippedSegments: readonly PlanSegment[];
  readonly groups: number;
  readonly bytes: number;
  readonly estimate: PlanEstimate | null;
}

/** What starts are compared by. */
export interface StartChoice extends BackupChoice {
  readonly cut: ResolvedTarget & CountedPlace;
  readonly skips: readonly Skip[];
  readonly losses: readonly LedgerEntry[];
  readonly rehearsals: readonly RehearsalRecord[];
}

/** A backup that was looked at: the way from it, or why there is none. */
type Looked = Start | { readonly backup: ExaminedBackup; readonly error: LastgoodError | null };

/**
 * Compares the ways from all usable backups. The one that is estimated to be the fastest wins; as long as the time of one is
 * unknown, the newest backup does, which has the least to replay.
 *
 * @throws LastgoodError `BACKUP_MISSING`, `ARCHIVE_GAP` naming what is missing on the way from the newest
 */
export function chooseStart(choice: StartChoice): {
  start: Start;
  candidates: PlanCandidate[];
  /** Newer than the chosen one, or of unknown place, and not usable. */
  passedOver: PlanCandidate[];
} {
  const looked = backupsOnTheWay(choice).map((backup) => look(backup, choice));
  const starts = looked.filter((one) => 'segments' in one);
  const [newest] = starts;
  if (newest === undefined) {
    const failed = looked.find((one) => 'error' in one && one.error !== null);
    throw failed !== undefined && 'error' in failed && failed.error !== null ? failed.error : noneUsable(choice);
  }
  const start = starts.some((one) => one.estimate === null) ? newest : starts.reduce(faster);
  const candidates = looked.map((one) => ({ ...candidateOf(one), chosen: one === start }));
  const newer = candidates.slice(0, looked.indexOf(start)).filter(({ usable }) => usable === false);
  const unreadable = (choice.unreadable ?? []).map(({ id, why }) => ({ ...unused(id, why), chosen: false }));
  return { start, candidates: [...candidates, ...unreadable], passedOver: [...newer, ...unreadable] };
}

function look(backup: ExaminedBackup, choice: StartChoice): Looked {
  if (backup.why !== null) return { backup, error: null };
  try {
    return startFrom(backup, choice);
  } catch (error) {
    if (isLastgoodError(error, 'ARCHIVE_GAP')) return { backup, error };
    throw error;
  }
}

function startFrom(backup: ExaminedBackup, { way, cut, skips, losses, rehearsals }: StartChoice): Start {
  const { record, groupsBefore } = backup;
  const from = { ...placeOf(record), groupsBefore, lineage: record.primary.lineage ?? '' };
  const stretches = stretchesOf(way.legs, from, cut) ?? []; // it is on the way: it was chosen for that
  const skipped = skippedIn(skips, stretches);
  const route = stretches.flatMap((stretch) => findRoute(stretch.leg, stretch.from, stretch.to));
  const { kept: segments, left: skippedSegments } = cutOut(route, skipped);
  refuseLosses(segments, losses);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  const all = stretches.reduce((sum, stretch) => sum + countGroups(stretch), 0);
  return {
    ...{ backup, stretches, segments, skipped, skippedSegments, bytes },
    groups: all - skipped.filter(({ isGroup }) => isGroup).length,
    estimate: estimate(rehearsals, { backupBytes: record.bytes, replayBytes: bytes }),
  };
}

/** The first of two, as they come newest first, unless the other takes less. */
function faster(one: Start, other: Start): Start {
  const seconds = ({ estimate: steps }: Start): number => totalSeconds(steps) ?? Infinity;
  return seconds(other) < seconds(one) ? other : one;
}

function candidateOf(looked: Looked): Omit<PlanCandidate, 'chosen'> {
  const { record, why, isLookedAt = true } = looked.backup;
  if (!isLookedAt) return { ...unused(record.id, why), usable: null };
  if (!('segments' in looked)) return unused(record.id, looked.error?.message ?? why);
  const { groups, bytes } = looked;
  return { backup: record.id, usable: true, why: null, estimateSeconds: totalSeconds(looked.estimate), groups, bytes };
}

function unused(backup: string, why: string | null): Omit<PlanCandidate, 'chosen'> {
  return { backup, usable: false, why, estimateSeconds: null, groups: null, bytes: null };
}
