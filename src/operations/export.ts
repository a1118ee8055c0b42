import { createHash } from 'node:crypto';
import { readdir } from 'node:fs/promises';

import { join } from 'node:path';
import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import { missingSegments } from '../archive/archive-end.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import {
  compareCoordinates,
  compareFiles,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  type Coordinates,
} from '../binlog/coordinates.ts';
import { BINLOG_MAGIC } from '../binlog/event-type.ts';
import { makeDirectory, writeStreamDurably } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';

export interface ExportOptions {
  readonly repository: Repository;
  /** The lineage of this name that began last. */
  readonly name: string;
  /** Both at group boundaries; without them everything that is archived. `to` is exclusive. */
  readonly from: Coordinates | null;
  readonly to: Coordinates | null;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly progress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ExportedFile {
  readonly file: string;
  readonly path: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** `[from, to)` of one segment; from 0 the file's magic number comes along. */
interface Piece {
  readonly segment: ArchivedSegment;
  readonly from: number;
  readonly to: number;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes archived files as plain binary logs that any tool reads. Whole files are byte-identical to the source's; a
 * file that is cut in front begins with its own FORMAT_DESCRIPTION.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `TARGET_UNREACHABLE`, `COORDINATES_INVALID` inside a transaction group
 */
export async function exportLogs(options: ExportOptions): Promise<{ lineage: string; files: ExportedFile[] }> {
  const { repository, name, out, signal } = options;
  const lineage = (await repository.lineages()).findLast((candidate) => candidate.name === name);
  if (lineage === undefined) throw new LastgoodError('TARGET_UNREACHABLE', `nothing is archived of '${name}'`);
  const pieces = await choosePieces(await repository.segments(lineage.id), options);
  const missing = (await repository.missingSegments(lineage)).filter((file) => isBetween(file, options));
  if (missing.length > 0) throw missingSegments(repository.lineageFolder(lineage.id), missing);
  await makeEmptyDirectory(out);
  const totalBytes = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const files: ExportedFile[] = [];
  let doneBytes = 0;
  for (const piece of pieces) {
    const path = join(out, piece.segment.file);
    const report = (bytes: number): void => {
      doneBytes += bytes;
      options.progress?.(doneBytes, totalBytes);
    };
    files.push({ file: piece.segment.file, path, ...(await writeStreamDurably(path, bytesOf(piece, signal, report))) });
  }
  return { lineage: lineage.id, files };
}

async function makeEmptyDirectory(path: string): Promise<void> {
  await makeDirectory(path);
  if ((await readdir(path)).length > 0) throw new LastgoodError('TARGET_NOT_EMPTY', `folder '${path}' is not empty`);
}

async function choosePieces(
  segments: readonly ArchivedSegment[],
  { from, to, signal }: ExportOptions,
): Promise<Piece[]> {
  if (from !== null && to !== null && compareCoordinates(from, to) > 0) {
    throw new LastgoodError('USAGE', `--from ${formatCoordinates(from)} is after --to ${formatCoordinates(to)}`);
  }
  const chosen = segments.filter(({ file }) => isBetween(file, { from, to }));
  checkReach(chosen, from);
  checkReach(chosen, to);
  return Promise.all(
    chosen.map(async (segment) => {
      const start = from?.file === segment.file && from.position > FIRST_EVENT_OFFSET ? from.position : 0;
      const end = to?.file === segment.file ? to.position : null;
      return { segment, from: start, to: await checkBoundaries(segment, [start, end], signal) };
    }),
  );
}

function isBetween(file: string, { from, to }: Pick<ExportOptions, 'from' | 'to'>): boolean {
  return (from === null || compareFiles(file, from.file) >= 0) && (to === null || compareFiles(file, to.file) <= 0);
}

function checkReach(chosen: readonly ArchivedSegment[], wanted: Coordinates | null): void {
  if (wanted === null || chosen.some(({ file }) => file === wanted.file)) return;
  throw new LastgoodError('TARGET_UNREACHABLE', `'${wanted.file}' is not in the archive`);
}

/**
 * Only at the file's start, at a group's border, or at the archive's end may a piece be cut.
 *
 * @returns where the piece ends: `end`, or the last whole group
 */
async function checkBoundaries(
  segment: ArchivedSegment,
  [start, end]: [number, number | null],
  signal: AbortSignal,
): Promise<number> {
  if (segment.manifest !== null && start === 0 && end === null) return segment.manifest.bytes;
  const unseen = new Set([start, end ?? 0].filter((offset) => offset > FIRST_EVENT_OFFSET));
  let around: { start: number; end: number } | null = null;
  const visitor = {
    query: (): void => undefined,
    group: (group: { start: number; end: number }): void => {
      for (const offset of unseen) if (offset > group.start && offset < group.end) around = group;
      unseen.delete(group.start);
      unseen.delete(group.end);
    },
  };
  await using source = await openSegment(segment);
  const { wholeTo } = await readBinlog(source, { visitor, verifyChecksums: false, signal });
  unseen.delete(wholeTo);
  for (const offset of unseen) throw notABoundary({ file: segment.file, position: offset }, around, wholeTo);
  return end ?? wholeTo;
}

function notABoundary(at: Coordinates, around: { start: number; end: number } | null, wholeTo: number): LastgoodError {
  if (at.position > wholeTo) {
    return new LastgoodError('TARGET_UNREACHABLE', `'${at.file}' is archived up to ${wholeTo}, not to ${at.position}`);
  }
  const where =
    around === null
      ? 'at no border of a transaction group'
      : `inside the transaction group from ${around.start} to ${around.end}`;
  return new LastgoodError('COORDINATES_INVALID', `${formatCoordinates(at)} lies ${where}`, {
    hint: 'Give the start or the end of a group; `lastgood incidents show` names those around an incident.',
  });
}

async function* bytesOf(
  { segment, from, to }: Piece,
  signal: AbortSignal,
  report: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  if (from > 0) {
    yield BINLOG_MAGIC;
    yield (await readSegmentFormat(segment)).bytes;
  }
  const hash = createHash('sha256');
  await using source = await openSegment(segment, from);
  for (let at = from; at < to;) {
    signal.throwIfAborted();
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, to - at));
    const got = await source.read(chunk, 0);
    if (got === 0) throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${segment.path}' ends at ${at}, not at ${to}`);
    at += got;
    report(got);
    hash.update(chunk.subarray(0, got));
    yield chunk.subarray(0, got);
  }
  // Thrown before the file gets its name: what was sealed is exported as it was sealed, or not at all.
  const { manifest } = segment;
  if (manifest === null || from > 0 || to < manifest.bytes || hash.digest('hex') === manifest.sha256) return;
  throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${segment.path}' is not what was sealed: its SHA-256 differs`);
}
