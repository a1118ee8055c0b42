/** Whether the data can be brought back, as far as it is known when an alert is sent. */
export interface RecoveryFacts {
  /** Null: not known yet. */
  readonly reachable: boolean | null;
  /** Why not, or why that is not known. */
  readonly why: string | null;
  readonly backup: { readonly id: string; readonly finishedAt: string } | null;
  /** The backup and the segments are kept from being deleted. */
  readonly pinned: boolean;
}

export const NOT_KNOWN_YET: RecoveryFacts = {
  reachable: null,
  why: 'the archive is still being looked at',
  backup: null,
  pinned: false,
};

/** Facts that come a little later than they are asked for. */
export class PromisedFacts {
  #settle: (facts: RecoveryFacts) => void = () => undefined;
  readonly #facts = new Promise<RecoveryFacts>((resolve) => {
    this.#settle = resolve;
  });

  settle(facts: RecoveryFacts): void {
    this.#settle(facts);
  }

  /** The facts, or that they are not known yet, at the latest after so many milliseconds. */
  async within(ms: number): Promise<RecoveryFacts> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<RecoveryFacts>((resolve) => {
      timer = setTimeout(resolve, ms, NOT_KNOWN_YET);
    });
    return await Promise.race([this.#facts, late]).finally(() => {
      clearTimeout(timer);
    });
  }
}
