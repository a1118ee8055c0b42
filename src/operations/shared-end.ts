import { createHash } from 'node:crypto';
import type { CommonPlace } from '../archive/hand-over.ts';
import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment } from '../archive/repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import { readSourceFile } from '../server/read-source-file.ts';
import { peekFile, type Source } from './source-log.ts';

const BLOCK_BYTES = 1024 * 1024;

/**
 * Where a server's log that became shorter, as after a power loss, ends in the archive of the same server: its newest file that
 * is archived too must be, byte for byte, the beginning of the archived one. Null when that cannot be shown, or the log has no GTIDs.
 *
 * @param segments of the archived log, oldest first
 */
export async function findSharedEnd(segments: readonly ArchivedSegment[], source: Source): Promise<CommonPlace | null> {
  for (const segment of segments.toReversed()) {
    const { file } = segment;
    if (!source.logs.some((log) => log.file === file)) continue;
    const openedAt = segment.manifest?.openedAt ?? (await readSegmentFormat(segment)).format.time;
    if ((await peekFile(source, file)).format.time !== openedAt) continue;
    const place = await sharedEndIn(segment, source);
    if (place !== null) return place;
  }
  return null;
}

async function sharedEndIn(segment: ArchivedSegment, source: Source): Promise<CommonPlace | null> {
  const { primary, identity } = source;
  const { file } = segment;
  const { wholeTo, gtidEnd } = await readSourceFile(primary, { file, identity });
  const gtidState = gtidEnd?.toString() ?? '';
  const ours = await hashPlain(segment, wholeTo);
  if (gtidState === '' || ours === null) return null;
  const { sha256 } = await readSourceFile(primary, { file, identity, hashBytes: wholeTo });
  const place = { file, position: wholeTo };
  return sha256 === ours ? { gtidState, parent: place, child: place, hasDiverged: true } : null;
}

/**
 * Shows that an archived segment is what was sealed: when a source sends other bytes, one of the two has changed.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`
 */
export async function checkSealedBytes(segment: ArchivedSegment): Promise<void> {
  if (segment.manifest === null) return;
  const { bytes, sha256 } = segment.manifest;
  if ((await hashPlain(segment, bytes)) === sha256) return;
  throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${segment.path}' is not what was sealed: its hash is another`, {
    details: { path: segment.path },
  });
}

/** SHA-256 of a segment's first plain bytes, hex; null when it has fewer. */
async function hashPlain(segment: ArchivedSegment, bytes: number): Promise<string | null> {
  await using source = await openSegment(segment);
  const hash = createHash('sha256');
  const block = Buffer.allocUnsafe(BLOCK_BYTES);
  let left = bytes;
  while (left > 0) {
    const got = await source.read(block.subarray(0, Math.min(left, block.length)), 0);
    if (got === 0) return null;
    hash.update(block.subarray(0, got));
    left -= got;
  }
  return hash.digest('hex');
}
