import { readArchiverRecord } from '../archive/archiver-record.ts';
import type { BackupRecord } from '../archive/backup-record.ts';
import { findForeign } from '../archive/begin-folder.ts';
import type { Lineage } from '../archive/lineage.ts';
import { openRepository, type Repository } from '../archive/repository.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { nearestThere } from '../platform/folder-way.ts';
import { acquireLock, readLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { openLineageViews } from '../recovery/lineage-view.ts';
import { nameArchiver } from './archiver-name.ts';
import { backupLockPath, repairInterruptedBackups, type RepairedBackup } from './backup.ts';
import { checkPrimary } from './doctor/primary-checks.ts';
import { checkReplicaServer } from './doctor/replica-checks.ts';
import { checkLeftScratch, checkRepository, checkTools } from './doctor/repository-checks.ts';
import {
  inspect,
  inspectPrimary,
  inspectReplica,
  inspectTools,
  readSpace,
  type DoctorFacts,
  type RepositoryReport,
} from './doctor/facts.ts';
import { findMissingKeys, inspectKeyFile } from './doctor/key-file.ts';
import { findOpenSecrets } from './doctor/secret-files.ts';
import { findUndelivered, findUnreachableWebhook } from './alerts/alert-findings.ts';
import { examineStored } from './examine-backups.ts';
import { archivedTo, readExposure, type ExposureReading } from './exposure.ts';
import type { Finding } from './finding.ts';
import { unreadableFindings } from './listed-backup.ts';
import { lossesOf, lossFindings } from './losses.ts';
import { findMissingSegments } from './missing-segments.ts';
import { openArchive, type OpenArchive } from './open-archive.ts';
import { findLeftScratch } from './scratch-folder.ts';
import { newServerId, withServerId } from './server-id.ts';
import type { PrimarySettings, Settings } from './settings.ts';

export interface Diagnosis {
  readonly findings: readonly Finding[];
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    /** Versions as the servers tell them; null when one could not be asked. */
    readonly primary: string | null;
    readonly replica: string | null;
    readonly freeBytes: number | null;
  };
}

export interface DoctorOptions {
  readonly settings: Settings;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Looks at both servers, the repository and the tools, and reports everything at once. Puts right what an
 * interrupted backup left; changes nothing else.
 */
export async function diagnose(o: DoctorOptions): Promise<Diagnosis> {
  const facts = await gather({ ...o, settings: { ...o.settings, primary: await primaryOf(o.settings) } });
  const findings = findAll(facts);
  const count = (severity: Finding['severity']): number => findings.filter((item) => item.severity === severity).length;
  return {
    findings,
    summary: {
      errors: count('error'),
      warnings: count('warning'),
      primary: facts.primary.report?.facts.version ?? null,
      replica: facts.replica?.report?.facts.version ?? null,
      freeBytes: facts.repository.report?.freeBytes ?? null,
    },
  };
}

/** With the id under which its archiver would replicate. What keeps the repository from being read is told elsewhere. */
async function primaryOf({ repositoryPath, primary }: Settings): Promise<PrimarySettings> {
  try {
    return await withServerId(await openRepository(repositoryPath), primary);
  } catch (error) {
    if (isLastgoodError(error, 'REPOSITORY_MISSING')) return newServerId({ repositoryPath, primary });
    if (!isLastgoodError(error)) throw error;
    return primary;
  }
}

/** All checks. Pure over the facts. */
export function findAll(facts: DoctorFacts): Finding[] {
  return [checkPrimary, checkReplicaServer, checkRepository, checkTools, checkLeftScratch].flatMap((check) =>
    check(facts),
  );
}

async function gather({ settings, log, signal }: DoctorOptions): Promise<DoctorFacts> {
  const repository = await inspect(() => inspectRepository({ settings, log, signal })); // first: it may start applying
  throwIfAborted(signal);
  const primary = await inspectPrimary(settings.primary);
  throwIfAborted(signal);
  const replica = settings.replica === null ? null : await inspectReplica(settings.replica);
  const leftScratch = await inspect(findLeftScratch);
  return { settings, primary, replica, repository, tools: inspectTools(), leftScratch };
}

async function inspectRepository(o: DoctorOptions): Promise<RepositoryReport> {
  const { settings, log, signal } = o;
  const space = await readSpaceAt(settings.repositoryPath);
  const key = await inspectKeyFile(settings.keyFile);
  const secrets = await findOpenSecrets(settings.secretFiles ?? []);
  const alerts = settings.alerts === undefined ? [] : await findUnreachableWebhook(settings.alerts, signal);
  const nothing = {
    exists: false,
    archived: false,
    archiverRunning: false,
    archiverHost: null,
    archiverRuns: [],
    archiverWait: null,
    readAt: new Date(),
    lastBackupBytes: null,
    repaired: [],
    findings: [...key.findings, ...secrets, ...alerts],
  };
  try {
    using archive = await openArchive(settings.repositoryPath, { log, signal, keyFile: key.usable });
    const { repaired, findings } = await repair(archive.repository, o);
    const lineages = archive.catalog.lineages().filter(({ name }) => name === settings.primary.name);
    const backups = await archive.repository.backups();
    const reading = await readNewest(archive, lineages, settings);
    return {
      ...space,
      exists: true,
      lastBackupBytes: backups.records.at(-1)?.bytes ?? null,
      archived: lineages.length > 0,
      ...(await readArchiver(archive.repository, settings)),
      repaired,
      findings: [
        ...key.findings,
        ...secrets,
        ...alerts,
        ...(await findUndelivered(archive.repository, settings.primary.name)),
        ...(await findMissingKeys(archive.repository)),
        ...findings,
        ...(reading?.findings ?? []),
        ...unreadableFindings(backups.unreadable),
        ...(await findMissingSegments(archive, lineages)),
        ...lossFindings({
          losses: await lossesOf(archive.repository, settings.primary.name),
          lineages,
          backups: await usableBackups(archive, signal),
        }),
      ],
    };
  } catch (error) {
    if (isLastgoodError(error, 'REPOSITORY_MISSING'))
      return { ...space, ...nothing, foreign: await findForeign(settings.repositoryPath) };
    throw error;
  }
}

/** Who holds its lock, as it calls itself at the primary, and when it ran. */
async function readArchiver(
  repository: Repository,
  { primary: { name, serverId }, repositoryPath }: Settings,
): Promise<Pick<RepositoryReport, 'archiverRunning' | 'archiverHost' | 'archiverRuns' | 'archiverWait' | 'readAt'>> {
  const holder = await readLock(repository.archiverLockPath(name));
  const archiverRunning = holder?.alive === true;
  const record = await readArchiverRecord(repository.archiverRecordPath(name));
  return {
    archiverRunning,
    archiverHost: archiverRunning ? nameArchiver({ repositoryPath, name }, serverId, holder.host).host : null,
    archiverRuns: record?.current ?? [],
    archiverWait: record?.waiting ?? null,
    readAt: new Date(),
  };
}

/** Once for each lineage in which they stand. Without its key the archive cannot be asked, which is told elsewhere: then as recorded. */
async function usableBackups(archive: OpenArchive, signal: AbortSignal | undefined): Promise<BackupRecord[]> {
  try {
    const views = await openLineageViews({ ...archive, signal });
    const stands = (await examineStored(archive.repository, views)).examined.flatMap(({ all }) => all);
    return stands.filter(({ why }) => why === null).map(({ record }) => record);
  } catch (error) {
    if (isLastgoodError(error, 'KEY_MISSING')) return [...(await archive.repository.backups()).records];
    throw error;
  }
}

/** A backup at work holds the lock: then there is nothing to put right. */
async function repair(
  repository: Repository,
  { settings, log }: DoctorOptions,
): Promise<{ repaired: RepairedBackup[]; findings: Finding[] }> {
  const { replica } = settings;
  if (replica === null) return { repaired: [], findings: [] };
  try {
    await using _lock = await acquireLock(backupLockPath(repository), 'doctor');
    return { repaired: await repairInterruptedBackups({ repository, replica, log }), findings: [] };
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    const severity = error.code === 'LOCKED' ? 'info' : 'error';
    const check = error.code === 'LOCKED' ? 'backup at work' : 'interrupted backup';
    return {
      repaired: [],
      findings: [{ severity, check, object: settings.repositoryPath, found: error.message, fix: error.hint }],
    };
  }
}

/** The newest lineage that holds something is where the archiver goes on. */
async function readNewest(
  { catalog }: OpenArchive,
  lineages: readonly Lineage[],
  { primary }: Settings,
): Promise<ExposureReading | null> {
  const ends = lineages.map((lineage) => archivedTo(catalog, lineage));
  const end = ends.findLast((found) => found !== null) ?? null;
  return end === null ? null : await readExposure(primary, end);
}

/** Of the repository's folder, or what is there of the way to it. @throws LastgoodError `REPOSITORY_UNREADABLE` */
async function readSpaceAt(path: string): ReturnType<typeof readSpace> {
  try {
    return await readSpace(await nearestThere(path));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot read '${path}': ${why}`, { cause, details: { path } });
  }
}
