import { seededRandom } from '../random.ts';

/** Choices that a seed repeats. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** True in so many of 100 cases. */
  percent(cases: number): boolean {
    return this.int(100) < cases;
  }

  pick<T>(of: readonly T[]): T {
    const choice = of[this.int(of.length)];
    if (choice === undefined) throw new Error('there is nothing to choose from');
    return choice;
  }

  /** One of them, each as often as its weight says. */
  weighted<T extends { readonly weight: number }>(of: readonly T[]): T {
    let left = this.int(of.reduce((sum, { weight }) => sum + weight, 0));
    for (const choice of of) {
      left -= choice.weight;
      if (left < 0) return choice;
    }
    return this.pick(of);
  }

  /** Text as a statement may have it between quotes: short, and sometimes strange. */
  text(): string {
    const length = this.int(12);
    return Array.from({ length }, () =>
      this.pick([...Array.from('abcxyz 0189_%ÄßéЖ漢𝄞'), "''", '\\\\', '\\n', '\\0', '"', ';', '/*!', '--']),
    ).join('');
  }
}
