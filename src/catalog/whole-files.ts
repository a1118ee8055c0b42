import type { Database, Statement } from 'better-sqlite3';
import type { SegmentDigest } from '../archive/manifest.ts';
import { fileNumber } from '../binlog/coordinates.ts';
import { FINDER_RULES } from '../incident/incident.ts';
import type { FileLoops, LoopLog, LoopPiece } from '../incident/loop-borders.ts';

interface Row {
  readonly file: string;
  readonly digest: string;
  readonly loops: string | null;
}

/**
 * Which files of a lineage the catalog has whole, and what they have of loops. A file counts when it is sealed, its last byte
 * was read by the present rules, and none of it was lost; a file that is damaged or cannot be read has no row. The caller has
 * the transaction.
 */
export class WholeFiles {
  readonly #count: Statement<[string, number, number], { whole: number }>;
  readonly #file: Statement<[string, number], Row>;

  constructor(database: Database) {
    const isWhole = `state = 'sealed' AND rules = ${FINDER_RULES} AND NOT EXISTS
      (SELECT 1 FROM lost WHERE lost.lineage = segment.lineage AND lost.number = segment.number)`;
    this.#count = database.prepare(
      `SELECT count(*) AS whole FROM segment WHERE lineage = ? AND number >= ? AND number < ? AND ${isWhole}`,
    );
    this.#file = database.prepare(
      `SELECT file, digest, loops FROM segment WHERE lineage = ? AND number = ? AND rules = ${FINDER_RULES}`,
    );
  }

  /** True when each file from the first one on up to the second one, which may still be open, is there whole. */
  isUnbroken(lineage: string, from: string, to: string): boolean {
    const [first, end] = [fileNumber(from), fileNumber(to)];
    return first === end || this.#count.get(lineage, first, end)?.whole === end - first;
  }

  isWhole(lineage: string, file: string): boolean {
    const number = fileNumber(file);
    return this.#count.get(lineage, number, number + 1)?.whole === 1;
  }

  /** What the files have of loops at this moment: each is read once. */
  loops(lineage: string): LoopLog {
    const known = new Map<number, FileLoops | null>();
    const get = (number: number): FileLoops | null => {
      const found = known.get(number) ?? this.#loopsOf(lineage, number);
      known.set(number, found);
      return found;
    };
    return {
      of: (file) => get(fileNumber(file)),
      beside: (file, side) => {
        const found = get(fileNumber(file) + (side === 'before' ? -1 : 1));
        if (found === null) return null;
        const [from, to] = side === 'before' ? [found.file, file] : [file, found.file];
        return this.isUnbroken(lineage, from, to) ? found : null;
      },
    };
  }

  #loopsOf(lineage: string, number: number): FileLoops | null {
    const row = this.#file.get(lineage, number);
    if (row === undefined) return null;
    const { groups } = JSON.parse(row.digest) as SegmentDigest;
    return { file: row.file, groups, pieces: row.loops === null ? [] : (JSON.parse(row.loops) as LoopPiece[]) };
  }
}
