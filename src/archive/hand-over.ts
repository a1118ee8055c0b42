/**
 * Finds where one log went on in another. Enters: the group boundaries of an archived log and of a server's log. Leaves: the
 * latest place at which both had executed the same. Pure; must not know servers or disks.
 */
import type { Coordinates } from '../binlog/coordinates.ts';
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

/**
 * A replica writes a group with the time of its statement, the primary with that of its commit: mostly the same second, and no
 * further apart than a transaction's duration. The same GTIDs at other times are of another history, as on a MariaDB server that was
 * rebuilt and counts from 1 again.
 */
const MAX_SECONDS_APART = 3600;

/**
 * The latest group boundary of `parent` whose GTID state `child` had at a group boundary too; null when there is none, or when
 * the groups before it are not the same ones by their times. An empty state proves nothing and is no match; nor does any state
 * where one of the logs has groups without a GTID, as MySQL writes them: they leave it as it is.
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
  const place = await latestCommonPlace(parent, child, end);
  if (place === null || end.flavor === 'mariadb') return place; // MariaDB gives every group a GTID
  const isProven = (await areGtidsAt(parent, place.parent)) && (await areGtidsAt(child, place.child));
  return isProven ? place : null;
}

/** False when a file on which the state at a place depends has a group without a GTID. */
async function areGtidsAt(files: readonly LogFile[], place: Coordinates): Promise<boolean> {
  const upTo = files.findIndex(({ file }) => file === place.file) + 1;
  for (const log of files.slice(0, upTo).toReversed()) {
    const found = { anonymous: 0, before: 0 };
    await log.boundaries(({ position, next, isLast }) => {
      if (isLast) return;
      if (next === null) found.anonymous += 1;
      if (log.file !== place.file || position < place.position) found.before += 1;
    });
    if (found.anonymous > 0) return false;
    if (found.before > 0) return true;
  }
  return true;
}

async function latestCommonPlace(
  parent: readonly LogFile[],
  child: readonly LogFile[],
  end: GtidState,
): Promise<CommonPlace | null> {
  let latest: CommonPlace | null = null;
  for await (const stretch of stretchesWithin(child, end)) {
    const match = await matchIn(parent, stretch);
    latest ??= match.latest;
    // At a file's start no group is left to compare: those of the file before it tell.
    if (latest !== null && match.agreeing + match.contradicting > 0)
      return match.agreeing >= match.contradicting ? latest : null;
  }
  return latest;
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

/** Boundaries of one file that follow each other. */
interface Stretch {
  readonly file: string;
  /** Whether no later file exists. */
  readonly isNewest: boolean;
  /** Of the file. */
  readonly start: GtidState;
  /** By GTID state. */
  readonly known: ReadonlyMap<string, KnownPlace>;
}

/** A file of small groups has millions, and a state's text may be long: so many boundaries are kept at once. */
const MAX_KNOWN = 100_000;

/** What of a log lies within `end`, the newest stretch first. Most often the first one has the place. */
async function* stretchesWithin(files: readonly LogFile[], end: GtidState): AsyncGenerator<Stretch> {
  for (let index = await newestWithin(files, end); index >= 0; index -= 1) {
    const log = files[index];
    const start = await log?.gtidStart();
    if (log === undefined || start === undefined || start === null) return;
    let before: number | null = Infinity;
    while (before !== null) {
      const { known, from }: BoundariesWithin = await boundariesWithin(log, end, before);
      yield { file: log.file, isNewest: index === files.length - 1, start, known };
      before = from;
    }
  }
}

interface BoundariesWithin {
  readonly known: ReadonlyMap<string, KnownPlace>;
  /** Where the oldest one is; null when there are none before it. */
  readonly from: number | null;
}

/** The newest ones before an offset. */
async function boundariesWithin(log: LogFile, end: GtidState, before: number): Promise<BoundariesWithin> {
  // Two halves: a Map from which the oldest are taken one by one becomes slow.
  const kept = { older: new Map<string, KnownPlace>(), newer: new Map<string, KnownPlace>(), dropped: 0 };
  await log.boundaries(({ position, state, time, isLast }) => {
    if (position >= before || !isWithin(state, end)) return;
    const text = state.toString();
    if (text !== '') kept.newer.set(text, { position, time, isLast });
    if (kept.newer.size <= MAX_KNOWN / 2) return;
    kept.dropped += kept.older.size;
    kept.older = kept.newer;
    kept.newer = new Map();
  });
  const known = new Map([...kept.older, ...kept.newer]);
  const [oldest] = known.values();
  return { known, from: kept.dropped > 0 ? (oldest?.position ?? null) : null };
}

/** The latest place of both, and how many of the places that both have agree, or not, on the time of the group before them. */
interface Match {
  latest: CommonPlace | null;
  agreeing: number;
  contradicting: number;
}

async function matchIn(parent: readonly LogFile[], child: Stretch): Promise<Match> {
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

function compare(match: Match, child: Stretch, { file, position, state, time }: Boundary & { file: string }): void {
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
