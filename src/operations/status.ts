import { join } from 'node:path';
import { readArchiverRecord } from '../archive/archiver-record.ts';
import type { LedgerEntry } from '../archive/ledger.ts';
import type { Pin } from '../archive/pins.ts';
import type { RehearsalRecord } from '../archive/rehearsal-record.ts';
import type { Repository } from '../archive/repository.ts';
import type { StoredRecords } from '../archive/stored-records.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { findUndelivered } from './alerts/alert-findings.ts';
import { notRunning } from './archiver-state.ts';
import { waitFindings } from './archiver-wait.ts';
import { examineStored } from './examine-backups.ts';
import { archivedTo, readExposure, type ArchivedTo, type Exposure, type ExposureReading } from './exposure.ts';
import type { Finding } from './finding.ts';
import { findFullDisk } from './full-disk.ts';
import { isKnown, listedBackups, unreadableFindings, type ListedBackup } from './listed-backup.ts';
import { lossesOf, lossFindings } from './losses.ts';
import { findMissingSegments } from './missing-segments.ts';
import { isArchiverAlive, type OpenArchive } from './open-archive.ts';
import type { PurgeGuard } from './purge-guard.ts';
import { findWindow, type RecoveryWindow } from './recovery-window.ts';
import { rehearsalReportPath } from './rehearsal-report.ts';
import { findSemiSyncProblems } from './semi-sync.ts';
import { findStoppedApplying } from './stopped-applying.ts';

/** Whether what was written can be brought back, as things stand now. null is "not known", never "nothing". */
export interface Status {
  readonly window: RecoveryWindow;
  readonly exposure: Exposure;
  readonly archiver: ArchiverStatus;
  /** The newest, usable or not. */
  readonly lastBackup: ListedBackup | null;
  readonly lastRehearsal: RehearsalRecord | null;
  /** Known losses in the primary's history, of every kind, the oldest first. */
  readonly gaps: readonly LedgerEntry[];
  /** What is kept from being deleted, in the order it was pinned. */
  readonly pins: readonly Pin[];
  /** What the primary may remove, and when it will. */
  readonly purge: PurgeGuard | null;
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
 * @param options.semiSync its commits are meant to wait for the archive
 */
export async function readStatus(
  archive: OpenArchive,
  options: { primary: ServerOptions; semiSync?: boolean; now?: Date; signal?: AbortSignal | undefined },
): Promise<Status> {
  const { primary, semiSync = false, signal, now = new Date() } = options;
  const { repository } = archive;
  const views = await openLineageViews({ ...archive, signal });
  const stored = await examineStored(repository, views);
  const stands = stored.examined.flatMap(({ all }) => all);
  const lastBackup = listedBackups(stored).at(-1) ?? null;
  const ofPrimary = views.filter(({ lineage }) => lineage.name === primary.name);
  const gaps = await lossesOf(repository, primary.name);
  const { window, findings } = await findWindow(ofPrimary, stands, gaps);
  // The newest one that holds something: a lineage that has only begun ends where it begins.
  const view = ofPrimary.find(({ segments }) => segments.length > 0) ?? null;
  const archived = view === null ? null : archivedTo(archive.catalog, view.lineage);
  const { exposure, purge, findings: exposureFindings } = await exposureOf(archived, primary);
  const running = await isArchiverAlive(repository, primary.name);
  const pinned = await readPins(repository);
  const rehearsals = await repository.rehearsals();
  const lastRehearsal = rehearsals.records.findLast(({ purpose }) => purpose === undefined) ?? null;
  const lineages = ofPrimary.map(({ lineage }) => lineage).toReversed();
  const backups = stands.filter(({ why }) => why === null).map(({ record }) => record);
  return {
    window,
    exposure,
    archiver: { running, ...archiveEnd(view), lagSeconds: exposure.seconds },
    lastBackup,
    lastRehearsal,
    gaps,
    pins: pinned.pins,
    purge,
    findings: [
      ...findings,
      ...exposureFindings,
      ...(await archiverFindings(repository, { name: primary.name, running, now })),
      ...(await findFullDisk(repository.path)),
      ...(await findUndelivered(repository, primary.name)),
      ...pinned.findings,
      ...(semiSync ? await findSemiSyncProblems(primary, running) : []),
      ...unreadableFindings(stored.unreadable),
      ...backupFindings(lastBackup, now),
      ...(await findStoppedApplying(repository)),
      ...rehearsalFindings(repository, { ...rehearsals, last: lastRehearsal }),
      ...(await findMissingSegments(archive, lineages)),
      ...lossFindings({ losses: gaps, lineages, backups }),
    ],
  };
}

/** Who deletes something must read every line: a bad one is an error also for status. */
async function readPins({ pins, path }: Repository): Promise<{ pins: readonly Pin[]; findings: Finding[] }> {
  const { pins: held, problems } = await pins.read().catch((error: unknown) => {
    if (!isLastgoodError(error, 'REPOSITORY_UNREADABLE')) throw error;
    return { pins: [], problems: [error.message] };
  });
  const findings = problems.map((problem): Finding => ({
    severity: 'error',
    check: 'pins',
    object: join(path, 'pins.jsonl'),
    found: problem,
    fix: 'Put the file of a second copy of the archive in its place; until then nothing may be deleted.',
  }));
  return { pins: held, findings };
}

async function exposureOf(archived: ArchivedTo | null, primary: ServerOptions): Promise<ExposureReading> {
  if (archived === null) return { exposure: { seconds: null, groups: null }, asOf: null, purge: null, findings: [] };
  return readExposure(primary, archived);
}

function archiveEnd(view: LineageView | null): Pick<ArchiverStatus, 'file' | 'position' | 'gtid'> {
  const last = view?.segments.at(-1)?.digest;
  return { file: last?.file ?? null, position: last?.indexedTo ?? null, gtid: last?.gtidEnd ?? null };
}

async function archiverFindings(
  repository: Repository,
  { name, running, now }: { name: string; running: boolean; now: Date },
): Promise<Finding[]> {
  const record = await readArchiverRecord(repository.archiverRecordPath(name));
  if (running) return waitFindings(name, { wait: record?.waiting ?? null, now });
  return [notRunning(name, { runs: record?.current ?? [], now, severity: 'error' })];
}

const OLD_BACKUP_DAYS = 7;
const DAY_MS = 86_400_000;

function backupFindings(record: ListedBackup | null, now: Date): Finding[] {
  if (record === null || !isKnown(record)) return []; // how old one is that cannot be read is not known
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

function rehearsalFindings(
  repository: Repository,
  { unreadable, last }: StoredRecords<RehearsalRecord> & { readonly last: RehearsalRecord | null },
): Finding[] {
  const check = 'rehearsal';
  const findings = unreadable.map(({ id, error }): Finding => {
    return {
      severity: 'warning',
      check,
      object: id,
      found: `it counts for nothing: ${error.message}`,
      fix: error.hint,
    };
  });
  if (last?.ok === true) return findings;
  if (last === null) {
    const found = unreadable.length === 0 ? 'no restore was ever rehearsed' : 'no rehearsal can be read';
    return [...findings, { severity: 'warning', check, object: null, found, fix: 'Run `lastgood rehearse`.' }];
  }
  const { id, startedAt } = last;
  const found = `the last rehearsal, at ${startedAt}, did not pass its proof`;
  const fix = `Read ${rehearsalReportPath(repository, id)}, then run \`lastgood rehearse\` again.`;
  return [...findings, { severity: 'error', check, object: id, found, fix }];
}
