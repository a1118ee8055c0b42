import { targetOf } from './cases.ts';
import type { Report } from './child.ts';

/** The largest that was seen. A case of the built program is another process, and is not among them. */
interface Worst {
  memoryBytes: number;
  caseMs: number;
}

/** Follows what a child does, and keeps the worst of all children. */
export class Watch {
  seed: number;
  failure: string | null = null;
  #since = Date.now();

  readonly #worst: Worst;

  constructor(seed: number, worst: Worst) {
    this.seed = seed;
    this.#worst = worst;
  }

  get busyMs(): number {
    return Date.now() - this.#since;
  }

  hear({ seed, rss, failure }: Report): void {
    const worst = this.#worst;
    if (targetOf(this.seed) !== 'scan') worst.caseMs = Math.max(worst.caseMs, this.busyMs);
    this.seed = seed;
    this.#since = Date.now();
    worst.memoryBytes = Math.max(worst.memoryBytes, rss ?? 0);
    this.failure = failure ?? this.failure;
  }
}
