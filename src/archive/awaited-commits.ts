import { compareCoordinates, type Coordinates } from '../binlog/coordinates.ts';

/** Places that commits on a semi-synchronous source wait for, in the log's order. */
export class AwaitedCommits {
  readonly #places: Coordinates[] = [];

  get any(): boolean {
    return this.#places.length > 0;
  }

  add(place: Coordinates): void {
    this.#places.push(place);
  }

  /**
   * Everything before `durable` is durable. One acknowledgement does for all commits that this sets free.
   *
   * @returns the newest of their places; undefined when there is none
   */
  settle(durable: Coordinates): Coordinates | undefined {
    const later = this.#places.findIndex((place) => compareCoordinates(place, durable) > 0);
    return this.#places.splice(0, later < 0 ? this.#places.length : later).at(-1);
  }
}
