/**
 * The archiver: streams the primary's binary log into the repository until it is told to stop. One file per user
 * intention; the order of the steps and nothing else.
 */
import { addArchiverRun, forgetArchiverRuns } from '../archive/archiver-record.ts';
import { packThreadFor } from '../archive/pack-thread.ts';
import { openRepository, type Repository } from '../archive/repository.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { catchUp } from '../catalog/rebuild.ts';
import type { BackoffOptions } from '../platform/backoff.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { acquireLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import type { AlertSettings } from './alerts/alert-settings.ts';
import { IncidentAlerts } from './alerts/incident-alerts.ts';
import { refuseKeyTakenAway } from './key-taken-away.ts';
import { findMissingSegments } from './missing-segments.ts';
import { PurgeHold } from './purge-hold.ts';
import { keptServerId } from './server-id.ts';
import { openSharedCatalog } from './shared-catalog.ts';
import type { ArchiveSettings, PrimarySettings } from './settings.ts';
import { ArchiveRun } from './archive-run.ts';
import type { WatchTimes } from './source-watch.ts';

export interface ArchiveOptions {
  readonly repositoryPath: string;
  /** New segments are encrypted with its newest key; null or none: stored in clear. */
  readonly keyFile?: string | null;
  /** New segments are stored in clear, whatever keys there are and were. */
  readonly storesInClear?: boolean;
  readonly primary: PrimarySettings;
  readonly archive: ArchiveSettings;
  /** Stop as soon as everything is archived that the source had when it was connected. */
  readonly untilCurrent: boolean;
  /**
   * Archive the server that answers first also when its log does not continue what is archived, and what comes after a file that
   * it cannot read on where the archive ends: as a lineage of its own.
   */
  readonly newLineage?: boolean;
  /** Keep the source from removing files that are not sealed here, up to so many bytes; null or none: let it. */
  readonly holdPurge?: { readonly limitBytes: number } | null;
  /** Who is told of incidents; null or none: nobody, and nothing is pinned. */
  readonly alerts?: AlertSettings | null;
  /** Gives the commands in alerts what they need to run as they stand; as they are when not given. */
  readonly runnable?: ((text: string) => string) | undefined;
  readonly log: Logger;
  /** How often the source says that it is alive; 5000 when not given. */
  readonly heartbeatMs?: number;
  /** When a source that sends nothing is asked whether its log is still the archived one. */
  readonly watch?: WatchTimes;
  /** How long another client with this archiver's id is left in its place; a minute, then longer, when not given. */
  readonly rivalPauses?: BackoffOptions;
  /** A clean stop: the archive ends at a whole group. */
  readonly signal: AbortSignal;
  /** After each durable step: bytes received in this run, bytes the source had more than the archive at its start. */
  readonly progress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ArchiveResult {
  readonly lineage: string;
  /** Where the archive ends now. */
  readonly file: string;
  readonly position: number;
  readonly gtid: string | null;
  /** In this run. */
  readonly bytes: number;
  readonly segmentsSealed: number;
  readonly reconnects: number;
  /** What was lost in this run, for which the ledger has the facts, and what is missing in the repository: one sentence each. */
  readonly warnings: readonly string[];
}

/**
 * Archives until `signal`, or until current. Cut connections are made anew with growing pauses, from where the
 * archive ends; nothing is archived twice.
 *
 * @throws LastgoodError `LOCKED`, `SERVER_UNREACHABLE` and `ACCESS_DENIED` before the first connection,
 * `CONFIG_INVALID` without the key file that was used until now, `PREFLIGHT_FAILED`, `SERVER_ID_TAKEN`, `LINEAGE_MISMATCH`, `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `STREAM_DAMAGED`, `STORAGE_FAILED`
 */
export async function archive(given: ArchiveOptions): Promise<ArchiveResult> {
  const { keyFile = null, storesInClear = false } = given;
  const repository = await openRepository(given.repositoryPath, { create: true, keyFile });
  const lock = await acquireLock(repository.archiverLockPath(given.primary.name), 'archive');
  try {
    const options = { ...given, primary: await keptServerId(repository, given.primary) };
    if (!storesInClear) await refuseKeyTakenAway(repository, options.primary.name);
    using catalog = await openCurrentCatalog(repository, options);
    await using packs = packThreadFor(options.archive.compression, storesInClear ? null : repository.keys);
    await using hold = holdFor(options);
    await using alerts = await alertsFor(options, { repository, catalog });
    const run = new ArchiveRun(options, { repository, catalog, packs, hold, alerts });
    await noteRuns(repository, options, 'begins');
    await run.untilDone();
    await noteRuns(repository, options, 'ended');
    const { warnings, ...result } = run.result;
    return { ...result, warnings: [...warnings, ...(await missingNow({ repository, catalog }, options))] };
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}

/** A hole is no reason not to archive, and no secret: what came back in this run is none any more. */
async function missingNow(archive: { repository: Repository; catalog: Catalog }, o: ArchiveOptions): Promise<string[]> {
  const lineages = (await archive.repository.lineages()).filter(({ name }) => name === o.primary.name);
  const findings = await findMissingSegments(archive, lineages);
  return findings.map(({ object, found }) => `lineage '${object ?? ''}': ${found}; \`lastgood verify\` tells more`);
}

/** The catalog with every sealed segment in it: a crash may have come between a manifest and its row. */
async function openCurrentCatalog(repository: Repository, o: ArchiveOptions): Promise<Catalog> {
  const { log, signal, primary } = o;
  const catalog = await openSharedCatalog(repository, { log, own: primary.name });
  try {
    // The open segment is indexed by its writer.
    await catchUp(repository, catalog, { log, signal, openSegments: 'leave' });
    return catalog;
  } catch (error) {
    catalog[Symbol.dispose]();
    throw error;
  }
}

/** Whether a timer runs it, and how often, is known by its runs alone. Not being able to say so later is no reason not to archive. */
async function noteRuns(repository: Repository, o: ArchiveOptions, now: 'begins' | 'ended'): Promise<void> {
  const { untilCurrent, signal, primary, log } = o;
  const path = repository.archiverRecordPath(primary.name);
  try {
    if (now === 'begins' && !untilCurrent) await forgetArchiverRuns(path);
    if (now === 'ended' && untilCurrent && !signal.aborted) await addArchiverRun(path, new Date());
  } catch (error) {
    if (!isLastgoodError(error)) throw error;
    log.warn({ error: error.message }, 'when the archiver runs cannot be noted');
  }
}

function holdFor({ holdPurge = null, primary, log }: ArchiveOptions): PurgeHold | null {
  return holdPurge === null ? null : new PurgeHold({ primary, log, ...holdPurge });
}

async function alertsFor(
  { alerts: settings = null, primary, runnable, log }: ArchiveOptions,
  archive: { repository: Repository; catalog: Catalog },
): Promise<IncidentAlerts | null> {
  return settings === null
    ? null
    : await IncidentAlerts.open({ ...archive, primary: primary.name, settings, runnable, log });
}
