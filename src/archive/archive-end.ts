import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { compareFiles } from '../binlog/coordinates.ts';
import type { ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { ArchivedTail } from './archived-tail.ts';
import { healSealing } from './heal-sealing.ts';
import type { Lineage } from './lineage.ts';
import type { SegmentManifest } from './manifest.ts';
import type { PackThread } from './pack-thread.ts';
import { manifestName, type ArchivedSegment, type Repository } from './repository.ts';
import type { SegmentDamage } from './segment-damage.ts';
import { lastGoodOf, type SegmentUpdate } from './segment-indexer.ts';
import { exists } from './presence.ts';
import { openSegment } from './read-segment.ts';
import { SegmentWriter } from './segment-writer.ts';
import type { UnreadableRecord } from './stored-records.ts';
import { recordSourceIncidents, type SourceIncidentOptions } from './source-incidents.ts';

/** Where a lineage's archive ends, derived from its files alone. */
export interface ArchiveEnd {
  /** The newest sealed segment. */
  readonly sealed: SealedEnd | null;
  /** The open one behind it, repaired; null when the archive ends with a sealed one. */
  readonly open: SegmentWriter | null;
  /** The last archived bytes; null when nothing is archived, or when the source cannot send them again. */
  readonly tail: ArchivedTail | null;
  /** Older segments whose bytes are gone: a hole in the past is no reason to let one grow in the present. */
  readonly missing: readonly string[];
  /** Wrong bytes at the end of the open segment: to be fetched again, or there is no going on; null as a rule. */
  readonly damage: SegmentDamage | null;
}

export interface SealedEnd {
  readonly manifest: SegmentManifest;
  readonly manifestSha256: string;
  /** The newest group up to its end. */
  readonly last: LastGood | null;
}

/**
 * Finds the end of a lineage and puts it back to a whole group. The caller holds the archiver's lock.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED` when the newest segment is missing, `REPOSITORY_UNREADABLE` when its manifest is damaged
 */
export async function readArchiveEnd(
  repository: Repository,
  lineage: Lineage,
  signal?: AbortSignal,
): Promise<ArchiveEnd> {
  await healSealing(repository, lineage.id);
  const missing = await repository.missingSegments(lineage);
  const { records: segments, unreadable } = await repository.storedSegments(lineage.id);
  const open = checkOrder({ repository, lineage, segments, missing, unreadable });
  const sealedOnes = segments.filter(({ state }) => state === 'sealed');
  const sealed = await sealedEnd(repository, lineage.id, { sealed: sealedOnes, missing });
  const reopened = open === null ? null : await reopen(open, sealed, signal);
  const { writer = null, damage = null } = reopened ?? {};
  if (writer !== null) return { sealed, open: writer, missing, damage, tail: writer.tail() };
  return { sealed, open: null, missing, damage, tail: sealedTail(sealedOnes.at(-1)) };
}

/** @returns the open segment, which must be the newest */
function checkOrder(archive: {
  repository: Repository;
  lineage: Lineage;
  segments: readonly ArchivedSegment[];
  missing: readonly string[];
  unreadable: readonly UnreadableRecord[];
}): ArchivedSegment | null {
  const { repository, lineage, segments, missing, unreadable } = archive;
  const newest = segments.at(-1);
  const newestMissing = missing.at(-1);
  if (newestMissing !== undefined && compareFiles(newestMissing, newest?.file ?? lineage.firstFile) >= 0) {
    const damaged = unreadable.find(({ id }) => id === newestMissing);
    throw damaged?.error ?? withFetching(missingSegments(repository.lineageFolder(lineage.id), missing));
  }
  const open = segments.find(({ state }) => state === 'open') ?? null;
  if (open === null || open === newest) return open;
  throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${open.path}' has no manifest, but later segments exist`);
}

/** @returns no writer when not even the file's first event is whole; wrong bytes stay until the source sends the file again */
async function reopen(
  segment: ArchivedSegment,
  sealed: SealedEnd | null,
  signal: AbortSignal | undefined,
): Promise<{ writer: SegmentWriter | null; damage: SegmentDamage | null }> {
  const writer = await SegmentWriter.reopen(segment, sealed?.last ?? null, signal);
  const { damage } = writer;
  if (writer.wholeTo > 0) return { writer, damage };
  await writer.close();
  if (damage === null) await rm(segment.path);
  return { writer: null, damage };
}

/** What needs an end's open segment, which is closed when that fails: an archiver comes here again and again. */
export async function orClosed<T>({ open }: Pick<ArchiveEnd, 'open'>, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await open?.close().catch(() => undefined); // the error tells more, or it is closed already
    throw error;
  }
}

interface SealCrashedOptions extends SourceIncidentOptions {
  /** Of the source's file. */
  readonly sourceBytes: number;
  readonly packs: PackThread | null;
}

/**
 * Seals the open segment at its last whole group because its source crashed while writing the rest, which nobody can read.
 * When that fails the segment is open, and closed as a file.
 */
export async function sealCrashed(
  { open, sealed, missing }: ArchiveEnd & { readonly open: SegmentWriter },
  options: SealCrashedOptions,
): Promise<{ end: ArchiveEnd; update: SegmentUpdate }> {
  const { repository, lineage, sourceBytes, packs } = options;
  const { manifest, update } = await orClosed({ open }, async () => {
    await recordSourceIncidents({ file: open.file, events: open.takeSourceIncidents() }, options); // a sealed segment is not read again
    if (packs !== null) open.packWith(packs);
    const done = await open.seal({ previousManifestSha256: sealed?.manifestSha256 ?? null, sourceBytes });
    await done.cleared;
    return done;
  });
  const manifestSha256 = await manifestHash(repository, lineage.id, manifest.file);
  return {
    end: {
      missing,
      damage: null,
      open: null,
      tail: null,
      sealed: { manifest, manifestSha256, last: lastGoodOf(manifest, sealed?.last ?? null) },
    },
    update,
  };
}

/** The error for segments whose bytes are gone. */
export function missingSegments(folder: string, files: readonly string[]): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', `segments are missing in '${folder}': ${files.join(', ')}`, {
    details: { folder, missing: files.join(' ') },
  });
}

/** SHA-256 of a sealed segment's manifest as it stands on disk: the link of the hash chain. */
export async function manifestHash(repository: Repository, lineage: string, file: string): Promise<string> {
  const path = join(repository.lineageFolder(lineage), manifestName(file));
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

/** A file that its source tore cannot be asked for again: the source fails at its end. */
function sealedTail(segment: ArchivedSegment | undefined): ArchivedTail | null {
  const manifest = segment?.manifest ?? null;
  if (segment === undefined || manifest === null || manifest.ended === 'source-crashed') return null;
  const lastGroup = manifest.last?.start ?? null;
  return ArchivedTail.of({
    file: segment.file,
    size: segment.bytes,
    lastGroup,
    lastAskable: null, // the manifest does not say: behind 4 GiB the next file's GTIDs have to do
    open: async (from) => await openEnd(segment, from),
  });
}

/** Unlike an older segment the newest one can be fetched again: who cannot read it is told how. */
async function openEnd(segment: ArchivedSegment, from: number): Promise<ByteSource & AsyncDisposable> {
  const tell = (error: unknown): never => {
    throw isLastgoodError(error, 'ARCHIVE_DAMAGED') ? withFetching(error) : error;
  };
  const source = await openSegment(segment, from).catch(tell);
  return {
    read: async (target, at) => await source.read(target, at).catch(tell),
    [Symbol.asyncDispose]: () => source[Symbol.asyncDispose](),
  };
}

function withFetching({ message, details, cause }: LastgoodError): LastgoodError {
  return new LastgoodError('ARCHIVE_DAMAGED', message, {
    ...{ details, cause },
    hint: 'The archive ends with it. Put what is damaged or missing back from a second copy; or move all that is left of that file, its manifest too, out of the repository, and keep it: `lastgood archive` fetches the file again, if the server still has it.',
  });
}

async function sealedEnd(
  repository: Repository,
  lineage: string,
  { sealed, missing }: { sealed: readonly ArchivedSegment[]; missing: readonly string[] },
): Promise<SealedEnd | null> {
  const manifest = sealed.at(-1)?.manifest;
  if (manifest === undefined || manifest === null) return null;
  const last = sealed.reduce<LastGood | null>(
    (before, segment) => (segment.manifest === null ? before : lastGoodOf(segment.manifest, before)),
    null,
  );
  const later = missing.filter((file) => compareFiles(file, manifest.file) > 0);
  const newest = await newestManifest(repository.lineageFolder(lineage), later);
  return { manifest, manifestSha256: await manifestHash(repository, lineage, newest ?? manifest.file), last };
}

/** Bytes that are gone may be put back: the chain goes on from the manifest that is there. @param files in the order of the log */
async function newestManifest(folder: string, files: readonly string[]): Promise<string | null> {
  for (const file of files.toReversed()) if (await exists(join(folder, manifestName(file)))) return file;
  return null;
}
