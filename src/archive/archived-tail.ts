import { open } from 'node:fs/promises';
import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';

/** A group larger than this is not asked for twice: then only names, times and GTIDs tell one history from another. */
const MAX_TAIL_BYTES = 8 * 1024 * 1024;

/**
 * The last bytes that are archived, from the start of the last group on. The source is asked for them again: only a source
 * that sends the very same bytes has the same history. Names, times and even GTIDs can be the same after RESET MASTER.
 */
export class ArchivedTail {
  readonly file: string;
  /** Where to ask from. */
  readonly from: number;
  #expected: Buffer;

  constructor({ file, from, bytes }: { file: string; from: number; bytes: Buffer }) {
    this.file = file;
    this.from = from;
    this.#expected = bytes;
  }

  /** @param end.lastGroup where the file's last group begins; null when it has none */
  static async read(end: {
    path: string;
    file: string;
    size: number;
    lastGroup: number | null;
  }): Promise<ArchivedTail> {
    const { path, file, size, lastGroup } = end;
    const first = lastGroup ?? FIRST_EVENT_OFFSET;
    const from = size - first > MAX_TAIL_BYTES ? size : first;
    const bytes = Buffer.alloc(size - from);
    await using handle = await open(path, 'r');
    const { bytesRead } = await handle.read(bytes, 0, bytes.length, from);
    return new ArchivedTail({ file, from, bytes: bytes.subarray(0, bytesRead) });
  }

  /**
   * Compares what the source sends again.
   *
   * @returns from where in the chunk on the bytes are new
   * @throws LastgoodError `LINEAGE_MISMATCH`
   */
  match(chunk: Buffer, from: number, to: number): number {
    if (this.#expected.length === 0) return from;
    const length = Math.min(this.#expected.length, to - from);
    if (chunk.compare(this.#expected, 0, length, from, from + length) !== 0) throw this.#mismatch();
    this.#expected = this.#expected.subarray(length);
    return from + length;
  }

  /** The source goes on in its next file. @throws LastgoodError `LINEAGE_MISMATCH` when its file ended too early */
  complete(): void {
    if (this.#expected.length > 0) throw this.#mismatch();
  }

  #mismatch(): LastgoodError {
    const message = `the source's '${this.file}' is not the file that was archived: its bytes from ${this.from} on are others`;
    return new LastgoodError('LINEAGE_MISMATCH', message, { details: { file: this.file, position: this.from } });
  }
}
