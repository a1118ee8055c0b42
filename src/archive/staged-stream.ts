import { LastgoodError } from '../platform/errors.ts';

/** Whole events of the current file, ready to be written. Give `bytes` back with `release`. */
export interface StagedBytes {
  readonly kind: 'bytes';
  readonly bytes: Buffer;
}

/** What follows stands in this file. */
export interface StagedFile {
  readonly kind: 'file';
  readonly file: string;
  readonly position: number;
}

/** Above this the source has to wait; what is under way in its socket still finds room. */
const HIGH_WATER_BYTES = 4 * 1024 * 1024;
const BLOCK_BYTES = HIGH_WATER_BYTES + 256 * 1024;
const MAX_SPARE_BLOCKS = 2;

interface Block {
  buffer: Buffer;
  filled: number;
}

/**
 * Bytes that were received and not yet written, in order, with the places where one file ends and the next begins.
 * While one block is being written the next fills: what arrives meanwhile is written and synced together.
 */
export class StagedStream {
  readonly #onPressure: (high: boolean) => void;
  readonly #queue: (Block | StagedFile)[] = [];
  readonly #spare: Buffer[] = [];
  #active: Block = { buffer: Buffer.allocUnsafeSlow(BLOCK_BYTES), filled: 0 };
  #waitingBytes = 0;
  #high = false;

  /** @param onPressure told true when the source has to wait and false when it may go on, never twice the same */
  constructor(onPressure: (high: boolean) => void) {
    this.#onPressure = onPressure;
  }

  /** Bytes that have come and are not written yet; a file's end among them counts as much as can wait at all. */
  get waitingBytes(): number {
    return this.#queue.length > 0 ? HIGH_WATER_BYTES : this.#active.filled;
  }

  append(chunk: Buffer, from: number, to: number): void {
    const block = this.#active;
    const end = block.filled + to - from;
    if (end > block.buffer.length) block.buffer = grown(block.buffer, end);
    chunk.copy(block.buffer, block.filled, from, to);
    block.filled = end;
    this.#measure();
  }

  rotate(file: string, position: number): void {
    if (this.#active.filled > 0) {
      this.#queue.push(this.#active);
      this.#waitingBytes += this.#active.filled;
      this.#active = this.#newBlock();
    }
    this.#queue.push({ kind: 'file', file, position });
    this.#measure();
  }

  /**
   * The next step, or null when more bytes are needed.
   *
   * @param take checks bytes of the current file and says how many at their start can be stored
   * @throws LastgoodError `STREAM_DAMAGED` when a file ends inside an event; whatever `take` throws
   */
  next(take: (buffer: Buffer, filled: number) => number): StagedBytes | StagedFile | null {
    const head = this.#queue.shift();
    if (head === undefined) return this.#takeActive(take);
    if ('kind' in head) return head;
    const consumed = take(head.buffer, head.filled);
    if (consumed === 0)
      throw new LastgoodError('STREAM_DAMAGED', 'the source went on to its next file in the middle of an event');
    this.#waitingBytes -= consumed;
    if (consumed < head.filled) this.#queue.unshift(this.#rest(head, consumed));
    this.#measure();
    return { kind: 'bytes', bytes: head.buffer.subarray(0, consumed) };
  }

  /** The bytes are written: their memory may be used again. */
  release({ buffer, byteLength }: Buffer): void {
    if (byteLength > 0 && buffer.byteLength === BLOCK_BYTES && this.#spare.length < MAX_SPARE_BLOCKS) {
      this.#spare.push(Buffer.from(buffer));
    }
  }

  #takeActive(take: (buffer: Buffer, filled: number) => number): StagedBytes | null {
    const { buffer, filled } = this.#active;
    if (filled === 0) return null;
    const consumed = take(buffer, filled);
    if (consumed === 0) return null;
    this.#active = this.#rest(this.#active, consumed);
    this.#measure();
    return { kind: 'bytes', bytes: buffer.subarray(0, consumed) };
  }

  /** What was not taken, in memory of its own: that of the rest is used again once it is written. */
  #rest({ buffer, filled }: Block, consumed: number): Block {
    const bytes = filled - consumed;
    const rest = bytes > BLOCK_BYTES ? { buffer: Buffer.allocUnsafeSlow(bytes), filled: 0 } : this.#newBlock();
    buffer.copy(rest.buffer, 0, consumed, filled);
    rest.filled = bytes;
    return rest;
  }

  #newBlock(): Block {
    return { buffer: this.#spare.pop() ?? Buffer.allocUnsafeSlow(BLOCK_BYTES), filled: 0 };
  }

  #measure(): void {
    const high = this.#waitingBytes + this.#active.filled >= HIGH_WATER_BYTES;
    if (high === this.#high) return;
    this.#high = high;
    this.#onPressure(high);
  }
}

/** The socket delivered more than there was room for before it could be told to wait. */
function grown(buffer: Buffer, bytes: number): Buffer {
  const larger = Buffer.allocUnsafeSlow(Math.max(bytes, 2 * buffer.length));
  buffer.copy(larger);
  return larger;
}
