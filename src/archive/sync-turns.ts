/** One fsync at a time, beside everything else: the disk works while the next bytes come and are written. */
export class SyncTurns {
  readonly #intervalMs: number;
  readonly #ended: () => void;
  readonly #failed: (error: unknown) => void;
  #underWay: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #lastMs = 0;

  /**
   * @param options.intervalMs between the end of one and the next, milliseconds; 0: none
   * @param options.ended another may be due: one is over, or its time has come
   */
  constructor(options: { intervalMs: number; ended(): void; failed(error: unknown): void }) {
    this.#intervalMs = options.intervalMs;
    this.#ended = options.ended.bind(options);
    this.#failed = options.failed.bind(options);
  }

  /** Resolves when the fsync under way is over, also when it fails; null when there is none. */
  get underWay(): Promise<void> | null {
    return this.#underWay;
  }

  /**
   * Begins one, or waits until it is time. Only while none is under way.
   *
   * @param sync is called before this returns: what it is to make durable is what is written now
   * @param options.urgent does not wait
   */
  begin(sync: () => Promise<void>, { urgent }: { urgent: boolean }): void {
    const waitMs = urgent || this.#intervalMs === 0 ? 0 : this.#lastMs + this.#intervalMs - performance.now();
    if (waitMs > 0) this.#later(waitMs);
    else this.#underWay = this.#run(sync);
  }

  /** No more waiting for the time of the next. */
  stop(): void {
    clearTimeout(this.#timer);
  }

  #later(waitMs: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#ended();
    }, waitMs);
  }

  async #run(sync: () => Promise<void>): Promise<void> {
    try {
      await sync();
    } catch (error) {
      this.#failed(error);
    }
    this.#lastMs = performance.now();
    this.#underWay = null;
    this.#ended();
  }
}
