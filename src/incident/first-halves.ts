/** Far more than a server has prepared at once, and a few MB at most. */
const MAX_REMEMBERED = 10_000;

/**
 * Which groups have begun something that a later group ends, in what was read so far. Memory is bounded: when the
 * oldest is forgotten, its end is told as if it had begun in an earlier file, which is true as well.
 */
export class FirstHalves {
  readonly #isIncident = new Map<string, boolean>();

  begun(key: string, isIncident: boolean): void {
    this.#isIncident.delete(key); // the newest goes to the end
    this.#isIncident.set(key, isIncident);
    if (this.#isIncident.size <= MAX_REMEMBERED) return;
    const [oldest] = this.#isIncident.keys();
    if (oldest !== undefined) this.#isIncident.delete(oldest);
  }

  /** Whether what ends now was an incident; null when it began before anything that was read. */
  end(key: string): boolean | null {
    const isIncident = this.#isIncident.get(key) ?? null;
    this.#isIncident.delete(key);
    return isIncident;
  }
}
