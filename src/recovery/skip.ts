import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates, formatCoordinates, parseCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { objectName } from '../incident/object-name.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { PlanLeg } from './crossing.ts';
import type { PlacedGroup } from './neighbours.ts';
import type { Target } from './plan.ts';
import type { Stretch } from './route.ts';

/** A group that a plan leaves out, or a source's note between groups. */
export interface SkippedGroup extends PlacedGroup {
  readonly lineage: string;
  /** False for what stands between groups: it counts for none. */
  readonly isGroup: boolean;
  /** MariaDB: the GTID that its domain has reached before it; null when it has reached none. */
  readonly previous: string | null;
  /** The group before it in the log. */
  readonly before: PlacedGroup | null;
}

/** An incident that is left out, with all that it is made of: a loop's groups, both halves of a prepared transaction or an ALTER. */
export interface Skip {
  readonly incident: Incident;
  /** In the order of the log: a loop's first one may be in a file before the incident's. */
  readonly groups: readonly SkippedGroup[];
}

/** Where the log's way to a target begins and ends in one lineage. */
interface Span {
  readonly from: Coordinates | null;
  readonly to: Coordinates;
  readonly isLast: boolean;
}

/**
 * Refuses to leave out what the way to the cut does not have.
 *
 * @param o.known of the lineages on the way: the same group may be another incident there
 * @throws LastgoodError `TARGET_UNREACHABLE`
 */
export function checkSkips(
  skips: readonly Skip[],
  o: { legs: readonly PlanLeg[]; cut: Coordinates; known: readonly Incident[] },
): void {
  for (const { incident } of skips) {
    const why = whyNotOnTheWay(incident, o);
    if (why === null) continue;
    const { id, lineage, file, start } = incident;
    const same = sameElsewhere(incident, o);
    const hint =
      same === undefined
        ? `What is not replayed needs no --skip: run it again without --skip ${id}.`
        : `The same transaction is incident ${same.id} there: use --skip ${same.id}.`;
    throw new LastgoodError('TARGET_UNREACHABLE', `${describe(incident)} cannot be left out: ${why}`, {
      details: { incident: id, lineage, file, start },
      hint,
    });
  }
}

function whyNotOnTheWay(
  { lineage, file, start }: Incident,
  { legs, cut }: { legs: readonly PlanLeg[]; cut: Coordinates },
): string | null {
  const span = spanOf(legs, lineage ?? '', cut);
  if (span === null) return `lineage ${lineage ?? 'unknown'} is not on the way to the target`;
  const place = { file, position: start };
  if (compareCoordinates(place, span.to) >= 0) {
    return span.isLast
      ? `it is behind the target, ${formatCoordinates(cut)}`
      : 'it reached only the old primary, so no target behind the failover has it';
  }
  const isBefore = span.from !== null && compareCoordinates(place, span.from) < 0;
  return isBefore ? `the way to the target has it in the log of the lineage before` : null;
}

function spanOf(legs: readonly PlanLeg[], lineage: string, cut: Coordinates): Span | null {
  const index = legs.findIndex((leg) => leg.lineage === lineage);
  const leg = legs[index];
  if (leg === undefined) return null;
  const next = legs[index + 1];
  return { from: leg.crossing?.enter ?? null, to: next?.crossing?.leave ?? cut, isLast: next === undefined };
}

function sameElsewhere(
  { id, gtid }: Incident,
  { legs, cut, known }: { legs: readonly PlanLeg[]; cut: Coordinates; known: readonly Incident[] },
): Incident | undefined {
  if (gtid === null) return undefined;
  return known.find((other) => {
    return other.id !== id && other.gtid === gtid && whyNotOnTheWay(other, { legs, cut }) === null;
  });
}

/**
 * The first of the incidents that began before a place: a server that stands there has it, or a part of it. A loop of deletes may
 * have begun in files before the incident's own, and what decides about an incident may come long after it.
 */
export function begunBefore(
  { lineage, ...place }: Coordinates & { readonly lineage: string | null },
  skips: readonly Skip[],
  legs: readonly Pick<PlanLeg, 'lineage'>[],
): Skip | undefined {
  const legOf = (id: string | null): number => legs.findIndex((leg) => leg.lineage === id);
  return skips.find(({ incident, groups: [first = incident] }) => {
    const order = legOf(first.lineage) - legOf(lineage);
    return order < 0 || (order === 0 && compareCoordinates({ file: first.file, position: first.start }, place) < 0);
  });
}

/** Why a backup is no start for a plan that leaves something out: it has it already, or a part of it. null when it has not. */
export function whyHoldsSkipped(
  { primary }: BackupRecord,
  skips: readonly Skip[],
  legs: readonly Pick<PlanLeg, 'lineage'>[],
): string | null {
  const held = begunBefore({ ...parseCoordinates(primary.coordinates), lineage: primary.lineage }, skips, legs);
  if (held === undefined) return null;
  const { incident, groups } = held;
  return `it already holds ${groups.length > 1 ? 'some of what' : 'what'} ${describe(incident)} did, which is to be left out`;
}

/** What of the skips lies in the stretches: what decides about an incident only behind the cut is not replayed anyway. */
export function skippedIn(skips: readonly Skip[], stretches: readonly Stretch[]): SkippedGroup[] {
  const isIn = ({ lineage, file, start, end }: SkippedGroup): boolean =>
    stretches.some(
      ({ leg, from, to }) =>
        leg.lineage === lineage &&
        compareCoordinates({ file, position: start }, from) >= 0 &&
        compareCoordinates({ file, position: end }, to) <= 0,
    );
  const groups = new Map(skips.flatMap((skip) => skip.groups).map((group) => [keyOf(group), group]));
  return [...groups.values()].filter(isIn);
}

/** What to know about a skip that is done. */
export function skipWarnings(skips: readonly Skip[]): string[] {
  return skips.flatMap(({ incident }) => {
    if (incident.kind === 'source-incident')
      return [`what the source lost at ${describe(incident)} is in no log: the restore lacks it`];
    return incident.state === 'unknown'
      ? [`whether ${describe(incident)} took effect is not in the log: it is left out all the same`]
      : [];
  });
}

/** @throws LastgoodError `USAGE` for what the log says did nothing */
export function refuseHarmless(incident: Incident, target: Target): void {
  const { id, state } = incident;
  if (target.kind === 'before-incident' && target.incident === id) {
    throw new LastgoodError('USAGE', `${describe(incident)} is the target itself: a restore ends before it`, {
      hint: `Run it again without --skip ${id}.`,
    });
  }
  if (state !== 'rolled-back' && state !== 'no-op') return;
  const what = state === 'rolled-back' ? 'was rolled back' : 'did nothing, its object did not exist';
  throw new LastgoodError('USAGE', `${describe(incident)} ${what}: there is nothing to leave out`, {
    hint: `Run it again without --skip ${id}.`,
    details: { incident: id, state },
  });
}

/** `incident inc-7f3a90c1 (drop-database shop at 2026-11-22T10:00:01Z)` */
export function describe({ id, kind, objects, time }: Incident): string {
  const names = objects.map(objectName).join(', ');
  return `incident ${id} (${kind}${names === '' ? '' : ` ${names}`} at ${time})`;
}

function keyOf({ lineage, file, start }: SkippedGroup): string {
  return `${lineage}/${file}:${start}`;
}
