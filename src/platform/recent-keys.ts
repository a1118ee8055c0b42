/** The newest of any number of keys. */
export class RecentKeys {
  readonly #limit: number;
  /** The oldest first. */
  readonly #keys = new Set<string>();

  /** @param limit how many are kept */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Makes it the newest one, also when it was there. */
  add(key: string): void {
    this.#keys.delete(key);
    this.#keys.add(key);
    const [oldest] = this.#keys;
    if (this.#keys.size > this.#limit && oldest !== undefined) this.#keys.delete(oldest);
  }

  has(key: string): boolean {
    return this.#keys.has(key);
  }
}
