export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Gives numbers in [0, 1); Math.random when not given. */
  readonly random?: () => number;
}

/** Growing pauses between attempts: each up to twice the last, scattered so that many clients do not return at once. */
export class Backoff {
  readonly #options: BackoffOptions;
  #ceilingMs: number;

  constructor(options: BackoffOptions) {
    this.#options = options;
    this.#ceilingMs = options.firstMs;
  }

  /** How long to wait before the next attempt: between half of the present ceiling and all of it, milliseconds. */
  next(): number {
    const { maxMs, random = Math.random } = this.#options;
    const ceilingMs = this.#ceilingMs;
    this.#ceilingMs = Math.min(maxMs, ceilingMs * 2);
    return ceilingMs / 2 + (ceilingMs / 2) * random();
  }

  /** An attempt worked: start small again. */
  reset(): void {
    this.#ceilingMs = this.#options.firstMs;
  }
}
