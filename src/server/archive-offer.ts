import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import type { DumpRequest } from './replication-protocol.ts';
import type { ServedIdentity, ServedRange } from './served-range.ts';

const POSITIONS = 2 ** 32;

/** What a client asks for; with a `connectState` by GTID, and file and position mean nothing. */
export interface OfferRequest extends Pick<DumpRequest, 'file' | 'position'> {
  readonly connectState: string | null;
}

/**
 * The ranges to send to a client, the first beginning where it asks.
 *
 * @returns a string in words why there is nothing to send
 */
export function findOffer(
  { identity, ranges }: { identity: ServedIdentity; ranges: readonly ServedRange[] },
  { file, position, connectState }: OfferRequest,
): readonly ServedRange[] | string {
  if (connectState !== null) return offerAfter(connectState, identity, ranges);
  for (const [index, range] of ranges.entries()) {
    const from = range.file === file ? offsetIn(range, position) : null;
    if (from !== null) return [{ ...range, from }, ...ranges.slice(index + 1)];
  }
  return `the archive server does not offer ${file}:${position}`;
}

/** By GTID only the start is offered: states in between are not known without reading the log. */
function offerAfter(
  connectState: string,
  { gtidState }: ServedIdentity,
  ranges: readonly ServedRange[],
): readonly ServedRange[] | string {
  const isStart = gtidState !== null && GtidPosition.parse(connectState).equals(GtidPosition.parse(gtidState));
  if (isStart) return ranges;
  return `the archive server begins at GTID state '${gtidState ?? 'unknown'}', not at '${connectState}'`;
}

/** A position is four bytes wide: in a file larger than that only a range's start is beyond doubt. */
function offsetIn({ from, to }: ServedRange, position: number): number | null {
  if (from % POSITIONS === position || (position === 0 && from === FIRST_EVENT_OFFSET)) return from;
  return to <= POSITIONS && position > from && position < to ? position : null;
}
