import type { FileLoops, LoopLog } from '../../incident/loop-borders.ts';
import { isNextFile } from '../binlog-files.ts';
import type { FileScan } from './scan-file.ts';

/** Where the files of one server follow one another without a gap, and none of them is damaged. */
export class Stretches implements LoopLog {
  readonly #scans: readonly FileScan[];
  /** Of each file by its name, its index, and which stretch it is in; a damaged one is in none. */
  readonly #places = new Map<string, { readonly index: number; readonly stretch: number | null }>();

  /** @param scans in log order; of two files with one name nobody knows which is meant, so nothing goes on over them */
  constructor(scans: readonly FileScan[]) {
    this.#scans = scans;
    let stretch = 0;
    for (const [index, scan] of scans.entries()) {
      const previous = scans[index - 1];
      if (previous === undefined || !goesOn(previous, scan)) stretch += 1;
      const isTwice = this.#places.has(scan.file.name);
      this.#places.set(scan.file.name, { index, stretch: scan.isWhole && !isTwice ? stretch : null });
    }
  }

  /** True when both files are in one stretch: between them nothing can be hidden. */
  isUnbroken(from: string, to: string): boolean {
    const stretch = this.#places.get(from)?.stretch ?? null;
    return stretch !== null && stretch === this.#places.get(to)?.stretch;
  }

  of(file: string): FileLoops | null {
    const scan = this.#scans[this.#places.get(file)?.index ?? -1];
    return scan === undefined ? null : { file, groups: scan.scanned.groups, pieces: scan.loops };
  }

  beside(file: string, side: 'before' | 'after'): FileLoops | null {
    const index = (this.#places.get(file)?.index ?? -Infinity) + (side === 'before' ? -1 : 1);
    const name = this.#scans[index]?.file.name;
    return name !== undefined && this.isUnbroken(file, name) ? this.of(name) : null;
  }
}

/**
 * A server that crashed leaves a file without ROTATE or STOP, and so does a copy that was made too early. It is whole when the
 * next file's GTIDs go on where its own end; a source that writes no GTIDs does not tell.
 */
function goesOn(one: FileScan, next: FileScan): boolean {
  if (!one.isWhole || !next.isWhole || !isNextFile(one.file, next.file)) return false;
  const { end, flavor, gtidEnd } = one.scanned;
  if (end === 'rotate' || end === 'stop') return true;
  const hasGtids = flavor === 'mariadb' || typeof one.last?.gtid === 'string';
  return hasGtids && gtidEnd !== null && gtidEnd === next.scanned.gtidStart;
}
