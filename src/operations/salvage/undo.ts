import type { Logger } from '../../platform/logger.ts';

/** One thing that was made, and how to remove it. */
export interface Made {
  /** As in 'removed <what>'. */
  readonly what: string;
  readonly remove: () => Promise<void>;
}

/** Remembers what was made, so that a failure can remove it, the last first, and nothing else. */
export class Undo {
  readonly #made: Made[] = [];

  /**
   * Call it before the thing is made: when the answer to that is lost, nobody knows whether it was. `remove` must do in
   * either case.
   *
   * @returns forgets it again: it was certainly not made
   */
  add(made: Made): () => void {
    this.#made.push(made);
    return () => {
      this.#made.splice(this.#made.indexOf(made), 1);
    };
  }

  /** Removes all. One that cannot be removed does not keep the others. @returns what is left, in words */
  async all(log: Logger): Promise<string[]> {
    const left: string[] = [];
    for (const { what, remove } of this.#made.reverse()) {
      try {
        await remove();
        log.info({ what }, 'removed again');
      } catch (error) {
        left.push(`${what} (${error instanceof Error ? error.message : String(error)})`);
      }
    }
    this.#made.length = 0;
    return left;
  }

  /** From now on everything stays. */
  keep(): void {
    this.#made.length = 0;
  }
}
