import { compareFiles } from '../binlog/coordinates.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { formatSeconds } from '../platform/time.ts';
import type { BackupExamination } from '../recovery/examine-backup.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import { placeOf } from '../recovery/planner.ts';
import { findRoute } from '../recovery/route.ts';
import type { Finding } from './finding.ts';

/** From when to when any point can be restored; all null when none can. The GTIDs are of the last group at each end. */
export interface RecoveryWindow {
  /** RFC 3339, UTC. */
  readonly from: string | null;
  readonly to: string | null;
  readonly fromGtid: string | null;
  readonly toGtid: string | null;
}

const CLOSED: RecoveryWindow = { from: null, to: null, fromGtid: null, toGtid: null };

/**
 * The window of a lineage: from its earliest usable backup with an unbroken archive up to the present end, to that end.
 * Backups that cannot reach the end give a finding each.
 */
export function findWindow(
  view: LineageView,
  examined: readonly BackupExamination[],
): { window: RecoveryWindow; findings: Finding[] } {
  const last = view.segments.at(-1)?.digest;
  if (last === undefined) return { window: CLOSED, findings: [] };
  const end = { file: last.file, position: last.indexedTo };
  const findings: Finding[] = [];
  const reaching = examined.filter((backup) => {
    const why = backup.why ?? whyNotReaching(view, backup, end);
    if (why !== null) findings.push(unusable(backup, why));
    return why === null;
  });
  const [earliest] = reaching.toSorted((a, b) => compareText(startOf(view, a), startOf(view, b)));
  if (earliest === undefined) return { window: CLOSED, findings: [...findings, nothingUsable()] };
  const fromGtid = earliest.neighbours?.before?.gtid ?? null;
  return { window: { from: startOf(view, earliest), fromGtid, ...endOf(view, startOf(view, earliest)) }, findings };
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
  view: LineageView,
  { record }: BackupExamination,
  end: { file: string; position: number },
): string | null {
  try {
    findRoute(view.segments, placeOf(record), end);
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
function startOf(view: LineageView, { record, neighbours }: BackupExamination): string {
  const place = placeOf(record);
  const earlier = view.segments.filter(({ digest }) => compareFiles(digest.file, place.file) < 0);
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
    fix: 'Run `lastgood archive --until-current`; if that does not help, take a new backup with `lastgood backup`.',
  };
}

function nothingUsable(): Finding {
  return {
    severity: 'error',
    check: 'recovery window',
    object: null,
    found: 'no backup can be restored and brought forward: nothing can be recovered',
    fix: 'Take a backup now: `lastgood backup`.',
  };
}
