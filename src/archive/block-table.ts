/** Plain bytes of each block of a stored segment but its last one, which may be shorter. */
export const BLOCK_BYTES = 1024 * 1024;

/** One block of a stored segment. Offsets and lengths are bytes. */
export interface BlockPlace {
  readonly index: number;
  readonly plainStart: number;
  readonly plainBytes: number;
  readonly storedStart: number;
  readonly storedBytes: number;
}

/** Where each block stands: what makes any offset of a compressed or encrypted segment reachable at once. */
export class BlockTable {
  readonly plainBytes: number;
  /** Stored offset of each block, and the end of the last one. */
  readonly #starts: Float64Array;

  /**
   * @param storedLengths of the blocks, in their order
   * @param from stored offset of the first one
   */
  constructor(storedLengths: readonly number[], { from, plainBytes }: { from: number; plainBytes: number }) {
    this.plainBytes = plainBytes;
    this.#starts = new Float64Array(storedLengths.length + 1);
    this.#starts[0] = from;
    for (const [index, length] of storedLengths.entries())
      this.#starts[index + 1] = (this.#starts[index] ?? 0) + length;
  }

  get length(): number {
    return this.#starts.length - 1;
  }

  /** Stored offset just after the last block. */
  get storedEnd(): number {
    return this.#starts.at(-1) ?? 0;
  }

  /** True when the blocks hold as many plain bytes as they are said to. */
  get fits(): boolean {
    return this.length === Math.ceil(this.plainBytes / BLOCK_BYTES);
  }

  /** The block that holds a plain offset; null behind the end. */
  at(plainOffset: number): BlockPlace | null {
    const index = Math.floor(plainOffset / BLOCK_BYTES);
    const storedStart = this.#starts[index];
    const storedEnd = this.#starts[index + 1];
    if (plainOffset >= this.plainBytes || storedStart === undefined || storedEnd === undefined) return null;
    const plainStart = index * BLOCK_BYTES;
    return {
      index,
      plainStart,
      plainBytes: Math.min(BLOCK_BYTES, this.plainBytes - plainStart),
      storedStart,
      storedBytes: storedEnd - storedStart,
    };
  }
}
