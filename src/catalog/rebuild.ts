import { renameSync, rmSync } from 'node:fs';
import { compareFiles } from '../binlog/coordinates.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { indexSegment } from '../archive/read-segment.ts';
import { lastGoodOf } from '../archive/segment-indexer.ts';
import type { BinlogReading } from '../binlog/binlog-reader.ts';
import type { LastGood } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { openCatalog, removeJournals, type Catalog, type CatalogSegment } from './catalog.ts';

/** How far reading the archive is, bytes of plain segments. */
export type IndexProgress = (done: { bytes: number; totalBytes: number }) => void;

interface IndexOptions {
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: IndexProgress | undefined;
}

/**
 * Makes the catalog anew from the archive alone, beside the old one, and puts it in its place when it is whole. Nobody
 * may write to the old one meanwhile: hold the archivers' locks.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED` when a segment cannot be read; the old catalog then stays
 */
export async function rebuildCatalog(repository: Repository, path: string, options: IndexOptions): Promise<void> {
  const draft = `${path}.rebuild`;
  discard(draft);
  try {
    using catalog = openCatalog(draft);
    await indexEverything(repository, catalog, options);
  } catch (error) {
    discard(draft);
    throw error;
  }
  removeJournals(path);
  renameSync(draft, path);
}

function discard(path: string): void {
  removeJournals(path);
  rmSync(path, { force: true });
}

async function indexEverything(repository: Repository, catalog: Catalog, options: IndexOptions): Promise<void> {
  const archived = await listArchive(repository);
  await copyRecords(repository, catalog, archived);
  await indexAll(catalog, archived.segments, options);
}

/**
 * Brings the catalog up to the archive: reads segments that it does not know or knows only in part, drops what is gone,
 * copies the records of backups and rehearsals. Open segments of a living archiver are left to that archiver.
 *
 * @param options.isArchived tells whether an archiver of this `[primary]` name is alive
 */
export async function catchUp(
  repository: Repository,
  catalog: Catalog,
  options: IndexOptions & { isArchived(name: string): Promise<boolean> },
): Promise<void> {
  // Before the archive is listed: what a living archiver adds meanwhile must not look like something gone.
  const known = catalog.lineages().map(({ id }) => ({ id, segments: catalog.segments(id) }));
  const archived = await listArchive(repository);
  await copyRecords(repository, catalog, archived);
  for (const { id, segments } of known) forgetGone(catalog, archived, { id, segments });
  const behind: SegmentWork[] = [];
  for (const item of archived.segments) {
    if (!isBehind(catalog, item)) continue;
    if (item.segment.state === 'open' && (await options.isArchived(item.lineage.name))) continue;
    behind.push(item);
  }
  await indexAll(catalog, behind, options);
}

interface SegmentWork {
  readonly lineage: Lineage;
  readonly segment: ArchivedSegment;
}

interface ArchiveListing {
  readonly lineages: readonly Lineage[];
  /** In the order of their log, lineage after lineage. */
  readonly segments: readonly SegmentWork[];
}

async function listArchive(repository: Repository): Promise<ArchiveListing> {
  const lineages = await repository.lineages();
  const segments: SegmentWork[] = [];
  for (const lineage of lineages) {
    for (const segment of await repository.segments(lineage.id)) segments.push({ lineage, segment });
  }
  return { lineages, segments };
}

async function copyRecords(repository: Repository, catalog: Catalog, { lineages }: ArchiveListing): Promise<void> {
  catalog.setRecords({
    lineages,
    backups: await repository.backups(),
    rehearsals: await repository.rehearsals(),
  });
}

function isBehind(catalog: Catalog, { lineage, segment }: SegmentWork): boolean {
  const known = catalog.segment(lineage.id, segment.file);
  if (known?.state !== segment.state) return true;
  if (segment.manifest === null) return segment.bytes !== known.digest.indexedTo;
  return segment.manifest.indexedTo !== known.digest.indexedTo;
}

function forgetGone(
  catalog: Catalog,
  archived: ArchiveListing,
  known: { id: string; segments: readonly CatalogSegment[] },
): void {
  if (!archived.lineages.some(({ id }) => id === known.id)) catalog.forgetLineage(known.id);
  const mine = archived.segments.filter(({ lineage }) => lineage.id === known.id);
  const there = new Map(mine.map(({ segment }) => [segment.file, segment]));
  for (const { digest } of known.segments) {
    const segment = there.get(digest.file);
    if (segment === undefined || isAnother(segment, digest)) catalog.forget(known.id, digest.file);
  }
}

/** True when the catalog's row is not of this file: an older copy of the archive was put back. */
function isAnother({ bytes, manifest }: ArchivedSegment, { indexedTo, openedAt }: SegmentDigest): boolean {
  return indexedTo > bytes || (manifest !== null && manifest.openedAt !== openedAt);
}

async function indexAll(catalog: Catalog, work: readonly SegmentWork[], options: IndexOptions): Promise<void> {
  const totalBytes = work.reduce((sum, { segment }) => sum + segment.bytes, 0);
  let bytes = 0;
  for (const item of work) {
    await indexOne(catalog, item, options.signal);
    bytes += item.segment.bytes;
    options.progress?.({ bytes, totalBytes });
    options.log.debug({ lineage: item.lineage.id, file: item.segment.file }, 'segment indexed');
  }
}

async function indexOne(catalog: Catalog, work: SegmentWork, signal: AbortSignal | undefined): Promise<void> {
  const { lineage, segment } = work;
  const { update, reading } = await indexSegment({
    segment,
    last: lastGoodBefore(catalog, lineage.id, segment.file),
    verifyChecksums: true,
    ...(signal === undefined ? {} : { signal }),
  });
  if (segment.manifest !== null && reading.wholeTo !== segment.manifest.indexedTo) throw damaged(segment, reading);
  if (update === null) return;
  catalog.replace(lineage, update);
}

/** A sealed segment must read as it did when it was sealed; what is missing in the catalog would look like "nothing there". */
function damaged({ path, file }: ArchivedSegment, { problems, wholeTo }: BinlogReading): LastgoodError {
  const why = problems.at(-1)?.problem ?? 'its manifest says otherwise';
  return new LastgoodError('ARCHIVE_DAMAGED', `${file} can be read only up to ${wholeTo}: ${why}`, {
    details: { path, offset: wholeTo },
  });
}

/** The last group of the files before this one: what an incident at the file's very start comes after. */
function lastGoodBefore(catalog: Catalog, lineage: string, file: string): LastGood | null {
  const earlier = catalog.segments(lineage).filter(({ digest }) => compareFiles(digest.file, file) < 0);
  return earlier.reduce<LastGood | null>((last, { digest }) => lastGoodOf(digest, last), null);
}
