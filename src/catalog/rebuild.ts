import { renameSync, rmSync } from 'node:fs';
import { compareFiles, fileNumber } from '../binlog/coordinates.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import type { StoredRecords, UnreadableRecord } from '../archive/stored-records.ts';
import { indexSegment } from '../archive/read-segment.ts';
import { lastGoodOf } from '../archive/segment-indexer.ts';
import type { BinlogReading } from '../binlog/binlog-reader.ts';
import { isWrong } from '../binlog/event-view.ts';
import type { LastGood } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { removeJournals } from './catalog-file.ts';
import { openCatalog, type Catalog } from './catalog.ts';
import type { CatalogSegment } from './segment-table.ts';

/** How far reading the archive is, bytes of plain segments. */
export type IndexProgress = (done: { bytes: number; totalBytes: number }) => void;

/** A damaged segment stays out of the catalog: whatever needs it meets a gap, and everything else still works. */
function logDamage(log: Logger): (error: LastgoodError) => void {
  return (error) => {
    log.error({ error: error.message, ...error.details }, 'damaged segment left out');
  };
}

interface IndexOptions {
  /** Told of a damaged segment, which is left out then; without it the damage is thrown. */
  readonly onDamage?: (error: LastgoodError) => void;
  /** Told of a segment that cannot be read, which is left for later then; without it the reason is thrown. */
  readonly onUnreadable?: (error: LastgoodError) => void;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
  readonly progress?: IndexProgress | undefined;
}

/**
 * Makes the catalog anew from the archive alone, beside the old one, and puts it in its place when it is whole. Nobody
 * may write to the old one meanwhile: hold the archivers' locks.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED` when a segment cannot be read, `REPOSITORY_UNREADABLE` when its manifest cannot; the old catalog then stays
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
  const archived = await listArchive(repository, ({ error }) => {
    throw error;
  });
  await copyRecords({ repository, lineages: archived.lineages }, catalog, options);
  await indexAll(catalog, archived.segments, options);
}

/**
 * Brings the catalog up to the archive: reads segments that it does not know or knows only in part, keeps what is gone as lost,
 * copies the records of backups and rehearsals. A living archiver's open segment is read beside it: its rows may be in a file that was
 * deleted under it. A damaged segment is left out and logged.
 *
 * @param options.openSegments 'leave' for the archiver, whose writer indexes its own, and which goes on, and logs it, when an old segment
 * cannot be read, for want of its key or of a right, or when a record is damaged: the present is archived whatever the past is
 * @throws LastgoodError `REPOSITORY_UNREADABLE` for an edited lineage.json, unless 'leave': every restore rests on what it says
 */
export async function catchUp(
  repository: Repository,
  catalog: Catalog,
  options: IndexOptions & { openSegments: 'read' | 'leave' },
): Promise<void> {
  // Before the archive is listed: what a living archiver adds meanwhile must not look like something gone.
  const known = catalog.lineages().map(({ id }) => ({ id, segments: catalog.segments(id) }));
  const { log, openSegments } = options;
  const archived = await listArchive(repository, ({ error }) => {
    log.error({ error: error.message, ...error.details }, 'segment with a damaged manifest left out');
  });
  const onUnreadable = openSegments === 'leave' ? logUnreadable(log) : undefined;
  for (const edited of await repository.editedLineages()) {
    if (onUnreadable === undefined) throw edited;
    onUnreadable(edited);
  }
  await copyRecords({ repository, lineages: archived.lineages }, catalog, { ...(onUnreadable && { onUnreadable }) });
  for (const { id, segments } of known) loseGone(catalog, archived, { id, segments });
  const behind: SegmentWork[] = [];
  for (const item of archived.segments) {
    if (!isBehind(catalog, item)) continue;
    if (item.segment.state === 'open' && options.openSegments === 'leave') continue;
    behind.push(item);
  }
  await indexAll(catalog, behind, { ...options, onDamage: logDamage(log), ...(onUnreadable && { onUnreadable }) });
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

/** @param onDamaged told of each manifest that is damaged: its segment is not listed */
async function listArchive(
  repository: Repository,
  onDamaged: (record: UnreadableRecord) => void,
): Promise<ArchiveListing> {
  const lineages = await repository.lineages();
  const segments: SegmentWork[] = [];
  for (const lineage of lineages) {
    const { records, unreadable } = await repository.storedSegments(lineage.id);
    unreadable.forEach(onDamaged);
    for (const segment of records) segments.push({ lineage, segment });
  }
  return { lineages, segments };
}

async function copyRecords(
  { repository, lineages }: { repository: Repository; lineages: readonly Lineage[] },
  catalog: Catalog,
  { onUnreadable }: Pick<IndexOptions, 'onUnreadable'>,
): Promise<void> {
  const [backups, rehearsals] = [await repository.backups(), await repository.rehearsals()];
  for (const { error } of [...backups.unreadable, ...rehearsals.unreadable]) onUnreadable?.(error);
  catalog.setRecords({
    lineages,
    backups: withKnown(backups, catalog.backups()),
    rehearsals: withKnown(rehearsals, catalog.rehearsals()),
  });
}

/** What cannot be read now was read once: it is not gone. */
function withKnown<R extends { readonly id: string }>({ records, unreadable }: StoredRecords<R>, known: R[]): R[] {
  return [...records, ...known.filter(({ id }) => unreadable.some((record) => record.id === id))];
}

function isBehind(catalog: Catalog, { lineage, segment }: SegmentWork): boolean {
  const known = catalog.segment(lineage.id, segment.file);
  if (known?.state !== segment.state || catalog.isOfEarlierRules(lineage.id, segment.file)) return true;
  if (segment.manifest === null) return segment.bytes !== known.digest.indexedTo;
  return segment.manifest.indexedTo !== known.digest.indexedTo;
}

/** The catalog is the only witness of the archive's own end: what it drops without a word was never there. */
function loseGone(
  catalog: Catalog,
  archived: ArchiveListing,
  known: { id: string; segments: readonly CatalogSegment[] },
): void {
  const mine = archived.segments.filter(({ lineage }) => lineage.id === known.id);
  const there = new Map(mine.map(({ segment }) => [segment.file, segment]));
  for (const { digest } of known.segments) {
    const segment = there.get(digest.file);
    if (segment === undefined || isShorter(segment, digest)) catalog.lose(known.id, digest);
    else if (isAnother(segment, digest)) catalog.forget(known.id, digest.file);
  }
  if (!archived.lineages.some(({ id }) => id === known.id)) catalog.forgetLineage(known.id);
}

function isShorter({ bytes, manifest }: ArchivedSegment, { indexedTo }: SegmentDigest): boolean {
  return indexedTo > (manifest?.indexedTo ?? bytes);
}

/** True when the catalog's row is not of this file: another one was put in its place. */
function isAnother({ manifest }: ArchivedSegment, { openedAt }: SegmentDigest): boolean {
  return manifest !== null && manifest.openedAt !== openedAt;
}

async function indexAll(catalog: Catalog, work: readonly SegmentWork[], options: IndexOptions): Promise<void> {
  const totalBytes = work.reduce((sum, { segment }) => sum + segment.bytes, 0);
  let bytes = 0;
  let last: Indexed | null = null;
  for (const item of work) {
    last = await indexOrReport(catalog, { ...item, last: lastBefore(catalog, item, last) }, options);
    bytes += item.segment.bytes;
    options.progress?.({ bytes, totalBytes });
    options.log.debug({ lineage: item.lineage.id, file: item.segment.file }, 'segment indexed');
  }
}

function isUnreadable(error: unknown): error is LastgoodError {
  return isLastgoodError(error, 'KEY_MISSING') || isLastgoodError(error, 'REPOSITORY_UNREADABLE');
}

function logUnreadable(log: Logger): (error: LastgoodError) => void {
  return (error) => {
    log.error({ code: error.code, ...error.details }, `${error.message}; not in the catalog`);
  };
}

/** A segment that was just indexed: the next one need not ask for the group before it. */
interface Indexed {
  readonly lineage: string;
  readonly file: string;
  readonly last: LastGood | null;
}

/** A power cut leaves anything at the end of an open segment: what is whole before the first wrong byte still counts. */
async function indexOrReport(
  catalog: Catalog,
  work: SegmentWork & { readonly last: LastGood | null },
  options: IndexOptions & { limit?: number },
): Promise<Indexed | null> {
  const { signal, onDamage, onUnreadable, limit = Infinity } = options;
  try {
    return await indexOne(catalog, work, { signal, limit });
  } catch (error) {
    if (onUnreadable !== undefined && isUnreadable(error)) {
      onUnreadable(error);
      return null;
    }
    if (onDamage === undefined || !isLastgoodError(error, 'ARCHIVE_DAMAGED')) throw error;
    loseKnown(catalog, work);
    if (limit === Infinity) onDamage(error);
    const wholeTo = Number(error.details['offset'] ?? 0);
    if (work.segment.state !== 'open' || wholeTo >= limit) return null;
    return await indexOrReport(catalog, work, { ...options, limit: wholeTo });
  }
}

/** What was whole once and is not any more; a reading that finds all of it whole settles that again. */
function loseKnown(catalog: Catalog, { lineage, segment }: SegmentWork): void {
  const known = catalog.segment(lineage.id, segment.file);
  if (known !== null) catalog.lose(lineage.id, known.digest);
}

async function indexOne(
  catalog: Catalog,
  { lineage, segment, last }: SegmentWork & { readonly last: LastGood | null },
  { signal, limit }: { signal?: AbortSignal | undefined; limit: number },
): Promise<Indexed | null> {
  const { update, reading } = await indexSegment({
    segment,
    last,
    verifyChecksums: true,
    limit,
    ...(signal === undefined ? {} : { signal }),
  });
  checkReading(segment, reading);
  if (update === null) return null;
  catalog.replace(lineage, update);
  return { lineage: lineage.id, file: segment.file, last: lastGoodOf(update.digest, last) };
}

/** Wrong bytes could hide an incident, and what is missing in the catalog would look like "nothing there". */
function checkReading({ path, file, manifest }: ArchivedSegment, { problems, wholeTo }: BinlogReading): void {
  const damage = problems.find(isWrong);
  if (damage === undefined && (manifest === null || wholeTo === manifest.indexedTo)) return;
  const why = damage?.problem ?? `it can be read only up to ${wholeTo}, and its manifest says otherwise`;
  throw new LastgoodError('ARCHIVE_DAMAGED', `${file} is damaged at offset ${damage?.offset ?? wholeTo}: ${why}`, {
    details: { path, offset: damage?.offset ?? wholeTo },
  });
}

function lastBefore(catalog: Catalog, { lineage, segment }: SegmentWork, before: Indexed | null): LastGood | null {
  const follows = before?.lineage === lineage.id && fileNumber(before.file) + 1 === fileNumber(segment.file);
  return follows ? before.last : lastGoodBefore(catalog, lineage.id, segment.file);
}

/** The last group of the files before this one: what an incident at the file's very start comes after. */
function lastGoodBefore(catalog: Catalog, lineage: string, file: string): LastGood | null {
  const earlier = catalog.segments(lineage).filter(({ digest }) => compareFiles(digest.file, file) < 0);
  return earlier.reduce<LastGood | null>((last, { digest }) => lastGoodOf(digest, last), null);
}
