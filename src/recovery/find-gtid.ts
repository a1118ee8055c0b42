import type { Gtid } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { SegmentDigest } from '../archive/manifest.ts';
import { LastgoodError } from '../platform/errors.ts';
import { formatGtid, parseGtidState } from '../binlog/gtid-text.ts';
import { lastCheckpoint, type LineageView } from './lineage-view.ts';
import { placeGroup, type PlacedGroup } from './neighbours.ts';
import { isIn, reachesInto, timelinesOf, type Leg } from './timeline.ts';

/**
 * Finds the group with exactly this GTID: domain, server and sequence for MariaDB, uuid, tag and number for MySQL.
 * The GTID states at files' starts and ends say which file can hold it; the file's bytes decide. A group that several lineages
 * have is found where its history has it; one that is in no history, in the newest lineage that has it.
 *
 * @param views newest lineage first
 * @throws LastgoodError `GTID_INVALID` when no lineage is of its flavor, `TARGET_UNREACHABLE` when none has it, naming the nearest
 */
export async function findGtid(
  views: readonly LineageView[],
  gtid: Gtid,
): Promise<{ view: LineageView; group: PlacedGroup }> {
  const alike = views.filter(({ lineage }) => lineage.flavor === gtid.flavor);
  const text = formatGtid(gtid);
  if (alike.length === 0) {
    const [flavor] = views.map(({ lineage }) => lineage.flavor);
    const archived = flavor === undefined ? 'nothing' : `the log of a ${flavor} server`;
    throw new LastgoodError('GTID_INVALID', `${text} is a ${gtid.flavor} GTID, but the archive holds ${archived}`);
  }
  const histories = timelinesOf(alike).flatMap((timeline) => timeline.toReversed());
  const places = [...histories, ...alike.map((view) => ({ view, from: null, to: null }))];
  const found =
    (await search(places, gtid, 'in order')) ??
    (gtid.flavor === 'mariadb' ? await search(places, gtid, 'anywhere') : null);
  if (found !== null) return found;
  throw new LastgoodError('TARGET_UNREACHABLE', `${text} is not in the archive: ${nearest(alike, gtid)}`, {
    details: { gtid: text },
  });
}

/**
 * Reads only the files whose GTID states enclose the GTID, or all of them: without gtid_strict_mode MariaDB lets the numbers
 * of a domain go backwards, and then no state tells.
 */
async function search(
  legs: readonly Leg[],
  gtid: Gtid,
  how: 'in order' | 'anywhere',
): Promise<{ view: LineageView; group: PlacedGroup } | null> {
  for (const leg of legs) {
    const { view } = leg;
    for (const { digest } of view.segments.filter((segment) => reachesInto(leg, segment.digest.file))) {
      if (how === 'in order' && !mayHold(view, digest, gtid)) continue;
      const group = await findInFile(view, digest.file, gtid, how);
      if (group !== null && isIn(leg, group)) return { view, group };
    }
  }
  return null;
}

function mayHold({ lineage }: LineageView, { gtidStart, gtidEnd }: SegmentDigest, gtid: Gtid): boolean {
  if (gtidStart === null || gtidEnd === null) return false;
  const reached = (state: string): boolean => parseGtidState(lineage.flavor, state).contains(gtid);
  return reached(gtidEnd) && !reached(gtidStart);
}

async function findInFile(
  view: LineageView,
  file: string,
  gtid: Gtid,
  how: 'in order' | 'anywhere',
): Promise<PlacedGroup | null> {
  const wanted = formatGtid(gtid);
  const isBefore = ({ gtidState }: { gtidState: string | null }): boolean =>
    gtidState !== null && !parseGtidState(view.lineage.flavor, gtidState).contains(gtid);
  const from = how === 'in order' ? lastCheckpoint(view.checkpoints(file), isBefore) : null;
  let found: PlacedGroup | null = null;
  await view.readGroups(file, from, (group) => {
    if (group.gtid !== null && formatGtid(group.gtid) === wanted) found = placeGroup(file, group);
    return found === null;
  });
  return found;
}

/** What the archive does have of the GTID's domain or uuid: the commonest slip is a wrong digit. */
function nearest(views: readonly LineageView[], gtid: Gtid): string {
  const spans = views.map((view) =>
    gtid.flavor === 'mariadb' ? domainSpan(view, gtid.domain) : uuidSpan(view, gtid.uuid),
  );
  const said = spans.filter((span) => span !== null);
  if (said.length > 0) return said.join('; ');
  return gtid.flavor === 'mariadb' ? `it has no GTIDs of domain ${gtid.domain}` : `it has no GTIDs of ${gtid.uuid}`;
}

function domainSpan({ segments }: LineageView, domain: number): string | null {
  const last = (state: string | null | undefined): string | null => {
    const gtid = state === null || state === undefined ? undefined : GtidPosition.parse(state).last(domain);
    return gtid === undefined ? null : formatGtid(gtid);
  };
  const end = last(segments.at(-1)?.digest.gtidEnd);
  const start = last(segments.at(0)?.digest.gtidStart);
  if (end === null || end === start) return null;
  return `of domain ${domain} it goes ${start === null ? '' : `from after ${start} `}to ${end}`;
}

function uuidSpan({ segments }: LineageView, uuid: string): string | null {
  const ends = segments.map(({ digest }) => digest.gtidEnd).findLast((state) => state !== null);
  if (ends === undefined) return null;
  const start = segments.at(0)?.digest.gtidStart ?? '';
  const archived = GtidSet.parse(ends).subtract(GtidSet.parse(start)).toString().split(',');
  const mine = archived.filter((item) => item.startsWith(uuid));
  return mine.length === 0 ? null : `it has ${mine.join(',')}`;
}
