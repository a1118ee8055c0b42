import { zstd } from '../platform/zstd.ts';

/** Turns stored bytes into plain ones, piece by piece. */
export interface PayloadDecoder {
  /** True between the pieces of one whole: more must follow. */
  readonly unfinished: boolean;
  /**
   * Takes of `source` what it can, and puts what comes of it into `target`.
   * @throws Error when the bytes are damaged; `reset` makes it usable again
   */
  decode(target: Buffer, source: Buffer): { readonly produced: number; readonly consumed: number };
  reset(): void;
}

/** One zstd frame or several. The context keeps at most the 128 MiB window that zstd allows by itself, whatever a frame says. */
export class ZstdDecoder implements PayloadDecoder {
  unfinished = false;
  readonly #context = new (zstd().DCtx)();

  decode(target: Buffer, source: Buffer): { produced: number; consumed: number } {
    const [missing, produced, consumed] = this.#context.decompressStream(target, source);
    this.unfinished = missing !== 0;
    return { produced, consumed };
  }

  reset(): void {
    this.unfinished = false;
    this.#context.reset(zstd().ResetDirective.sessionOnly);
  }
}

/** A payload that did not shrink is stored as it is. */
export class PlainDecoder implements PayloadDecoder {
  readonly unfinished = false;

  decode(target: Buffer, source: Buffer): { produced: number; consumed: number } {
    const copied = source.copy(target);
    return { produced: copied, consumed: copied };
  }

  reset(): void {
    // It keeps nothing from one call to the next.
  }
}
