import { SegmentIndexer } from '../../src/archive/segment-indexer.ts';
import { BinlogReader } from '../../src/binlog/binlog-reader.ts';
import { Chance } from '../support/chance.ts';
import { corpus } from './corpus.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateLog } from './mutate-log.ts';
import { putTogether, type RawLog } from './raw-log.ts';

let known: RawLog[] | null = null;

/** A damaged file: events changed and its checksums made right again, or any bytes changed, or both. */
export function damagedLog(seed: number): Buffer {
  const chance = new Chance(seed);
  known ??= corpus();
  const log = chance.pick(known);
  const changed = chance.happens(0.7) ? mutateLog(log, chance, chance.pick(known)) : log;
  const bytes = putTogether(changed);
  return changed === log || chance.happens(0.2) ? mutateBytes(bytes, chance) : bytes;
}

/**
 * Reads a damaged file as the archive does, twice, in other pieces: all of it must end, nothing may be thrown, what
 * was found must lie in the file, and how the bytes came must make no difference.
 *
 * @throws Error for what must not happen
 */
export function logCase(seed: number): void {
  const bytes = damagedLog(seed);
  const chance = new Chance(seed + 1);
  const verifyChecksums = chance.happens(0.7);
  const whole = read(bytes, { verifyChecksums, pieceBytes: bytes.length });
  checkPlaces(whole, bytes.length);
  const inPieces = read(bytes, { verifyChecksums, pieceBytes: 1 + chance.size(3000) });
  const differing = difference(withoutRows(whole), withoutRows(inPieces), 'found');
  if (differing !== null) throw new Error(`read in pieces it is another file: ${differing}`);
}

const MAX_COMPARED = 100;

/**
 * How many rows changed is left out: an event of rows whose TABLE_MAP is damaged or left out may be counted by an
 * earlier one of the same table id, if that had to be read. Undamaged logs have no such events. So are settlements, which
 * there are only for incidents.
 */
function withoutRows({ update, ...found }: Found): unknown {
  const { incidents = [], digest, checkpoints } = update ?? {};
  const told = incidents.filter(({ kind }) => kind !== 'unclassified' && !kind.startsWith('mass-'));
  const places = told.map(({ id, kind, state, start, end }) => ({ id, kind, state, start, end }));
  return { ...found, digest, checkpoints, incidents: places };
}

/** Where two plain values differ first, and how. */
function difference(one: unknown, other: unknown, path: string): string | null {
  if (JSON.stringify(one) === JSON.stringify(other)) return null;
  if (isObject(one) && isObject(other)) {
    for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
      const inside = difference(one[key], other[key], `${path}.${key}`);
      if (inside !== null) return inside;
    }
  }
  return `${path} is ${JSON.stringify(one)} and ${JSON.stringify(other)}`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

type Found = ReturnType<typeof read>;

function read(bytes: Buffer, how: { verifyChecksums: boolean; pieceBytes: number }) {
  const indexer = new SegmentIndexer({ lineage: 'fuzz', file: 'binlog.000001', last: null });
  const reader = new BinlogReader({
    visitor: indexer,
    verifyChecksums: how.verifyChecksums,
    onFormat: (format) => {
      indexer.format(format);
    },
  });
  let rest = Buffer.alloc(0);
  for (let at = 0; at < bytes.length && !reader.stopped; at += how.pieceBytes) {
    const buffer = Buffer.concat([rest, bytes.subarray(at, at + how.pieceBytes)]);
    rest = Buffer.from(buffer.subarray(reader.walk(buffer, 0, buffer.length)));
  }
  reader.sourceEnded(rest.length);
  const { end, wholeTo, groups, events, ...reading } = reader.finish();
  const problems = reading.problems.toSorted((a, b) => a.offset - b.offset || (a.problem < b.problem ? -1 : 1));
  // Which of very many are listed is by chance.
  if (problems.length > MAX_COMPARED) problems.length = 0;
  return { end, wholeTo, groups, events, problems, update: indexer.update(reader.counts, 'open') };
}

function checkPlaces({ wholeTo, problems, update }: Found, bytes: number): void {
  if (wholeTo > bytes) throw new Error(`whole to ${wholeTo} of ${bytes} bytes`);
  for (const { offset } of problems) if (offset > bytes) throw new Error(`a problem at ${offset} of ${bytes} bytes`);
  const incidents = update?.incidents ?? [];
  for (const { id, start, end } of incidents) {
    if (start < 0 || start >= end || end > bytes) throw new Error(`${id} is at [${start}, ${end}) of ${bytes} bytes`);
  }
  const ids = incidents.map(({ id }) => id);
  const doubled = ids.find((id, index) => ids.indexOf(id) !== index);
  if (doubled !== undefined) throw new Error(`${doubled} was found twice`);
}
