/** Bytes that are worth a write of their own while more of them come. */
export const GATHERED_BYTES = 1024 * 1024;

/** A source that brings so much between two looks at its socket is sending without a pause. */
const FLOWING_BYTES = 32 * 1024;

/** Written bytes that are worth an fsync of their own while more come without a pause: tens of milliseconds' worth. */
const UNSYNCED_BYTES = 8 * 1024 * 1024;

/** Tells what was received together: one write and one fsync then serve all of it. */
export class Gathering {
  #isFlowing = false;

  /**
   * Lets the socket deliver what it has, a look after the other while each brings much.
   *
   * @param waiting bytes that have come and are not written yet
   */
  async gather(waiting: () => number): Promise<void> {
    for (;;) {
      const before = waiting();
      await new Promise(setImmediate);
      this.#isFlowing = waiting() >= GATHERED_BYTES;
      if (this.#isFlowing || waiting() - before < FLOWING_BYTES) return;
    }
  }

  /** False when so many bytes, written and not synced, better wait for more, which are coming already. */
  isWorthSync(unsynced: number): boolean {
    return !this.#isFlowing || unsynced >= UNSYNCED_BYTES;
  }
}
