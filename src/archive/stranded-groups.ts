/**
 * Which groups of an old primary a hand-over left behind. Enters: the group boundaries of both logs, and the common place. Leaves:
 * the groups that the new log lacks. Pure; must not know servers or disks.
 */
import type { Coordinates } from '../binlog/coordinates.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { Gtid } from '../binlog/gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { Boundary, CommonPlace, LogFile } from './hand-over.ts';

/** Writes that reached only the old primary. */
export interface StrandedGroups {
  readonly groups: number;
  readonly firstGtid: string | null;
  readonly lastGtid: string | null;
  /** Where the last one ends; the place where there is none. */
  readonly end: Coordinates;
  /** True when the other log has groups behind the place that are not the archived ones: it has gone its own way. */
  readonly hasDiverged: boolean;
}

/**
 * What the archived log has behind the common place and the other one has not. A replica may have committed in another order than
 * its primary: then some of the groups behind the place stand in its log too.
 *
 * @param child files of the other log, oldest first; null when equal GTIDs are no sign of equal groups there, as on a server that
 * lost the end of its log and numbers on from there
 */
export async function strandedGroups(
  parent: readonly LogFile[],
  child: readonly LogFile[] | null,
  place: CommonPlace,
): Promise<StrandedGroups> {
  const { hasDiverged } = place;
  const all = await groupsBehind(parent, place.parent, new ExactGtids());
  if (all.groups === 0 || !hasDiverged || child === null) return { ...all, hasDiverged };
  const there = new ExactGtids();
  let groups = 0;
  await eachBehind(child, place.child, ({ next, isLast }) => {
    if (!isLast) groups += 1;
    if (next !== null) there.add(next);
  });
  const lost = await groupsBehind(parent, place.parent, there);
  return { ...lost, hasDiverged: groups > all.groups - lost.groups };
}

async function groupsBehind(
  files: readonly LogFile[],
  place: Coordinates,
  except: ExactGtids,
): Promise<Omit<StrandedGroups, 'hasDiverged'>> {
  const found = { groups: 0, firstGtid: null as string | null, lastGtid: null as string | null, end: place };
  let isAfterLost = false;
  await eachBehind(files, place, ({ file, position, next, isLast }) => {
    if (isAfterLost) found.end = { file, position };
    isAfterLost = !isLast && (next === null || !except.has(next));
    if (!isAfterLost) return;
    found.groups += 1;
    found.firstGtid ??= next === null ? null : formatGtid(next);
    found.lastGtid = next === null ? found.lastGtid : formatGtid(next);
  });
  return found;
}

/** Visits the boundaries from a place on. */
async function eachBehind(
  files: readonly LogFile[],
  place: Coordinates,
  visit: (boundary: Boundary & { file: string }) => void,
): Promise<void> {
  const from = files.findIndex(({ file }) => file === place.file);
  for (const log of files.slice(Math.max(0, from))) {
    const { file } = log;
    await log.boundaries((boundary) => {
      if (file !== place.file || boundary.position >= place.position) visit({ ...boundary, file });
    });
  }
}

/** GTIDs to the letter, kept as ranges of numbers: on MariaDB those of one domain and server. */
class ExactGtids {
  readonly #ranges = new GtidSet();

  add(gtid: Gtid): void {
    this.#ranges.add(numbered(gtid));
  }

  has(gtid: Gtid): boolean {
    return this.#ranges.contains(numbered(gtid));
  }
}

function numbered(gtid: Gtid): Gtid {
  if (gtid.flavor === 'mysql') return gtid;
  const { domain, server, sequence } = gtid;
  return { flavor: 'mysql', uuid: `${domain}-${server}`, tag: '', number: sequence };
}
