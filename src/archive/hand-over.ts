/**
 * Finds where one log went on in another. Enters: the group boundaries of an archived log and of a server's log. Leaves: the
 * latest place at which both had executed the same. Pure; must not know servers or disks.
 */
import type { Coordinates } from '../binlog/coordinates.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { Gtid, GtidState } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';

/** A place between two groups. */
export interface Boundary {
  /** Where the group behind it begins, or where the file's groups end. Bytes. */
  readonly position: number;
  /** A live object: read it now. */
  readonly state: GtidState;
  /** When the group before it began, seconds since 1970; null at the file's start. */
  readonly time: number | null;
  /** Of the group behind it; null where there is none, or where it has none. */
  readonly next: Gtid | null;
  /** True where the file's groups end. */
  readonly isLast: boolean;
}

/** One file of a log, as the search needs it. */
export interface LogFile {
  readonly file: string;
  /** GTID state before its first group; null when the file does not say. */
  gtidStart(): Promise<GtidState | null>;
  /** Hands over every boundary in order, the file's start first. */
  boundaries(visit: (boundary: Boundary) => void): Promise<void>;
}

/** A place in both logs with the same GTID state. */
export interface CommonPlace {
  readonly gtidState: string;
  readonly parent: Coordinates;
  readonly child: Coordinates;
  /** True when the other log has a group behind the place: it has taken its own way since. */
  readonly hasDiverged: boolean;
}

/** Groups behind a place: writes that reached only the old primary. */
export interface StrandedGroups {
  readonly groups: number;
  readonly firstGtid: string | null;
  readonly lastGtid: string | null;
  /** Where the last one ends. */
  readonly end: Coordinates;
}

/**
 * A replica writes a group with the time of its statement, the primary with that of its commit: mostly the same second, and no
 * further apart than a transaction's duration. The same GTIDs at other times are of another history, as on a MariaDB server that was
 * rebuilt and counts from 1 again.
 */
const MAX_SECONDS_APART = 3600;

/**
 * The latest group boundary of `parent` whose GTID state `child` had at a group boundary too; null when there is none, or when
 * the groups before it are not the same ones by their times. An empty state proves nothing and is no match.
 *
 * @param parent files of the archived log, oldest first
 * @param child files of the other log, oldest first
 * @param end the GTID state with which the archived log ends
 */
export async function findCommonPlace(
  parent: readonly LogFile[],
  child: readonly LogFile[],
  end: GtidState,
): Promise<CommonPlace | null> {
  let latest: CommonPlace | null = null;
  for (let index = await newestWithin(child, end); index >= 0; index -= 1) {
    const file = child[index];
    const start = await file?.gtidStart();
    if (file === undefined || start === undefined || start === null) break;
    const known = await boundariesWithin(file, end);
    const match = await matchIn(parent, { known, start, file: file.file, isNewest: index === child.length - 1 });
    latest ??= match.latest;
    // At a file's start no group is left to compare: those of the file before it tell.
    if (latest !== null && match.agreeing + match.contradicting > 0)
      return match.agreeing >= match.contradicting ? latest : null;
  }
  return latest;
}

/** What the archived log has behind `place`. */
export async function groupsBehind(files: readonly LogFile[], place: Coordinates): Promise<StrandedGroups> {
  const found = { groups: 0, firstGtid: null as string | null, lastGtid: null as string | null, end: place };
  const from = files.findIndex(({ file }) => file === place.file);
  for (const log of files.slice(Math.max(0, from))) {
    const { file } = log;
    await log.boundaries(({ position, next, isLast }) => {
      const isBehind = file !== place.file || position >= place.position;
      if (!isBehind) return;
      if (found.groups > 0) found.end = { file, position };
      if (isLast) return;
      found.groups += 1;
      found.firstGtid ??= next === null ? null : formatGtid(next);
      found.lastGtid = next === null ? found.lastGtid : formatGtid(next);
    });
  }
  return found;
}

/** True when everything in `state` is in `bound` too, by number: which server wrote a MariaDB sequence number is not asked. */
export function isWithin(state: GtidState, bound: GtidState): boolean {
  if (state instanceof GtidSet && bound instanceof GtidSet) return bound.includes(state);
  if (!(state instanceof GtidPosition && bound instanceof GtidPosition)) return false;
  return state.gtids().every(({ domain, sequence }) => (bound.last(domain)?.sequence ?? -1) >= sequence);
}

/** Index of the newest file whose start is within `end`, by halving: along a log the state only grows; -1 when none is. */
async function newestWithin(files: readonly LogFile[], end: GtidState): Promise<number> {
  let below = -1;
  let above = files.length;
  while (above - below > 1) {
    const middle = Math.floor((below + above) / 2);
    const start = await files[middle]?.gtidStart();
    if (start !== undefined && start !== null && isWithin(start, end)) below = middle;
    else above = middle;
  }
  return below;
}

interface KnownPlace {
  readonly position: number;
  readonly time: number | null;
  readonly isLast: boolean;
}

interface KnownFile {
  readonly file: string;
  /** Whether no later file exists. */
  readonly isNewest: boolean;
  readonly start: GtidState;
  readonly known: ReadonlyMap<string, KnownPlace>;
}

/** By GTID state. A file's groups are at most a few hundred thousand, and this is done once in a failover. */
async function boundariesWithin(file: LogFile, end: GtidState): Promise<Map<string, KnownPlace>> {
  const known = new Map<string, KnownPlace>();
  await file.boundaries(({ position, state, time, isLast }) => {
    const text = state.toString();
    if (text !== '' && isWithin(state, end)) known.set(text, { position, time, isLast });
  });
  return known;
}

/** The latest place of both, and how many of the places that both have agree, or not, on the time of the group before them. */
interface Match {
  latest: CommonPlace | null;
  agreeing: number;
  contradicting: number;
}

async function matchIn(parent: readonly LogFile[], child: KnownFile): Promise<Match> {
  const match: Match = { latest: null, agreeing: 0, contradicting: 0 };
  for (const log of child.known.size === 0 ? [] : parent.toReversed()) {
    const ends: GtidState[] = [];
    await log.boundaries((boundary) => {
      if (boundary.isLast) ends.push(boundary.state.clone());
      compare(match, child, { file: log.file, ...boundary });
    });
    // When its end is before the child's file, so is all that is older.
    if (match.latest !== null || ends.some((end) => !isWithin(child.start, end))) break;
  }
  return match;
}

function compare(match: Match, child: KnownFile, { file, position, state, time }: Boundary & { file: string }): void {
  const gtidState = state.toString();
  const there = child.known.get(gtidState);
  if (there === undefined) return;
  match.latest = {
    gtidState,
    parent: { file, position },
    child: { file: child.file, position: there.position },
    hasDiverged: !(there.isLast && child.isNewest),
  };
  if (time === null || there.time === null) return;
  if (Math.abs(time - there.time) <= MAX_SECONDS_APART) match.agreeing += 1;
  else match.contradicting += 1;
}
