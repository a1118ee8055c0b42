import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import { missingSegments } from '../archive/archive-end.ts';
import { refuseInside } from '../archive/outside-repository.ts';
import type { Lineage } from '../archive/lineage.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import { BINLOG_MAGIC, EVENT_FLAG } from '../binlog/event-type.ts';
import { encodeGtidState } from '../binlog/gtid-state-event.ts';
import { writeStreamDurably } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { formatForMiddle } from '../server/replication-protocol.ts';
import { fillFolder } from './export-folder.ts';
import { checkSealed, choosePieces, isInRange, type ExportRange, type Piece } from './export-pieces.ts';
import { noLineage } from './lists.ts';
import { openKnownCatalog, type KnownFile } from './verify/known-catalog.ts';

export interface ExportOptions extends ExportRange {
  readonly repository: Repository;
  /** Whose log: the name in the configuration. */
  readonly name: string;
  /** A lineage's id; null is the one of this name that began last. */
  readonly lineage: string | null;
  /** A folder that does not exist yet or is empty. */
  readonly out: string;
  readonly signal: AbortSignal;
  readonly progress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ExportedFile {
  readonly file: string;
  readonly path: string;
  /** `[from, to)` of the source's file; from 0 it is the source's file up to `to`, byte for byte. */
  readonly from: number;
  readonly to: number;
  /** Of the exported file, in bytes and hex. */
  readonly bytes: number;
  readonly sha256: string;
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * Writes archived files as plain binary logs that any tool reads. Whole files are byte-identical to the source's; a
 * file that is cut in front begins as a relay log does, see `pieceHead`. A failure leaves nothing of it.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `TARGET_UNREACHABLE`, `USAGE` also for a folder inside the repository, `COORDINATES_INVALID` inside a group, `ARCHIVE_DAMAGED`
 */
export async function exportLogs(options: ExportOptions): Promise<{ lineage: string; files: ExportedFile[] }> {
  const { repository, out, signal } = options;
  await refuseInside(repository.path, out);
  const lineage = await findLineage(options);
  const known = await knownFiles(repository, lineage.id); // first: whatever it knows must be there afterwards
  const segments = await repository.segments(lineage.id);
  checkKnown(segments, known, options);
  const pieces = await choosePieces(segments, options, signal);
  const missing = (await repository.missingSegments(lineage)).filter((file) => isInRange(file, options));
  if (missing.length > 0) throw missingSegments(repository.lineageFolder(lineage.id), missing);
  const files = await fillFolder(out, (note) => writePieces(pieces, { ...options, note }));
  return { lineage: lineage.id, files };
}

async function writePieces(
  pieces: readonly Piece[],
  { out, signal, progress, note }: ExportOptions & { note: (file: string) => void },
): Promise<ExportedFile[]> {
  const totalBytes = pieces.reduce((sum, { from, to }) => sum + to - from, 0);
  const files: ExportedFile[] = [];
  let doneBytes = 0;
  for (const piece of pieces) {
    const { segment, from, to } = piece;
    const path = join(out, segment.file);
    const report = (bytes: number): void => {
      doneBytes += bytes;
      progress?.(doneBytes, totalBytes);
    };
    note(path);
    const written = await writeStreamDurably(path, bytesOf(piece, signal, report));
    files.push({ file: segment.file, path, from, to, ...written });
  }
  return files;
}

async function findLineage({ repository, name, lineage: wanted }: ExportOptions): Promise<Lineage> {
  const lineages = await repository.lineages();
  const found = lineages.findLast((one) => (wanted === null ? one.name === name : one.id === wanted));
  if (found !== undefined) return found;
  if (wanted !== null) throw noLineage(wanted);
  throw new LastgoodError('TARGET_UNREACHABLE', `nothing is archived of '${name}'`);
}

async function knownFiles({ catalogPath }: Repository, lineage: string): Promise<KnownFile[]> {
  using known = await openKnownCatalog(catalogPath);
  return known.files(lineage);
}

/** "Everything that is archived" must not leave out what was: only the catalog knows how far the archive's end reached. */
function checkKnown(segments: readonly ArchivedSegment[], known: readonly KnownFile[], range: ExportOptions): void {
  const sizes = new Map(segments.map(({ file, bytes, manifest }) => [file, manifest?.indexedTo ?? bytes]));
  for (const { file, indexedTo } of known) {
    const wanted = range.to?.file === file ? Math.min(indexedTo, range.to.position) : indexedTo;
    const there = sizes.get(file) ?? 0;
    if (!isInRange(file, range) || there >= wanted) continue;
    throw new LastgoodError('ARCHIVE_DAMAGED', `${file} was archived up to ${indexedTo}, and has ${there} bytes now`, {
      details: { file, archivedTo: indexedTo, bytes: there },
      hint: `Run \`lastgood verify\`, then \`lastgood archive\`: it asks the source for the lost bytes again. \`--to\` exports what is before them.`,
    });
  }
}

/**
 * What stands before the events of a piece that is cut in front. It begins as a relay log does: the events keep their
 * own end positions, which a FORMAT_DESCRIPTION with that flag allows, and its creation time is 0, so that nobody drops
 * temporary tables or rolls back. The GTID state makes it join the files before and behind it: `mariadb-binlog`
 * refuses several files without it. Tried with `mariadb-binlog`, and as relay logs of MariaDB 10.11.19 and MySQL 5.6.24.
 */
async function pieceHead({ segment, from, gtidState }: Piece): Promise<Buffer> {
  const { format, bytes } = await readSegmentFormat(segment);
  const parts = [BINLOG_MAGIC, formatForMiddle(bytes, EVENT_FLAG.RELAY_LOG)];
  if (gtidState !== null) parts.push(encodeGtidState(gtidState, format, from));
  return Buffer.concat(parts);
}

async function* bytesOf(piece: Piece, signal: AbortSignal, report: (bytes: number) => void): AsyncGenerator<Buffer> {
  const { segment, from, to } = piece;
  if (from > 0) yield await pieceHead(piece);
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
  if (from === 0 && to === segment.manifest?.bytes) checkSealed(segment, hash);
}
