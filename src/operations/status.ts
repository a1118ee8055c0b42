import type { BackupRecord } from '../archive/backup-record.ts';
import type { Gap } from '../archive/ledger.ts';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import { examineBackup, type BackupExamination } from '../recovery/examine-backup.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { readExposure, type Exposure, type ExposureReading } from './exposure.ts';
import type { Finding } from './finding.ts';
import type { ListedBackup } from './lists.ts';
import { isArchiverAlive, type OpenArchive } from './open-archive.ts';
import { findWindow, type RecoveryWindow } from './recovery-window.ts';
import { reportPaths } from './rehearsal-report.ts';
import { findStoppedApplying } from './stopped-applying.ts';

/** Whether what was written can be brought back, as things stand now. null is "not known", never "nothing". */
export interface Status {
  readonly window: RecoveryWindow;
  readonly exposure: Exposure;
  readonly archiver: ArchiverStatus;
  /** The newest, usable or not. */
  readonly lastBackup: ListedBackup | null;
  readonly lastRehearsal: RehearsalRecord | null;
  /** Known losses of the lineage. */
  readonly gaps: readonly Gap[];
  readonly findings: readonly Finding[];
}

/** Where the archive ends, and whether someone is writing on. */
export interface ArchiverStatus {
  readonly running: boolean;
  readonly file: string | null;
  readonly position: number | null;
  readonly gtid: string | null;
  readonly lagSeconds: number | null;
}

/**
 * Reads the state of recovery: of the archive from its bytes, of the archiver from its lock, of the exposure from the
 * primary itself. Problems are findings, so that the rest is still told.
 *
 * @param options.primary whose `name` names the lineages
 */
export async function readStatus(
  archive: OpenArchive,
  options: { primary: ServerOptions; now?: Date; signal?: AbortSignal | undefined },
): Promise<Status> {
  const { primary, signal, now = new Date() } = options;
  const { repository } = archive;
  const views = await openLineageViews({ ...archive, signal });
  const view = views.find(({ lineage }) => lineage.name === primary.name) ?? null;
  const examined: BackupExamination[] = [];
  for (const record of await repository.backups())
    examined.push(await examineBackup(views, record, repository.backupFolder(record.id)));
  const { window, findings } = windowOf(view, examined);
  const { exposure, findings: exposureFindings } = await exposureOf(view, primary);
  const running = await isArchiverAlive(repository, primary.name);
  const lastRehearsal = (await repository.rehearsals()).at(-1) ?? null;
  const gaps = (await repository.ledger.gaps()).filter(({ lineage }) => lineage === view?.lineage.id);
  return {
    window,
    exposure,
    archiver: { running, ...archiveEnd(view), lagSeconds: exposure.seconds },
    lastBackup: listed(examined.at(-1)),
    lastRehearsal,
    gaps,
    findings: [
      ...findings,
      ...exposureFindings,
      ...archiverFindings(running, primary.name),
      ...backupFindings(examined.at(-1)?.record ?? null, now),
      ...(await findStoppedApplying(repository)),
      ...rehearsalFindings(repository, lastRehearsal),
      ...gaps.map(gapFinding),
    ],
  };
}

function windowOf(view: LineageView | null, examined: readonly BackupExamination[]): ReturnType<typeof findWindow> {
  if (view !== null && view.segments.length > 0) return findWindow(view, ofLineage(view, examined));
  const window = { from: null, to: null, fromGtid: null, toGtid: null };
  const finding: Finding = {
    severity: 'error',
    check: 'recovery window',
    object: null,
    found: 'nothing is archived yet: nothing can be recovered',
    fix: 'Start `lastgood archive`, then take a backup with `lastgood backup`.',
  };
  return { window, findings: [finding] };
}

/** A backup of an older lineage cannot reach this one's end; one that names no lineage is worth its finding. */
function ofLineage(view: LineageView, examined: readonly BackupExamination[]): BackupExamination[] {
  return examined.filter(({ record }) => record.primary.lineage === view.lineage.id || record.primary.lineage === null);
}

async function exposureOf(view: LineageView | null, primary: ServerOptions): Promise<ExposureReading> {
  const last = view?.segments.at(-1)?.digest;
  if (last === undefined) return { exposure: { seconds: null, groups: null }, asOf: null, findings: [] };
  return readExposure(primary, { file: last.file, position: last.indexedTo, gtidState: last.gtidEnd });
}

function archiveEnd(view: LineageView | null): Pick<ArchiverStatus, 'file' | 'position' | 'gtid'> {
  const last = view?.segments.at(-1)?.digest;
  return { file: last?.file ?? null, position: last?.indexedTo ?? null, gtid: last?.gtidEnd ?? null };
}

function listed(examination: BackupExamination | undefined): ListedBackup | null {
  if (examination === undefined) return null;
  const { record, why } = examination;
  return { ...record, usable: why === null, why };
}

function archiverFindings(running: boolean, name: string): Finding[] {
  if (running) return [];
  return [
    {
      severity: 'error',
      check: 'archiver',
      object: name,
      found: 'no archiver is running: what the primary writes now is not being saved',
      fix: 'Start `lastgood archive`, best as a service.',
    },
  ];
}

const OLD_BACKUP_DAYS = 7;
const DAY_MS = 86_400_000;

function backupFindings(record: BackupRecord | null, now: Date): Finding[] {
  if (record === null) return [];
  const days = Math.floor((now.getTime() - Date.parse(record.finishedAt)) / DAY_MS);
  if (days < OLD_BACKUP_DAYS) return [];
  return [
    {
      severity: 'warning',
      check: 'backup age',
      object: record.id,
      found: `the newest backup is ${days} days old: a restore must replay all that came after it`,
      fix: 'Take a backup: `lastgood backup`.',
    },
  ];
}

function rehearsalFindings(repository: Repository, rehearsal: RehearsalRecord | null): Finding[] {
  if (rehearsal?.ok === true) return [];
  const check = 'rehearsal';
  if (rehearsal === null) {
    const found = 'no restore was ever rehearsed';
    return [{ severity: 'warning', check, object: null, found, fix: 'Run `lastgood rehearse`.' }];
  }
  const { id, startedAt } = rehearsal;
  const found = `the last rehearsal, at ${startedAt}, did not pass its proof`;
  const fix = `Read ${reportPaths(repository, id).markdown}, then run \`lastgood rehearse\` again.`;
  return [{ severity: 'error', check, object: id, found, fix }];
}

function gapFinding({ from, to, why, lineage }: Gap): Finding {
  return {
    severity: 'error',
    check: 'gap',
    object: lineage,
    found: `everything from ${from} to ${to} is missing for good: ${why}`,
    fix: 'Take a backup now, if none was taken since: no restore can cross the gap.',
  };
}
