import type { Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { Incident } from '../incident/incident.ts';
import { LastgoodError } from '../platform/errors.ts';
import { cutOut, withoutGroups } from '../recovery/cut-out.ts';
import { findWay, type Way } from '../recovery/crossing.ts';
import { refuseLosses } from '../recovery/known-losses.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import { locate, type Located } from '../recovery/locate.ts';
import { refuseLostTail, withLoss } from '../recovery/lost-tail.ts';
import { findNeighbours } from '../recovery/neighbours.ts';
import { oldestPlace, type StatedPlace } from '../recovery/oldest-place.ts';
import type { PlanSegment, ResolvedTarget, Target } from '../recovery/plan.ts';
import { findRoute, stretchesOf, type Stretch } from '../recovery/route.ts';
import { begunBefore, checkSkips, describe, skippedIn, skipWarnings, type Skip } from '../recovery/skip.ts';
import { parsePlace } from '../recovery/target.ts';
import { findSkips } from './find-skips.ts';
import { groupWords } from './group-words.ts';
import type { OpenArchive } from './open-archive.ts';
import { ofPrimary } from './plan.ts';

/** What of the archive is to be served. */
export interface ServiceAim {
  /** Of the primary whose lineages are meant. */
  readonly name: string;
  readonly target: Target;
  /** Ids of incidents to leave out. */
  readonly skip: readonly string[];
  /** FILE:POS, or LINEAGE/FILE:POS, of a group boundary; null: the oldest place from which the archive leads to the target. */
  readonly from: string | null;
  readonly signal: AbortSignal;
}

/** What will be served: pure data. */
export interface Service {
  readonly flavor: Flavor;
  readonly serverVersion: string;
  readonly serverId: number;
  readonly from: StatedPlace;
  readonly to: ResolvedTarget;
  /** In their order; between two of one file something is left out. */
  readonly segments: readonly PlanSegment[];
  readonly skipped: readonly Incident[];
  readonly warnings: readonly string[];
}

type Source = Pick<OpenArchive, 'repository' | 'catalog'>;

/**
 * Finds what lies between two places of the archive, without what is skipped. Needs no backup.
 *
 * @throws LastgoodError as `makePlan` does, but for `BACKUP_MISSING`
 */
export async function planService(source: Source, aim: ServiceAim): Promise<Service> {
  const { repository, catalog } = source;
  const views = await openLineageViews({ repository, catalog, signal: aim.signal });
  try {
    return await planIn(source, views, aim);
  } catch (error) {
    throw withLoss(error, { views, lost: catalog.lost() });
  }
}

async function planIn(source: Source, all: readonly LineageView[], aim: ServiceAim): Promise<Service> {
  const views = aim.target.kind === 'before-incident' ? all : ofPrimary(all, aim.name);
  const located = await findCut(source, views, aim);
  refuseLostTail(aim.target, located, { views: all, lost: source.catalog.lost() });
  const { resolved, view, groupsBefore, last } = located;
  const way = await findWay(views, view, resolved);
  const losses = await source.repository.ledger.entries();
  const from = await findStart({ views, way, cut: resolved, losses }, aim.from);
  const skips = await findSkips({ ...source, views: all, signal: aim.signal }, { target: aim.target, ids: aim.skip });
  const known = way.legs.flatMap(({ lineage }) => source.catalog.incidents({ lineage }));
  checkSkips(skips, { legs: way.legs, cut: resolved, known });
  const stretches = stretchesFrom(way, from, { ...resolved, groupsBefore });
  const whole = stretches.flatMap((stretch) => findRoute(stretch.leg, stretch.from, stretch.to));
  refuseBefore(from, begunBefore(from, skips, way.legs));
  const groups = skippedIn(skips, stretches);
  const { kept } = cutOut(whole, groups);
  refuseLosses(kept, losses);
  const { flavor, serverId } = view.lineage;
  return {
    ...{ flavor, serverId, serverVersion: versionOf(view, resolved), from },
    to: withoutGroups(resolved, groups, last),
    segments: kept,
    skipped: skips.map(({ incident }) => incident),
    warnings: [...located.warnings, ...skipWarnings(skips, way.legs), ...breakWarning(way, from)],
  };
}

async function findCut(
  { repository, catalog }: Source,
  views: readonly LineageView[],
  { target }: ServiceAim,
): Promise<Located> {
  return await locate(
    {
      views,
      backups: await repository.backups(),
      incident: (id) => catalog.incident(id),
      describe: async (lineage, group) => await groupWords(repository, lineage, group),
      currentAt: () => Promise.resolve(null),
    },
    target,
  );
}

interface StartSource {
  readonly views: readonly LineageView[];
  readonly way: Way;
  readonly cut: Coordinates;
  readonly losses: Parameters<typeof oldestPlace>[2];
}

async function findStart({ views, way, cut, losses }: StartSource, wanted: string | null): Promise<StatedPlace> {
  if (wanted !== null) return await placeFrom(views, way, wanted);
  const oldest = oldestPlace(way.legs, cut, losses);
  if (oldest !== null) return oldest;
  throw new LastgoodError('ARCHIVE_GAP', `the archive has no unbroken log before ${formatCoordinates(cut)}`);
}

/** @throws LastgoodError `TARGET_UNREACHABLE` for a place that is not on the way or no group boundary */
async function placeFrom(views: readonly LineageView[], { legs }: Way, text: string): Promise<StatedPlace> {
  const { lineage: wanted, file, position } = parsePlace(text);
  const leg = legs.findLast(({ lineage, segments }) =>
    wanted === null ? segments.some(({ digest }) => digest.file === file) : lineage === wanted,
  );
  const view = views.find(({ lineage }) => lineage.id === leg?.lineage);
  if (leg === undefined || view === undefined) throw notOnTheWay(text);
  const { inside, gtidState } = await findNeighbours(view, { file, position });
  if (inside === null) return { lineage: leg.lineage, file, position, gtidState };
  const { start, end } = inside;
  throw new LastgoodError(
    'TARGET_UNREACHABLE',
    `--from ${text} is inside the transaction group from ${start} to ${end}`,
    {
      details: { file, position, start, end },
      hint: `Use --from ${file}:${start} to have it served, or --from ${file}:${end} not to.`,
    },
  );
}

function notOnTheWay(place: string): LastgoodError {
  return new LastgoodError('TARGET_UNREACHABLE', `--from ${place} is not on the way to the target`, {
    hint: 'Run `lastgood segments` to see what is archived; without --from everything unbroken before the target is served.',
  });
}

function stretchesFrom(way: Way, from: StatedPlace, cut: ResolvedTarget & { groupsBefore: number }): Stretch[] {
  const stretches = stretchesOf(way.legs, { ...from, groupsBefore: 0 }, cut);
  if (stretches !== null) return stretches;
  throw notOnTheWay(`${from.lineage}/${formatCoordinates(from)}`);
}

/** A replica that begins behind an incident, or in the middle of it, has it already, or half of it. */
function refuseBefore(from: StatedPlace, before: Skip | undefined): void {
  if (before === undefined) return;
  const { incident } = before;
  throw new LastgoodError(
    'TARGET_UNREACHABLE',
    `${describe(incident)} cannot be left out: it began before ${formatCoordinates(from)}, where the served log begins`,
    {
      details: { incident: incident.id, from: formatCoordinates(from) },
      hint: `Begin before it with --from, or run it again without --skip ${incident.id}.`,
    },
  );
}

function versionOf({ segments }: LineageView, { file }: Coordinates): string {
  return segments.find(({ digest }) => digest.file === file)?.digest.serverVersion ?? '';
}

/** The start of what is served is only as old as the archive is unbroken. */
function breakWarning({ broken }: Way, { lineage }: StatedPlace): string[] {
  return broken?.lineage === lineage ? [`nothing of lineage ${broken.parent} is served: ${broken.why}`] : [];
}
