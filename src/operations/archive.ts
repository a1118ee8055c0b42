/**
 * The archiver: streams the primary's binary log into the repository until it is told to stop. One file per user
 * intention; the order of the steps and nothing else.
 */
import { packThreadFor } from '../archive/pack-thread.ts';
import { openRepository, type Repository } from '../archive/repository.ts';
import { openCatalog, type Catalog } from '../catalog/catalog.ts';
import { catchUp } from '../catalog/rebuild.ts';
import { acquireLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { findMissingSegments } from './missing-segments.ts';
import { PurgeHold } from './purge-hold.ts';
import type { ArchiveSettings, PrimarySettings } from './settings.ts';
import { ArchiveRun } from './archive-run.ts';
import type { WatchTimes } from './source-watch.ts';

export interface ArchiveOptions {
  readonly repositoryPath: string;
  /** New segments are encrypted with its newest key; null or none: stored in clear. */
  readonly keyFile?: string | null;
  readonly primary: PrimarySettings;
  readonly archive: ArchiveSettings;
  /** Stop as soon as everything is archived that the source had when it was connected. */
  readonly untilCurrent: boolean;
  /** Archive the server that answers first also when its log does not continue what is archived: as a lineage of its own. */
  readonly newLineage?: boolean;
  /** Keep the source from removing files that are not sealed here, up to so many bytes; null or none: let it. */
  readonly holdPurge?: { readonly limitBytes: number } | null;
  readonly log: Logger;
  /** How often the source says that it is alive; 5000 when not given. */
  readonly heartbeatMs?: number;
  /** When a source that sends nothing is asked whether its log is still the archived one. */
  readonly watch?: WatchTimes;
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
 * `PREFLIGHT_FAILED`, `LINEAGE_MISMATCH`, `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `STREAM_DAMAGED`, `STORAGE_FAILED`
 */
export async function archive(options: ArchiveOptions): Promise<ArchiveResult> {
  const { keyFile = null } = options;
  const repository = await openRepository(options.repositoryPath, { create: true, keyFile });
  const lock = await acquireLock(repository.archiverLockPath(options.primary.name), 'archive');
  try {
    using catalog = await openCurrentCatalog(repository, options);
    await using packs = packThreadFor(options.archive.compression, repository.keys);
    await using hold = holdFor(options);
    const run = new ArchiveRun(options, { repository, catalog, packs, hold });
    await run.untilDone();
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
async function openCurrentCatalog(repository: Repository, { log, signal }: ArchiveOptions): Promise<Catalog> {
  const catalog = openCatalog(repository.catalogPath, (reason) => {
    log.warn({ path: repository.catalogPath, reason }, 'catalog damaged, making it anew');
  });
  try {
    // The open segment is indexed by its writer.
    await catchUp(repository, catalog, { log, signal, openSegments: 'leave' });
    return catalog;
  } catch (error) {
    catalog[Symbol.dispose]();
    throw error;
  }
}

function holdFor({ holdPurge = null, primary, log }: ArchiveOptions): PurgeHold | null {
  return holdPurge === null ? null : new PurgeHold({ primary, log, ...holdPurge });
}
