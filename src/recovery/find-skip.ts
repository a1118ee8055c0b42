import type { ArchivedSegment } from '../archive/repository.ts';
import { compareFiles, FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { GtidPosition, formatMariadbGtid } from '../binlog/mariadb-gtid.ts';
import type { Incident } from '../incident/incident.ts';
import { LoopGroups } from '../incident/loop-groups.ts';
import { LastgoodError } from '../platform/errors.ts';
import { incidentNotThere } from './incident-errors.ts';
import type { LineageView } from './lineage-view.ts';
import { findNeighbours, placeGroup, type PlacedGroup } from './neighbours.ts';
import { readPart } from './read-part.ts';
import { describe, type Skip, type SkippedGroup } from './skip.ts';

/** Where an incident is looked for. */
export interface SkipSource {
  /** Of the incident's lineage. */
  readonly view: LineageView;
  /** Of the same lineage. */
  readonly segments: readonly ArchivedSegment[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds everything that an incident is made of in the archive's bytes: its group, the other half of a prepared transaction or of
 * a two-phase ALTER, and all groups of a loop of deletes, also over files.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` when the archive does not have it there, `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`
 */
export async function findSkip(source: SkipSource, incident: Incident): Promise<Skip> {
  const isLoop = (incident.groups ?? 1) > 1 || incident.loop !== undefined;
  if (isLoop) return { incident, groups: await loopGroups(source, incident) };
  const first = await groupAt(source.view, incident, { file: incident.file, position: incident.start });
  refuseSecondHalf(incident, first);
  const { settledBy } = incident;
  if (settledBy === null) return { incident, groups: [first] };
  const second = await groupAt(source.view, incident, { file: settledBy.file, position: settledBy.start });
  return { incident, groups: second.isGroup ? [first, second] : [first] };
}

/** An incident whose first half nobody knows: the two would be torn. */
function refuseSecondHalf(incident: Incident, { phase }: SkippedGroup): void {
  if (phase === undefined || phase.step === 'begun') return;
  throw new LastgoodError(
    'TARGET_UNREACHABLE',
    `${describe(incident)} cannot be left out: it ends what an earlier group began (${phase.key}), and the catalog does not know that one`,
    { hint: 'Run `lastgood verify` to see what the archive lacks.', details: { incident: incident.id } },
  );
}

async function groupAt(view: LineageView, incident: Incident, place: Coordinates): Promise<SkippedGroup> {
  const { before, after, gtidState } = await findNeighbours(view, place);
  const lineage = view.lineage.id;
  if (after?.file === place.file && after.start === place.position) {
    const previous = previousOf(after.gtid, stateOf(view, gtidState));
    return { ...after, lineage, isGroup: true, previous, before };
  }
  const { kind, start, end, time, gtid } = incident;
  // A source's note about lost events, or a server's start, stands between groups.
  const isBetween = start !== place.position || (kind === 'source-incident' && gtid === null);
  if (isBetween)
    return { lineage, ...{ file: place.file, start, end, gtid: null, time, before }, isGroup: false, previous: null };
  throw incidentNotThere(incident.id, place);
}

/** What the GTID's domain had reached before it; a set of MySQL needs no such thing. */
function previousOf(gtid: string | null, state: GtidState | null): string | null {
  if (gtid === null || !(state instanceof GtidPosition)) return null;
  const [own] = GtidPosition.parse(gtid).gtids();
  const last = own === undefined ? undefined : state.last(own.domain);
  return last === undefined ? null : formatMariadbGtid(last);
}

/** What is being read of a loop's files. */
interface Reading {
  readonly file: string;
  /** Where to begin, at a group's start; null: at the file's. */
  readonly start: { readonly offset: number; readonly gtidState: GtidState | null } | null;
  readonly end: number;
  /** The group before the first one to be read. */
  readonly before: PlacedGroup | null;
}

/** All groups of a loop, file by file; what they have in common goes on from one file to the next. */
async function loopGroups(source: SkipSource, incident: Incident): Promise<SkippedGroup[]> {
  const { file, start, end, lastEnd = end } = incident;
  const whole = { from: { file, position: start }, to: { file, position: lastEnd }, groups: incident.groups ?? 1 };
  const { from, to, groups } = incident.loop ?? whole;
  const readings: Reading[] = [];
  for (const { digest } of source.view.segments) {
    if (compareFiles(digest.file, from.file) < 0 || compareFiles(digest.file, to.file) > 0) continue;
    readings.push(await readingOf(source.view, digest, { from, to }));
  }
  const found = await readLoop(source, readings);
  if (found.length >= groups) return found;
  throw incidentNotThere(incident.id, from);
}

async function readingOf(
  view: LineageView,
  { file, indexedTo }: { file: string; indexedTo: number },
  { from, to }: { from: Coordinates; to: Coordinates },
): Promise<Reading> {
  const isFirst = file === from.file;
  const position = isFirst ? from.position : FIRST_EVENT_OFFSET;
  const { before, gtidState } = await findNeighbours(view, { file, position });
  const start = isFirst ? { offset: position, gtidState: stateOf(view, gtidState) } : null;
  return { file, start, end: file === to.file ? to.position : indexedTo, before };
}

async function readLoop({ view, segments, signal }: SkipSource, readings: readonly Reading[]): Promise<SkippedGroup[]> {
  const groups: SkippedGroup[] = [];
  let at: Reading | undefined;
  const loop = new LoopGroups((group, state, last) => {
    if (at === undefined || group.end > at.end) return;
    const placed = placeGroup(at.file, group);
    const before = last === null ? at.before : placeGroup(at.file, last);
    groups.push({
      ...placed,
      lineage: view.lineage.id,
      isGroup: true,
      previous: previousOf(placed.gtid, state),
      before,
    });
  });
  for (const reading of readings) {
    at = reading;
    const segment = segments.find(({ file }) => file === reading.file);
    if (segment === undefined)
      throw new LastgoodError('ARCHIVE_GAP', `${reading.file} of lineage ${view.lineage.id} is not in the archive`);
    const damage = await readPart({ segment, start: reading.start, to: reading.end, signal }, (format) => {
      loop.enterFile(format);
      return loop;
    });
    if (damage !== null) throw damage;
  }
  return groups;
}

function stateOf({ lineage }: LineageView, text: string | null): GtidState | null {
  return text === null ? null : parseGtidState(lineage.flavor, text);
}
