import type { BackupRecord } from '../archive/backup-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import { compareFiles, type Coordinates } from '../binlog/coordinates.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { formatSeconds } from '../platform/time.ts';
import type { BackupExamination } from '../recovery/examine-backup.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import { placeOf } from '../recovery/choose-backup.ts';
import { findWay, type PlanLeg } from '../recovery/crossing.ts';
import { refuseLosses } from '../recovery/known-losses.ts';
import { findRoute, stretchesOf } from '../recovery/route.ts';
import { timelinesOf, tipOf } from '../recovery/timeline.ts';
import type { Finding } from './finding.ts';

/** From when to when any point can be restored; all null when none can. The GTIDs are of the last group at each end. */
export interface RecoveryWindow {
  /** RFC 3339, UTC. */
  readonly from: string | null;
  readonly to: string | null;
  readonly fromGtid: string | null;
  readonly toGtid: string | null;
}

const SHOWN_BACKUPS = 3;

const CLOSED: RecoveryWindow = { from: null, to: null, fromGtid: null, toGtid: null };

/**
 * The window of a primary: from the earliest usable backup with an unbroken archive up to the present end, also over
 * verified failovers, to that end. Backups that cannot reach the end give a finding each; those from before a break give none, also
 * where the record names the lineage behind it.
 *
 * @param examined once for each lineage in which a backup stands
 * @param views of the primary, newest first; the first that has bytes is where its archive ends
 * @param losses that the ledger knows: no way leads over one
 */
export async function findWindow(
  views: readonly LineageView[],
  examined: readonly BackupExamination[],
  losses: readonly LedgerEntry[],
): Promise<{ window: RecoveryWindow; findings: Finding[] }> {
  const view = timelinesOf(views)
    .map(tipOf)
    .find(({ segments }) => segments.length > 0);
  const last = view?.segments.at(-1)?.digest;
  if (view === undefined || last === undefined) return { window: CLOSED, findings: [nothingArchived()] };
  const end = { file: last.file, position: last.indexedTo };
  const { legs } = await findWay(views, view, end);
  const isOnTheWay = ({ record: { primary } }: BackupExamination): boolean =>
    primary.lineage === null || legs.some(({ lineage }) => lineage === primary.lineage);
  const usable = new Set(examined.filter(({ why }) => why === null).map(({ record }) => record.id));
  // A backup that can be used in one lineage is not of another one in which it cannot, whatever its record says.
  const looked = examined
    .filter((backup) => isOnTheWay(backup) && (backup.why === null || !usable.has(backup.record.id)))
    .map((backup) => ({ backup, why: backup.why ?? whyNotReaching({ legs, end, losses }, backup) }));
  const reaching = looked.filter(({ why }) => why === null).map(({ backup }) => backup);
  const known = new Set(reaching.map(({ record }) => record.id));
  const findings = looked.flatMap(({ backup, why }): Finding[] => {
    const { id } = backup.record;
    if (why === null || known.has(id)) return [];
    known.add(id);
    return [unusable(backup, why)];
  });
  const [earliest] = reaching.toSorted((a, b) => compareText(startOf(legs, a), startOf(legs, b)));
  if (earliest === undefined) return { window: CLOSED, findings: [...findings, notReached(views, examined)] };
  const from = startOf(legs, earliest);
  const fromGtid = earliest.neighbours?.before?.gtid ?? null;
  return { window: { from, fromGtid, ...endOf(view, from) }, findings };
}

/** Where the archive ends: never before the window's start, also when nothing was written since the backup. */
function endOf({ segments }: LineageView, from: string): Pick<RecoveryWindow, 'to' | 'toGtid'> {
  const newest = segments.findLast(({ digest }) => digest.last !== null)?.digest.last ?? null;
  return { to: newest === null || newest.time < from ? from : newest.time, toGtid: newest?.gtid ?? null };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function whyNotReaching(
  { legs, end, losses }: { legs: readonly PlanLeg[]; end: Coordinates; losses: readonly LedgerEntry[] },
  { record, groupsBefore }: BackupExamination,
): string | null {
  const from = { ...placeOf(record), groupsBefore, lineage: record.primary.lineage ?? '' };
  const stretches = stretchesOf(legs, from, { ...end, groupsBefore: 0 });
  if (stretches === null)
    return 'it holds writes that reached only an old primary: it cannot be brought to the present one';
  try {
    for (const { leg, from: start, to } of stretches) refuseLosses(findRoute(leg, start, to), losses);
    return null;
  } catch (error) {
    if (isLastgoodError(error, 'ARCHIVE_GAP')) return `it cannot reach the archive's end: ${error.message}`;
    throw error;
  }
}

/**
 * The first second that `--at` can name with this backup: every group before its place is then kept. A backup that
 * was finished by a time vouches for the groups before it, whatever time they carry.
 */
function startOf(legs: readonly PlanLeg[], { record, neighbours }: BackupExamination): string {
  const place = placeOf(record);
  const leg = legs.find(({ lineage }) => lineage === record.primary.lineage);
  const earlier = (leg?.segments ?? []).filter(({ digest }) => compareFiles(digest.file, place.file) < 0);
  const times = [...earlier.map(({ digest }) => digest.maxTime), neighbours?.latestTimeBefore ?? null];
  const known = times.filter((time) => time !== null);
  const finished = Math.ceil(Date.parse(record.finishedAt) / 1000);
  return formatSeconds(known.length === 0 ? finished : Math.min(Math.max(...known), finished));
}

function unusable({ record }: BackupExamination, why: string): Finding {
  return {
    severity: 'warning',
    check: 'backup usable',
    object: record.id,
    found: why,
    fix: 'Wait for the archiver, or run `lastgood archive --until-current` where none runs; if that does not help, take a new backup with `lastgood backup`.',
  };
}

function nothingArchived(): Finding {
  return {
    severity: 'error',
    check: 'recovery window',
    object: null,
    found: 'nothing is archived yet: nothing can be recovered',
    fix: 'Start `lastgood archive`, then take a backup with `lastgood backup`.',
  };
}

/** The end is not all there is: what lies before a break can still be reached from the backups there. */
function notReached(views: readonly LineageView[], examined: readonly BackupExamination[]): Finding {
  const isOurs = ({ lineage: id }: BackupRecord['primary']): boolean => views.some(({ lineage }) => lineage.id === id);
  const usable = examined.filter(({ why, record }) => why === null && isOurs(record.primary));
  const places = usable.map(
    ({ record: { id, primary } }) => `${id} at ${primary.lineage ?? ''}/${primary.coordinates}`,
  );
  const left =
    places.length === 0
      ? 'nothing can be recovered'
      : `only earlier targets can be reached, from backup ${places.slice(-SHOWN_BACKUPS).join(', ')}`;
  return {
    severity: 'error',
    check: 'recovery window',
    object: null,
    found: `no backup can be restored and brought to the archive's end: ${left}`,
    fix: 'Take a backup now: `lastgood backup`.',
  };
}
