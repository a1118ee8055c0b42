import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { stateBefore } from './served-state.ts';
import type { ServedLog } from './served-range.ts';

/** Where reading for a client begins. */
export interface NewestStart {
  /** Of the range, the first one of its file. */
  readonly index: number;
  /** Before its file's first group. */
  readonly state: GtidState;
}

/**
 * The last file before which a client has everything; null when it lacks something before the first one already. What files say
 * of their start only grows from file to file, so a few of many are looked at.
 */
export async function newestStart(log: ServedLog, hasAll: (state: GtidState) => boolean): Promise<NewestStart | null> {
  // A file that is entered behind its start says nothing of the place where it is entered.
  const starts = log.ranges.flatMap(({ from }, index) => (index === 0 || from === FIRST_EVENT_OFFSET ? [index] : []));
  let found = null as NewestStart | null;
  let low = 0;
  let high = starts.length;
  while (low < high) {
    // The first one is looked at first: most clients come to begin there.
    const middle: number = found === null ? 0 : Math.floor((low + high) / 2);
    const index = starts[middle] ?? 0;
    const state = await stateBefore(log, index);
    if (state !== null && hasAll(state)) {
      found = { index, state };
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return found;
}
