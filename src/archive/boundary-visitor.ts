import type { GtidState } from '../binlog/gtid.ts';
import type { Group, GroupVisitor } from '../binlog/group.ts';
import type { Boundary } from './hand-over.ts';

/** Makes the boundaries of one file out of its groups as they go by. */
export class BoundaryVisitor implements GroupVisitor {
  readonly #visit: (boundary: Boundary) => void;
  #time: number | null = null;

  constructor(visit: (boundary: Boundary) => void) {
    this.#visit = visit;
  }

  query(): void {
    // Only where groups begin and end matters.
  }

  group({ start, time, gtid }: Group, before: GtidState | null): void {
    if (before !== null) this.#visit({ position: start, state: before, time: this.#time, next: gtid, isLast: false });
    this.#time = time;
  }

  /** @param reading where the file's groups end */
  end({ wholeTo, gtidEnd }: { readonly wholeTo: number; readonly gtidEnd: GtidState | null }): void {
    if (gtidEnd === null) return;
    this.#visit({ position: wholeTo, state: gtidEnd, time: this.#time, next: null, isLast: true });
  }
}
