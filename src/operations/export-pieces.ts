import { createHash, type Hash } from 'node:crypto';
import { openSegment } from '../archive/read-segment.ts';
import type { ArchivedSegment } from '../archive/repository.ts';
import {
  compareCoordinates,
  compareFiles,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { Group } from '../binlog/group.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { BinlogReading } from '../binlog/binlog-reader.ts';
import { readBinlog, type ByteSource } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';

/** Both at group boundaries; without them everything that is archived. `to` is exclusive. */
export interface ExportRange {
  readonly from: Coordinates | null;
  readonly to: Coordinates | null;
}

/** `[from, to)` of one segment; from 0 the file's magic number comes along. */
export interface Piece {
  readonly segment: ArchivedSegment;
  readonly from: number;
  readonly to: number;
  /** Before the first group; null for a piece from its file's start, and where the file does not say. */
  readonly gtidState: GtidState | null;
}

/** True for a file of which the range may hold something. */
export function isInRange(file: string, { from, to }: ExportRange): boolean {
  if (from !== null && compareFiles(file, from.file) < 0) return false;
  if (to === null) return true;
  return compareFiles(file, to.file) < (to.position === FIRST_EVENT_OFFSET ? 0 : 1);
}

/**
 * Chooses what of a lineage's segments lies in the range.
 *
 * @throws LastgoodError `USAGE` for a range without anything in it, `TARGET_UNREACHABLE` beyond what is archived,
 * `COORDINATES_INVALID` inside a transaction group
 */
export async function choosePieces(
  segments: readonly ArchivedSegment[],
  range: ExportRange,
  signal: AbortSignal,
): Promise<Piece[]> {
  const { from, to } = range;
  checkReach(segments, range);
  if (from !== null && to !== null && compareCoordinates(from, to) >= 0) {
    throw new LastgoodError('USAGE', `--from ${formatCoordinates(from)} is not before --to ${formatCoordinates(to)}`);
  }
  const chosen = segments.filter(({ file }) => isInRange(file, range));
  if (chosen.length === 0 && to !== null) {
    throw new LastgoodError('USAGE', `nothing is archived before --to ${formatCoordinates(to)}`);
  }
  return await Promise.all(
    chosen.map(async (segment) => {
      const start = from?.file === segment.file && from.position > FIRST_EVENT_OFFSET ? from.position : 0;
      return await cut(segment, { start, end: to?.file === segment.file ? to.position : null }, signal);
    }),
  );
}

function checkReach(segments: readonly ArchivedSegment[], { from, to }: ExportRange): void {
  for (const wanted of [from, to]) {
    if (wanted === null || segments.some(({ file }) => file === wanted.file)) continue;
    if (wanted === to && segments.some(({ file }) => endsBefore(file, wanted))) continue;
    throw new LastgoodError('TARGET_UNREACHABLE', `'${wanted.file}' is not in the archive`, {
      hint: '`lastgood segments` lists what is; --lineage chooses another history than the newest.',
    });
  }
}

/** The end of a file is the start of the next one, which need not be archived. */
function endsBefore(file: string, { file: next, position }: Coordinates): boolean {
  return position === FIRST_EVENT_OFFSET && nextFile(file) === next;
}

/** Only at the file's start, at a group's border, or at the archive's end may a piece begin or end. */
async function cut(
  segment: ArchivedSegment,
  { start, end }: { start: number; end: number | null },
  signal: AbortSignal,
): Promise<Piece> {
  if (segment.manifest !== null && start === 0 && end === null) {
    return { segment, from: 0, to: segment.manifest.bytes, gtidState: null };
  }
  const wanted = [start, end ?? 0].filter((offset) => offset > FIRST_EVENT_OFFSET);
  const borders = new Borders(wanted, start);
  const { wholeTo, gtidEnd } = await readWhole(segment, borders, signal);
  borders.add(wholeTo);
  for (const offset of wanted) borders.check({ file: segment.file, position: offset }, wholeTo);
  const gtidState = start === 0 ? null : (borders.stateAtStart ?? gtidEnd);
  return { segment, from: start, to: end ?? segment.manifest?.bytes ?? wholeTo, gtidState };
}

/** Of a part there is no hash, so the whole is checked. */
async function readWhole(segment: ArchivedSegment, visitor: Borders, signal: AbortSignal): Promise<BinlogReading> {
  const hash = createHash('sha256');
  await using source = await openSegment(segment);
  const hashed: ByteSource = {
    read: async (target, at) => {
      const got = await source.read(target, at);
      hash.update(target.subarray(at, at + got));
      return got;
    },
  };
  const reading = await readBinlog(hashed, { visitor, verifyChecksums: segment.manifest === null, signal });
  checkSealed(segment, hash);
  const damage = reading.problems.find(({ kind }) => kind === 'damage' || kind === 'unreadable');
  if (damage === undefined) return reading;
  throw new LastgoodError(
    'ARCHIVE_DAMAGED',
    `segment '${segment.path}' is damaged at offset ${damage.offset}: ${damage.problem}`,
  );
}

/** @param hash of all bytes of the segment @throws LastgoodError `ARCHIVE_DAMAGED` when it is sealed and they are others */
export function checkSealed({ manifest, path }: ArchivedSegment, hash: Hash): void {
  if (manifest === null || hash.digest('hex') === manifest.sha256) return;
  throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${path}' is not what was sealed: its SHA-256 differs`);
}

/** Follows a file's groups, and keeps the borders nearest to each wanted offset. */
class Borders {
  /** Before the first group that does not begin before the start; null while there is none. */
  stateAtStart: GtidState | null = null;
  readonly #start: number;
  readonly #nearest: Map<number, { below: number; above: number }>;

  constructor(wanted: readonly number[], start: number) {
    this.#start = start;
    this.#nearest = new Map(wanted.map((offset) => [offset, { below: FIRST_EVENT_OFFSET, above: Infinity }]));
  }

  query(): void {
    // What the groups say is of no meaning here.
  }

  group(group: Group, before: GtidState | null): void {
    if (group.start >= this.#start) this.stateAtStart ??= before?.clone() ?? null;
    this.add(group.start);
    this.add(group.end);
  }

  /** A piece may be cut here. Offsets come in order. */
  add(border: number): void {
    for (const [offset, nearest] of this.#nearest) {
      if (border <= offset) nearest.below = border;
      if (border >= offset && border < nearest.above) nearest.above = border;
    }
  }

  /** @throws LastgoodError `COORDINATES_INVALID`, `TARGET_UNREACHABLE` */
  check(at: Coordinates, wholeTo: number): void {
    const { below, above } = this.#nearest.get(at.position) ?? { below: 0, above: 0 };
    if (below === at.position) return;
    const text = formatCoordinates(at);
    if (above === Infinity) {
      throw new LastgoodError('TARGET_UNREACHABLE', `'${at.file}' is archived up to ${wholeTo}, not to ${at.position}`);
    }
    throw new LastgoodError('COORDINATES_INVALID', `${text} is not between two transaction groups`, {
      hint: `The nearest places for a cut are ${at.file}:${below} and ${at.file}:${above}.`,
      details: { below, above },
    });
  }
}
