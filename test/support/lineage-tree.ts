import type { Coordinates } from '../../src/binlog/coordinates.ts';
import { parseGtid } from '../../src/binlog/gtid-text.ts';
import { GtidPosition } from '../../src/binlog/mariadb-gtid.ts';
import { inMemoryLog, type InMemoryLog, type LogGroup } from './in-memory-log.ts';

/** How one primary's time goes: what it writes, where its files end, and what it still writes after it was replaced. */
export interface Reign {
  /** The domain of each of its own groups. */
  readonly domains: readonly number[];
  /** After which of its own groups it begins a new file. */
  readonly flushes: readonly number[];
  /** How many groups it had written as a replica stand in its first archived file. */
  readonly overlap: number;
  /** Written after the next one took over: only it has them. */
  readonly stranded: number;
}

/** Lineages joined by hand-overs, and the one history that they are. */
export interface LineageTree {
  /** Newest first, as locating wants them. */
  readonly views: readonly InMemoryLog[];
  /** GTIDs of the whole history, in its order; each group is a second after the one before. */
  readonly history: readonly string[];
  /** How many groups of the history each lineage holds at its hand-over, oldest lineage first; 0 for the first. */
  readonly handOvers: readonly number[];
  readonly stranded: ReadonlySet<string>;
}

/** Builds the archive of a primary that was replaced once for each reign but the first. File names begin anew in each lineage. */
export function lineageTree(reigns: readonly Reign[]): LineageTree {
  const history: (LogGroup & { gtid: string })[] = [];
  const stranded = new Set<string>();
  const handOvers: number[] = [];
  const logs: InMemoryLog[] = [];
  for (const [index, reign] of reigns.entries()) {
    const server = index + 1;
    const overlap = history.slice(history.length - Math.min(reign.overlap, history.length));
    const gtidStart = stateAfter(history.slice(0, history.length - overlap.length));
    handOvers.push(history.length);
    const own = continueWith(history, reign.domains, server);
    const lost = continueWith(
      [...history, ...own],
      Array.from({ length: reign.stranded }, () => 0),
      server,
    );
    for (const { gtid } of lost) stranded.add(gtid);
    const id = `shop-${server}`;
    const built = inMemoryLog(inFiles(overlap, [...own, ...lost], reign.flushes), { id, gtidStart });
    logs.push(
      joined(built, {
        index,
        overlap: overlap.length,
        before: logs.at(-1),
        handOverState: stateAfter(history),
        reigns,
      }),
    );
    history.push(...own);
  }
  return { views: logs.toReversed(), history: history.map(({ gtid }) => gtid), handOvers, stranded };
}

/** The new primary goes on counting where the state stands; its groups are named after itself. */
function continueWith(
  before: readonly (LogGroup & { gtid: string })[],
  domains: readonly number[],
  server: number,
): (LogGroup & { gtid: string })[] {
  const state = GtidPosition.parse(stateAfter(before));
  return domains.map((domain, n) => {
    const gtid = `${domain}-${server}-${(state.last(domain)?.sequence ?? 0) + 1}`;
    state.add(parseGtid(gtid));
    return { gtid, at: before.length + n };
  });
}

function stateAfter(groups: readonly { gtid: string }[]): string {
  const state = new GtidPosition();
  for (const { gtid } of groups) state.add(parseGtid(gtid));
  return state.toString();
}

/** What was written as a replica is all in the first file. */
function inFiles(overlap: readonly LogGroup[], rest: readonly LogGroup[], flushes: readonly number[]): LogGroup[][] {
  const files: LogGroup[][] = [[...overlap]];
  for (const [n, group] of rest.entries()) {
    if (flushes.includes(n)) files.push([]);
    files.at(-1)?.push(group);
  }
  return files;
}

function joined(
  log: InMemoryLog,
  to: {
    index: number;
    overlap: number;
    before: InMemoryLog | undefined;
    handOverState: string;
    reigns: readonly Reign[];
  },
): InMemoryLog {
  const { before, index, overlap, handOverState: gtidState, reigns } = to;
  if (before === undefined) return log;
  const stranded = reigns[index - 1]?.stranded ?? 0;
  const parent = placeAfter(before, before.groups.flat().length - stranded);
  const child = placeAfter(log, overlap);
  return {
    ...log,
    lineage: { ...log.lineage, parent: before.lineage.id, handOver: { gtidState, parent, child, stranded } },
  };
}

/** The end of the n-th group of a log, or its beginning. */
export function placeAfter(log: InMemoryLog, groups: number): Coordinates {
  let left = groups;
  for (const [index, inFile] of log.groups.entries()) {
    const file = log.segments[index]?.digest.file ?? '';
    if (left <= inFile.length) return { file, position: inFile[left - 1]?.end ?? 4 };
    left -= inFile.length;
  }
  throw new Error(`the log has no ${groups} groups`);
}
