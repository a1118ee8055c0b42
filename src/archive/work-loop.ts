/** One work at a time: what falls due during it is taken up at its end. The first failure is the last word. */
export class WorkLoop {
  /** Rejects with the failure; never resolves. */
  readonly failed: Promise<never>;
  readonly #work: () => Promise<void>;
  #underWay: Promise<void> | null = null;
  #due = false;
  #failure: { readonly error: unknown } | null = null;
  #fail: (error: unknown) => void = () => undefined;

  constructor(work: () => Promise<void>) {
    this.#work = work;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined); // `throwFailure` throws it too
  }

  /** Resolves when the work under way is over, also when it fails; null when there is none. */
  get underWay(): Promise<void> | null {
    return this.#underWay;
  }

  get hasFailed(): boolean {
    return this.#failure !== null;
  }

  /** There is something to do, perhaps. */
  run(): void {
    this.#due = true;
    if (this.#underWay === null && this.#failure === null) this.#underWay = this.#runWhileDue();
  }

  /** No work begins any more. */
  failWith(error: unknown): void {
    this.#failure ??= { error };
    this.#fail(error);
  }

  /** @throws the failure, if there was one */
  throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  async #runWhileDue(): Promise<void> {
    try {
      while (this.#due && this.#failure === null) {
        this.#due = false;
        await this.#work();
      }
    } catch (error) {
      this.failWith(error);
    } finally {
      this.#underWay = null;
    }
  }
}
