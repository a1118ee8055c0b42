import { lengthAt, PARTIAL_JSON_OPTION, type RowCount } from './count-rows.ts';
import { hasBit, type ImageLayout, type RowShape } from './row-layout.ts';

/** What the next bytes that are needed are. */
type Step = 'options' | 'nulls' | 'length';

/**
 * Counts the rows of an event too large to hold, whose bytes come in pieces. No more is kept than the bitmap of one
 * image: a value of a gigabyte is passed over as it comes.
 */
export class RowStream {
  readonly #shape: RowShape;
  #rows = 0;
  #broken = false;
  #isNew = false;
  #step: Step = 'nulls';
  /** Bitmaps of the old and the new image; the one that counts now. */
  readonly #bitmaps: readonly [Buffer, Buffer];
  #nulls: Buffer;
  #column = 0;
  /** The bytes being gathered, and how many there are. */
  #wanted: Buffer;
  #have = 0;
  /** Bytes to pass over before the next step. */
  #skip = 0;
  readonly #small = Buffer.alloc(4);
  readonly #heads = [0, 1, 2, 3, 4].map((bytes) => this.#small.subarray(0, bytes));

  /** @param shape its old image has at least one column */
  constructor(shape: RowShape) {
    this.#shape = shape;
    this.#bitmaps = [Buffer.alloc(shape.before.nullBytes), Buffer.alloc(shape.after?.nullBytes ?? 0)];
    this.#nulls = this.#bitmaps[0];
    this.#wanted = this.#nulls;
  }

  /** Takes the next bytes of the rows, `bytes[from, to)`. */
  feed(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to && !this.#broken;) {
      const passed = Math.min(this.#skip, to - at);
      this.#skip -= passed;
      at += passed;
      const taken = bytes.copy(this.#wanted, this.#have, at, Math.min(to, at + this.#wanted.length - this.#have));
      this.#have += taken;
      at += taken;
      while (this.#isReady()) this.#act();
    }
  }

  #isReady(): boolean {
    return !this.#broken && this.#skip === 0 && this.#have === this.#wanted.length;
  }

  /** What all bytes so far hold. */
  get count(): RowCount {
    const isBetween = !this.#isNew && this.#step === 'nulls' && this.#have === 0;
    const unfinished = isBetween && this.#skip > 0 ? 1 : 0;
    return { rows: this.#rows - unfinished, exact: isBetween && this.#skip === 0 && !this.#broken };
  }

  get #image(): ImageLayout {
    return (this.#isNew ? this.#shape.after : null) ?? this.#shape.before;
  }

  #act(): void {
    if (this.#step === 'options') this.#options();
    else if (this.#step === 'nulls') this.#values();
    else {
      this.#skip = lengthAt(this.#small, 0, this.#wanted.length);
      this.#column += 1;
      this.#values();
    }
  }

  #options(): void {
    const options = this.#small[0] ?? 0;
    if (options > PARTIAL_JSON_OPTION) this.#broken = true;
    this.#skip = options === PARTIAL_JSON_OPTION ? this.#shape.partialBytes : 0;
    this.#want('nulls');
  }

  /** Goes on to the next column with a length, or to the image's end. */
  #values(): void {
    const { columns } = this.#image;
    for (; this.#column < columns.length; this.#column += 1) {
      if (hasBit(this.#nulls, this.#column)) continue;
      const { fixed, prefix } = columns[this.#column] ?? { fixed: 0, prefix: 0 };
      this.#skip += fixed;
      if (prefix > 0) {
        this.#want('length', prefix);
        return;
      }
    }
    this.#imageEnds();
  }

  #imageEnds(): void {
    this.#column = 0;
    this.#isNew = !this.#isNew && this.#shape.after !== null;
    if (!this.#isNew) this.#rows += 1;
    if (this.#isNew && this.#shape.partialBytes >= 0) this.#want('options', 1);
    else this.#want('nulls');
  }

  #want(step: Step, bytes = 0): void {
    this.#step = step;
    this.#have = 0;
    this.#nulls = this.#bitmaps[this.#isNew ? 1 : 0];
    this.#wanted = step === 'nulls' ? this.#nulls : (this.#heads[bytes] ?? this.#small);
  }
}
