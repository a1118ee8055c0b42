import type { BackupRecord } from '../archive/backup-record.ts';
import { formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { incidentId, type Incident } from '../incident/incident.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { findGtid } from './find-gtid.ts';
import { parseGtid } from '../binlog/gtid-text.ts';
import { incidentNotThere, incidentUnknown } from './incident-errors.ts';
import type { LineageView } from './lineage-view.ts';
import { locateTime } from './locate-time.ts';
import { findNeighbours, type Neighbours, type PlacedGroup } from './neighbours.ts';
import type { ResolvedTarget, Target } from './plan.ts';
import { settlePlace } from './settle-place.ts';
import { parsePlace } from './target.ts';
import { parentOf, timelinesOf, tipOf } from './timeline.ts';

/** Where a target may be looked for. */
export interface LocateSource {
  /** Newest lineage first. */
  readonly views: readonly LineageView[];
  readonly backups: readonly BackupRecord[];
  readonly incident: (id: string) => Incident | null;
  /**
   * Seconds since 1970 at which a lineage's archive was seen to have everything its source had; null when that is not
   * known. Asked only for a time after the archive's end.
   */
  readonly currentAt: (view: LineageView) => Promise<number | null>;
  /** What a group did, in a few words; null when that cannot be told. Without it plans name groups by GTID and place only. */
  readonly describe?: (lineage: string, group: PlacedGroup) => Promise<string | null>;
}

/** A place that a target names, before it is checked against the bytes. */
export interface Place extends Coordinates {
  readonly view: LineageView;
  readonly warnings: readonly string[];
}

/** A target found in the archive. */
export interface Located {
  readonly resolved: ResolvedTarget;
  readonly view: LineageView;
  /** How many groups of the cut's file lie before the cut. */
  readonly groupsBefore: number;
  /** The last group before the cut; null when the archive has none. */
  readonly last: PlacedGroup | null;
  readonly warnings: readonly string[];
}

/**
 * Finds the group boundary that a target means and reads what is on both sides of it.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` with what is nearest, `INCIDENT_UNKNOWN`, `GTID_INVALID` for the other flavor,
 *   `ARCHIVE_GAP` or `ARCHIVE_DAMAGED` when the place cannot be read
 */
export async function locate(source: LocateSource, target: Target): Promise<Located> {
  const named = await findPlace(source, target);
  const around = await findNeighbours(named.view, named);
  if (around.inside !== null) throw notABoundary(named, around.inside);
  if (target.kind === 'before-incident') confirmIncident(named, source.incident(target.incident), around.after);
  const { place, neighbours } = await settlePlace(source.views, { place: named, neighbours: around }, target.kind);
  const before = neighbours.before ?? (await lastBeforeHandOver(source.views, place));
  const cut = canonicalCut(place, neighbours);
  const resolved = {
    lineage: place.view.lineage.id,
    file: cut.file,
    position: cut.position,
    gtid: before?.gtid ?? null,
    time: before?.time ?? null,
    between: await inWords(source, place.view, { before, after: neighbours.after }),
    gtidState: neighbours.gtidState,
  };
  return { resolved, view: place.view, groupsBefore: cut.groupsBefore, last: before, warnings: place.warnings };
}

/** A new primary's archived files may begin with its very first write: the group before that stands in the old one's log. */
async function lastBeforeHandOver(views: readonly LineageView[], { view }: Place): Promise<PlacedGroup | null> {
  const { handOver } = view.lineage;
  const parent = parentOf(views, view);
  if (handOver === null || parent === null) return null;
  try {
    return (await findNeighbours(parent, handOver.parent)).before;
  } catch (error) {
    if (isLastgoodError(error, 'TARGET_UNREACHABLE') || isLastgoodError(error, 'ARCHIVE_DAMAGED')) return null;
    throw error;
  }
}

/**
 * Between two groups there may be other events and even a file's end: many places, one cut. It is put at the start of
 * the first group left out, or at the archive's end, so that a backup taken anywhere between the two counts as before it.
 */
function canonicalCut(place: Place, { after, groupsBefore }: Neighbours): Coordinates & { groupsBefore: number } {
  const cut = after === null ? endOf(place.view) : { file: after.file, position: after.start };
  return { ...cut, groupsBefore: cut.file === place.file ? groupsBefore : 0 };
}

/** Where a lineage's archive ends. @throws LastgoodError `TARGET_UNREACHABLE` when nothing is archived */
function endOf({ segments }: LineageView): Coordinates {
  const last = segments.at(-1)?.digest;
  if (last !== undefined) return { file: last.file, position: last.indexedTo };
  throw emptyArchive();
}

async function findPlace(source: LocateSource, target: Target): Promise<Place> {
  switch (target.kind) {
    case 'before-incident':
      return placeIncident(source, target.incident);
    case 'before-gtid':
    case 'after-gtid': {
      const { view, group } = await findGtid(source.views, parseGtid(target.gtid));
      const position = target.kind === 'before-gtid' ? group.start : group.end;
      return { view, file: group.file, position, warnings: [] };
    }
    case 'before-coordinates':
      return placeCoordinates(source, target);
    case 'at':
      return locateTime(source, target.time);
    case 'latest':
      return placeEnd(source);
  }
}

function placeIncident({ incident, views }: LocateSource, id: string): Place {
  const found = incident(id);
  if (found === null) throw incidentUnknown(id);
  const view = views.find(({ lineage }) => lineage.id === found.lineage);
  if (view === undefined) {
    throw new LastgoodError(
      'TARGET_UNREACHABLE',
      `lineage ${found.lineage ?? 'unknown'} of incident ${id} is not in the archive`,
    );
  }
  const warnings = HARMLESS[found.state] === undefined ? [] : [`incident ${id} ${HARMLESS[found.state]}`];
  return { view, file: found.file, position: found.start, warnings };
}

const HARMLESS: Partial<Record<Incident['state'], string>> = {
  'rolled-back': 'was rolled back: by itself it destroyed nothing',
  'no-op': 'did nothing: its object did not exist',
  pending: 'has not taken effect yet: whether it does is decided later in the log',
};

/** The catalog only pointed here; the archive's own bytes must have a group that starts there. */
function confirmIncident(place: Place, incident: Incident | null, after: PlacedGroup | null): void {
  if (after?.file === place.file && after.start === place.position) return;
  // A source's note about lost events may stand between groups.
  if (incident === null || (incident.kind === 'source-incident' && incident.gtid === null)) return;
  throw incidentNotThere(incident.id, place);
}

function placeCoordinates({ views }: LocateSource, target: Target & { kind: 'before-coordinates' }): Place {
  const { lineage: wanted, ...coordinates } = parsePlace(target.coordinates);
  const named = wanted === null ? views : views.filter(({ lineage }) => lineage.id === wanted);
  if (wanted !== null && named.length === 0) throw unknownLineage(views, wanted);
  const [view, ...older] = named.filter(({ segments }) =>
    segments.some(({ digest }) => digest.file === coordinates.file),
  );
  if (view === undefined) {
    throw new LastgoodError('TARGET_UNREACHABLE', `${coordinates.file} is not in the archive: ${archivedFiles(named)}`);
  }
  const warnings = older.map(({ lineage }) => {
    return `lineage ${lineage.id} has a file ${coordinates.file} too; the newer lineage ${view.lineage.id} is meant`;
  });
  return { view, ...coordinates, warnings };
}

function unknownLineage(views: readonly LineageView[], wanted: string): LastgoodError {
  const known = views.map(({ lineage }) => lineage.id).join(', ');
  return new LastgoodError('TARGET_UNREACHABLE', `lineage ${wanted} is not in the archive: it has ${known || 'none'}`, {
    hint: 'Run `lastgood lineages` to see which histories are archived.',
  });
}

function archivedFiles(views: readonly LineageView[]): string {
  const spans = views.flatMap(({ segments }) => {
    const [first] = segments;
    const last = segments.at(-1);
    return first === undefined || last === undefined ? [] : [`${first.digest.file} to ${last.digest.file}`];
  });
  return spans.length === 0 ? 'it is empty' : `it has ${spans.join(', ')}`;
}

function placeEnd({ views }: LocateSource): Place {
  const view = timelinesOf(views)
    .map(tipOf)
    .find(({ segments }) => segments.length > 0);
  if (view === undefined) throw emptyArchive();
  return { view, ...endOf(view), warnings: [] };
}

function emptyArchive(): LastgoodError {
  return new LastgoodError('TARGET_UNREACHABLE', 'the archive is empty', { hint: 'Run `lastgood archive` first.' });
}

function notABoundary(place: Coordinates, inside: PlacedGroup): LastgoodError {
  const where = formatCoordinates(place);
  const { file, start, end, gtid } = inside;
  return new LastgoodError(
    'TARGET_UNREACHABLE',
    `${where} is inside the transaction group ${gtid ?? `of ${inside.time}`}, which goes from ${start} to ${end}`,
    {
      details: { file, position: place.position, start, end, gtid },
      hint: `A transaction cannot be cut in two: use ${file}:${start} to leave it out or ${file}:${end} to keep it.`,
    },
  );
}

/** What is the last thing kept and the first left out. */
async function inWords(
  source: LocateSource,
  view: LineageView,
  { before, after }: Pick<Neighbours, 'before' | 'after'>,
): Promise<string> {
  const name = async (group: PlacedGroup): Promise<string[]> => {
    const incident = source.incident(incidentId({ lineage: view.lineage.id, file: group.file, start: group.start }));
    const does = incident === null ? await source.describe?.(view.lineage.id, group) : shorten(incident.statement);
    return [`${group.gtid ?? `${group.file}:${group.start}`} (${group.time})`, does ?? ''].filter(
      (part) => part !== '',
    );
  };
  if (before !== null && after !== null) {
    const first = await name(before);
    return `between ${first.join(', ')}${first.length > 1 ? ',' : ''} and ${(await name(after)).join(', ')}`;
  }
  if (before !== null) return `after ${(await name(before)).join(', ')}, the last group archived`;
  if (after !== null) return `before ${(await name(after)).join(', ')}, the first group archived`;
  return 'the archive holds no transaction yet';
}

const SHOWN_STATEMENT_CHARACTERS = 60;

function shorten(statement: string): string {
  const line = statement.replaceAll(/\s+/g, ' ').trim();
  return line.length <= SHOWN_STATEMENT_CHARACTERS ? line : `${line.slice(0, SHOWN_STATEMENT_CHARACTERS - 1)}…`;
}
