import { createHash } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileNumber } from '../binlog/coordinates.ts';
import type { LastGood } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { SegmentManifest } from './manifest.ts';
import { manifestName, type ArchivedSegment, type Repository } from './repository.ts';
import { lastGoodOf } from './segment-indexer.ts';
import { SegmentWriter } from './segment-writer.ts';

/** Where a lineage's archive ends, derived from its files alone. */
export interface ArchiveEnd {
  /** The newest sealed segment. */
  readonly sealed: SealedEnd | null;
  /** The open one behind it, repaired; null when the archive ends with a sealed one. */
  readonly open: SegmentWriter | null;
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
 * @throws LastgoodError `ARCHIVE_DAMAGED` when a segment is missing, or damaged before its end
 */
export async function readArchiveEnd(
  repository: Repository,
  lineage: string,
  signal?: AbortSignal,
): Promise<ArchiveEnd> {
  const segments = await repository.segments(lineage);
  checkUnbroken(segments);
  const sealedOnes = segments.filter(({ state }) => state === 'sealed');
  const openOnes = segments.filter(({ state }) => state === 'open');
  const [open] = openOnes;
  if (openOnes.length > 1 || (open !== undefined && open !== segments.at(-1))) {
    throw new LastgoodError(
      'ARCHIVE_DAMAGED',
      `segment '${open?.path ?? ''}' has no manifest, but later segments exist`,
    );
  }
  const sealed = await sealedEnd(repository, lineage, sealedOnes);
  if (open === undefined) return { sealed, open: null };
  const writer = await SegmentWriter.reopen(open, sealed?.last ?? null, signal);
  if (writer.wholeTo > 0) return { sealed, open: writer };
  await writer.close(); // a crash came before the file's first event was whole
  await rm(open.path);
  return { sealed, open: null };
}

/** Files are numbered one by one: a number left out is a segment that someone removed. */
function checkUnbroken(segments: readonly ArchivedSegment[]): void {
  for (const [index, { path, file }] of segments.entries()) {
    const before = segments[index - 1]?.file;
    if (before === undefined || fileNumber(file) === fileNumber(before) + 1) continue;
    throw new LastgoodError('ARCHIVE_DAMAGED', `the segment between '${before}' and '${path}' is missing`);
  }
}

/** SHA-256 of a sealed segment's manifest as it stands on disk: the link of the hash chain. */
export async function manifestHash(repository: Repository, lineage: string, file: string): Promise<string> {
  const path = join(repository.lineageFolder(lineage), manifestName(file));
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex');
}

async function sealedEnd(
  repository: Repository,
  lineage: string,
  sealed: readonly ArchivedSegment[],
): Promise<SealedEnd | null> {
  const manifest = sealed.at(-1)?.manifest;
  if (manifest === undefined || manifest === null) return null;
  const last = sealed.reduce<LastGood | null>(
    (before, segment) => (segment.manifest === null ? before : lastGoodOf(segment.manifest, before)),
    null,
  );
  return { manifest, manifestSha256: await manifestHash(repository, lineage, manifest.file), last };
}
