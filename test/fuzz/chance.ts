import { seededRandom } from '../support/random.ts';

/** Everything that a case leaves to chance: the same seed gives the same case. */
export class Chance {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = seededRandom(seed);
  }

  /** 0 to `below` - 1. */
  number(below: number): number {
    return Math.floor(this.#next() * below);
  }

  /** Small numbers are as likely as all the large ones together. */
  size(most: number): number {
    return Math.floor(Math.exp(this.#next() * Math.log(most + 1))) - 1;
  }

  happens(probability: number): boolean {
    return this.#next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.number(choices.length)];
    if (choice === undefined) throw new Error('there is nothing to pick from');
    return choice;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.number(256)));
  }
}
