import { seededRandom } from './random.ts';

/** Everything that a case leaves to chance: the same seed gives the same case. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** A whole number in [0, below). */
  int(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** Small numbers are as likely as all the large ones together. */
  size(most: number): number {
    return Math.floor(Math.exp(this.#next() * Math.log(most + 1))) - 1;
  }

  happens(probability: number): boolean {
    return this.#next() < probability;
  }

  /** True in so many of 100 cases. */
  percent(cases: number): boolean {
    return this.int(100) < cases;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.int(choices.length)];
    if (choice === undefined) throw new Error('there is nothing to pick from');
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

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)));
  }

  /** Text as a statement may have it between quotes: short, and sometimes strange. */
  text(): string {
    const length = this.int(12);
    return Array.from({ length }, () =>
      this.pick([...Array.from('abcxyz 0189_%ÄßéЖ漢𝄞'), "''", '\\\\', '\\n', '\\0', '"', ';', '/*!', '--']),
    ).join('');
  }
}
