import type { Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { formatCoordinates } from '../binlog/coordinates.ts';
import type { BackupRecord } from '../archive/backup-record.ts';
import type { Incident } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { attributeBackup } from '../recovery/attribute-backup.ts';
import { chooseStart, type Start, type StartChoice } from '../recovery/candidates.ts';
import type { SkipAnalysis } from '../recovery/consequences/analyse-skips.ts';
import { cutOut, withoutGroups } from '../recovery/cut-out.ts';
import { findWay, type Way } from '../recovery/crossing.ts';
import { refuseLosses } from '../recovery/known-losses.ts';
import { openLineageViews, type LineageView } from '../recovery/lineage-view.ts';
import { withLoss } from '../recovery/lost-tail.ts';
import { findNeighbours } from '../recovery/neighbours.ts';
import { oldestPlace, type StatedPlace } from '../recovery/oldest-place.ts';
import type { Plan, PlanSegment, ResolvedTarget, Target } from '../recovery/plan.ts';
import { findRoute, stretchesOf, type Stretch } from '../recovery/route.ts';
import { begunBefore, checkSkips, describe, skippedIn, skipWarnings, type Skip } from '../recovery/skip.ts';
import { parsePlace } from '../recovery/target.ts';
import { requireEventAt } from './begins-event.ts';
import { examineBackups } from './examine-backups.ts';
import { findCut } from './find-cut.ts';
import { findSkips } from './find-skips.ts';
import type { OpenArchive } from './open-archive.ts';
import { consequencesOf, type AnalysisProgress, type SkippedLog, type SkipSource } from './skip/consequences-of.ts';

/** What of the archive is to be served. */
export interface ServiceAim {
  /** Of the primary whose lineages are meant. */
  readonly name: string;
  readonly target: Target;
  /** Ids of incidents to leave out. */
  readonly skip: readonly string[];
  /** FILE:POS, or LINEAGE/FILE:POS, of a group boundary; null: the oldest place from which the archive leads to the target. */
  readonly from: string | null;
  /** Of looking at what comes of what is left out. */
  readonly progress?: ((progress: AnalysisProgress) => void) | undefined;
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
  /** What leaving them out comes to, as in a plan. */
  readonly skips: Plan['skips'];
  readonly conflicts: Plan['conflicts'];
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
  const backups: BackupRecord[] = [];
  for (const record of (await source.repository.backups()).records)
    backups.push(...(await attributeBackup(all, record)));
  const currentAt = async (): Promise<null> => await Promise.resolve(null);
  const { located, views } = await findCut(
    { ...source, views: all, lost: source.catalog.lost(), backups, name: aim.name, currentAt },
    aim.target,
  );
  const { resolved, view, groupsBefore, last } = located;
  const way = await findWay(views, view, resolved);
  const losses = await source.repository.ledger.entries();
  const from = await findStart({ ...source, views, way, cut: resolved, losses }, aim.from);
  const skips = await findSkips({ ...source, views: all, signal: aim.signal }, { target: aim.target, ids: aim.skip });
  const known = way.legs.flatMap(({ lineage }) => source.catalog.incidents({ lineage }));
  checkSkips(skips, { legs: way.legs, cut: resolved, known });
  const stretches = stretchesFrom(way, from, { ...resolved, groupsBefore });
  const whole = stretches.flatMap((stretch) => findRoute(stretch.leg, stretch.from, stretch.to));
  refuseBefore(from, begunBefore(from, skips, way.legs));
  const groups = skippedIn(skips, stretches);
  const { kept, left } = cutOut(whole, groups);
  refuseLosses(kept, losses);
  const cut = { ...resolved, groupsBefore };
  const choice = { cut, way, skips, losses, rehearsals: [] };
  const found = await lookAt(skips, {
    log: { segments: kept, skippedSegments: left },
    start: async () =>
      newestStart({ ...choice, backups: await examineBackups(backups, { ...source, views, ...choice }) }),
    source: { repository: source.repository, progress: aim.progress, signal: aim.signal },
  });
  const { flavor, serverId } = view.lineage;
  return {
    ...{ flavor, serverId, serverVersion: versionOf(view, resolved), from },
    to: withoutGroups(resolved, groups, last),
    segments: kept,
    skipped: skips.map(({ incident }) => incident),
    ...found,
    warnings: [...located.warnings, ...skipWarnings(skips), ...breakWarning(way, from)],
  };
}

/** Only what is left out needs a backup: it tells how tables are defined. */
async function lookAt(
  skips: readonly Skip[],
  o: { log: SkippedLog['log']; start: () => Promise<Start | null>; source: SkipSource },
): Promise<SkipAnalysis> {
  if (skips.length === 0) return { skips: [], conflicts: [] };
  const start = await o.start();
  const backed = start === null ? null : { ...start, backup: start.backup.record };
  return await consequencesOf({ log: o.log, backed }, skips, o.source);
}

/** null when no backup can be restored from: what is served needs none. */
function newestStart(choice: StartChoice): Start | null {
  try {
    return chooseStart(choice).start;
  } catch (error) {
    if (isLastgoodError(error, 'BACKUP_MISSING') || isLastgoodError(error, 'ARCHIVE_GAP')) return null;
    throw error;
  }
}

interface StartSource {
  readonly repository: Source['repository'];
  readonly views: readonly LineageView[];
  readonly way: Way;
  readonly cut: Coordinates;
  readonly losses: Parameters<typeof oldestPlace>[2];
}

async function findStart(source: StartSource, wanted: string | null): Promise<StatedPlace> {
  const { way, cut, losses } = source;
  if (wanted !== null) return await placeFrom(source, wanted);
  const oldest = oldestPlace(way.legs, cut, losses);
  if (oldest !== null) return oldest;
  throw new LastgoodError('ARCHIVE_GAP', `the archive has no unbroken log before ${formatCoordinates(cut)}`);
}

/** @throws LastgoodError `TARGET_UNREACHABLE` for a place that is not on the way, inside a group or where no event begins */
async function placeFrom({ repository, views, way: { legs } }: StartSource, text: string): Promise<StatedPlace> {
  const { lineage: wanted, file, position } = parsePlace(text);
  const leg = legs.findLast(({ lineage, segments }) =>
    wanted === null ? segments.some(({ digest }) => digest.file === file) : lineage === wanted,
  );
  const view = views.find(({ lineage }) => lineage.id === leg?.lineage);
  if (leg === undefined || view === undefined) throw notOnTheWay(text);
  const { inside, gtidState, ...around } = await findNeighbours(view, { file, position });
  if (inside === null) {
    await requireEventAt(repository, { view, place: { file, position }, around });
    return { lineage: leg.lineage, file, position, gtidState };
  }
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
