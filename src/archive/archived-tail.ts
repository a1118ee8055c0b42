import { FIRST_EVENT_OFFSET, MAX_ASKABLE_POSITION } from '../binlog/coordinates.ts';
import type { ByteSource } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';

/** A group larger than this is not asked for twice: then only names, times and GTIDs tell one history from another. */
const MAX_TAIL_BYTES = 8 * 1024 * 1024;
/** Asked for again and again only as long as it is short. */
const MAX_PROOF_BYTES = 1024 * 1024;
/** Holds a file's format, with its time, and most often its first group. */
const HEAD_BYTES = 4096;
/** Compared at once: memory stays flat, also when 4 GiB come again. */
const BLOCK_BYTES = 1024 * 1024;

type OpenedBytes = ByteSource & AsyncDisposable;

/** What is archived of the file that a source is asked for again. */
export interface ArchivedFile {
  readonly file: string;
  /** Bytes. */
  readonly size: number;
  /** Where its last group begins; null when it has none. */
  readonly lastGroup: number | null;
  /** The last group's start that a dump can be asked for; null when that is not known. */
  readonly lastAskable: number | null;
  /** Opens the archived bytes from an offset on. */
  open(from: number): OpenedBytes | Promise<OpenedBytes>;
}

/**
 * The last bytes that are archived, from the start of the last group on. The source is asked for them again: only a source
 * that sends the very same bytes has the same history. Names, times and even GTIDs can be the same after RESET MASTER.
 */
export class ArchivedTail {
  readonly file: string;
  /** Where to ask from. */
  readonly from: number;
  readonly #archived: ArchivedFile;
  #remaining: number;
  #source: OpenedBytes | null = null;
  #block = Buffer.alloc(0);

  private constructor(archived: ArchivedFile, from: number) {
    this.file = archived.file;
    this.from = from;
    this.#archived = archived;
    this.#remaining = archived.size - from;
  }

  /**
   * Null when the file's end cannot be asked for: positions in a dump command end at 4 GiB, and of a file that goes on
   * behind, everything from a group below that place comes again.
   */
  static of(archived: ArchivedFile): ArchivedTail | null {
    const from = askFrom(archived);
    return from === null ? null : new ArchivedTail(archived, from);
  }

  /** As `of`, but short and never empty: the file's first bytes where its last group is long, or cannot be asked for. */
  static proofOf(archived: ArchivedFile): ArchivedTail | null {
    const tail = ArchivedTail.of(archived);
    if (tail !== null && tail.remaining > 0 && tail.remaining <= MAX_PROOF_BYTES) return tail;
    if (archived.size <= FIRST_EVENT_OFFSET) return null;
    return ArchivedTail.of({ ...archived, size: Math.min(archived.size, HEAD_BYTES), lastGroup: null });
  }

  /** Bytes that the source still has to send again. */
  get remaining(): number {
    return this.#remaining;
  }

  /**
   * Compares what the source sends again, in order, up to `remaining` bytes.
   *
   * @throws LastgoodError `LINEAGE_MISMATCH`
   */
  async match(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; at += BLOCK_BYTES) {
      const sent = bytes.subarray(at, at + BLOCK_BYTES);
      if (!sent.equals(await this.#next(sent.length))) throw this.mismatch();
      this.#remaining -= sent.length;
    }
  }

  /** The source goes on in its next file. @throws LastgoodError `LINEAGE_MISMATCH` when its file ended too early */
  complete(): void {
    if (this.#remaining > 0) throw this.mismatch();
  }

  /** The source has something else there. */
  mismatch(): LastgoodError {
    const message = `the source's '${this.file}' is not the file that was archived: its bytes from ${this.from} on are others`;
    return new LastgoodError('LINEAGE_MISMATCH', message, { details: { file: this.file, position: this.from } });
  }

  /** Closes what was opened to compare. */
  async close(): Promise<void> {
    const source = this.#source;
    this.#source = null;
    this.#block = Buffer.alloc(0);
    await source?.[Symbol.asyncDispose]();
  }

  async #next(length: number): Promise<Buffer> {
    this.#source ??= await this.#archived.open(this.from);
    if (this.#block.length < length) this.#block = Buffer.allocUnsafeSlow(length);
    const block = this.#block.subarray(0, length);
    let filled = 0;
    while (filled < length) {
      const got = await this.#source.read(block, filled);
      if (got === 0) break;
      filled += got;
    }
    return block.subarray(0, filled);
  }
}

function askFrom({ size, lastGroup, lastAskable }: ArchivedFile): number | null {
  const last = lastGroup ?? FIRST_EVENT_OFFSET;
  if (last <= MAX_ASKABLE_POSITION && size - last <= MAX_TAIL_BYTES) return last;
  return size <= MAX_ASKABLE_POSITION ? size : lastAskable;
}
