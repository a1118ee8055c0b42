import {
  compareCoordinates,
  compareFiles,
  fileNumber,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { CountedPlace, PlanLeg } from './crossing.ts';
import type { PlanSegment } from './plan.ts';

/** A stretch of one lineage's log, `[from, to)`, with how many groups of their files lie before each end. */
export interface Stretch {
  readonly leg: PlanLeg;
  readonly from: CountedPlace;
  readonly to: CountedPlace;
}

/**
 * The stretches from a place to the cut, one for each lineage on the way: groups that reached only an old primary are in none of
 * them, those that both logs hold are in one.
 *
 * @param legs verified, oldest first; the cut is in the last
 * @returns null when there is no way from the place: its lineage is none of the legs, or it lies behind a hand-over
 */
export function stretchesOf(
  legs: readonly PlanLeg[],
  from: CountedPlace & { lineage: string },
  cut: CountedPlace,
): Stretch[] | null {
  const first = legs.findIndex(({ lineage }) => lineage === from.lineage);
  const used = first < 0 ? [] : legs.slice(first);
  const stretches = used.map((leg, index) => ({
    leg,
    from: index === 0 ? from : (leg.crossing?.enter ?? from),
    to: used[index + 1]?.crossing?.leave ?? cut,
  }));
  const holds = ({ from: start, to: end }: Stretch): boolean => compareCoordinates(start, end) <= 0;
  return stretches.length > 0 && stretches.every(holds) ? stretches : null;
}

/** How many groups a stretch has: whole files count from their digests, its two ends are corrected. */
export function countGroups({ leg, from, to }: Stretch): number {
  const whole = leg.segments.filter(
    ({ digest: { file } }) => compareFiles(file, from.file) >= 0 && compareFiles(file, to.file) < 0,
  );
  return whole.reduce((sum, { digest }) => sum + digest.groups, 0) + to.groupsBefore - from.groupsBefore;
}

/**
 * The archived ranges of one lineage from one place to another: joined end to end they are exactly `[from, to)`. Pure.
 *
 * @throws LastgoodError `ARCHIVE_GAP` naming the first thing missing
 */
export function findRoute(
  { lineage, segments }: Pick<PlanLeg, 'lineage' | 'segments'>,
  from: Coordinates,
  to: Coordinates,
): PlanSegment[] {
  const files = segments.filter(
    ({ digest: { file } }) => compareFiles(file, from.file) >= 0 && compareFiles(file, to.file) <= 0,
  );
  checkFiles(files, from, to);
  return files
    .map(({ digest }) => {
      const start = digest.file === from.file ? from.position : FIRST_EVENT_OFFSET;
      const end = digest.file === to.file ? to.position : digest.indexedTo;
      return { lineage, file: digest.file, from: start, to: end, bytes: end - start };
    })
    .filter(({ bytes }) => bytes > 0);
}

/** Everything the files from one place to the other must be: there, consecutive, sealed before the last, long enough. */
function checkFiles(files: readonly CatalogSegment[], from: Coordinates, to: Coordinates): void {
  const holes = holesIn(files, from, to);
  const unsealed = files.slice(0, -1).findIndex(({ state }) => state === 'open');
  const [first] = holes;
  const open = files[unsealed];
  const next = files[unsealed + 1]?.digest.file;
  // What comes first on the way is told first.
  const isOpenFirst = open !== undefined && (first === undefined || compareFiles(open.digest.file, first.missing) < 0);
  if (isOpenFirst && next !== undefined) throw unfinished(open, next);
  if (first !== undefined) throw missingFiles(first, { others: holes.slice(1), from, to });
  for (const place of [from, to]) checkReach(files, place);
}

/** Files that are not there: the first one of a row, and the archived file behind the row; null when there is none. */
interface Hole {
  readonly missing: string;
  readonly next: string | null;
}

function holesIn(files: readonly CatalogSegment[], from: Coordinates, to: Coordinates): Hole[] {
  const holes: Hole[] = [];
  let expected = from.file;
  for (const { digest } of files) {
    if (fileNumber(digest.file) !== fileNumber(expected)) holes.push({ missing: expected, next: digest.file });
    expected = nextFile(digest.file);
  }
  if (files.at(-1)?.digest.file !== to.file) holes.push({ missing: expected, next: null });
  return holes;
}

function checkReach(files: readonly CatalogSegment[], place: Coordinates): void {
  const indexedTo = files.find(({ digest }) => digest.file === place.file)?.digest.indexedTo ?? 0;
  if (place.position <= indexedTo) return;
  throw new LastgoodError('ARCHIVE_GAP', `${place.file} is archived up to ${indexedTo}, not up to ${place.position}`, {
    details: { file: place.file, position: place.position, archivedTo: indexedTo },
    hint: 'Run `lastgood archive --until-current`, then try again.',
  });
}

const SHOWN_HOLES = 5;

function missingFiles(
  { missing, next }: Hole,
  { others, from, to }: { others: readonly Hole[]; from: Coordinates; to: Coordinates },
): LastgoodError {
  const until = next === null ? '' : `, the next archived file is ${next}`;
  const path = `from ${formatCoordinates(from)} to ${formatCoordinates(to)}`;
  const shown = others
    .slice(0, SHOWN_HOLES)
    .map((hole) => (hole.next === null ? hole.missing : `${hole.missing} (next: ${hole.next})`));
  const more = others.length > SHOWN_HOLES ? ` and ${others.length - SHOWN_HOLES} more gaps` : '';
  const also = shown.length === 0 ? '' : `; also missing: ${shown.join(', ')}${more}`;
  return new LastgoodError('ARCHIVE_GAP', `${missing} is missing on the way ${path}${until}${also}`, {
    details: { missing, next, gaps: others.length + 1, from: formatCoordinates(from), to: formatCoordinates(to) },
  });
}

function unfinished(segment: CatalogSegment, next: string): LastgoodError {
  const { file, indexedTo } = segment.digest;
  return new LastgoodError('ARCHIVE_GAP', `${file} ends unfinished at ${indexedTo}, but ${next} follows it`, {
    details: { missing: file, position: indexedTo, next },
  });
}

/** True when the place lies inside what is archived of its file. */
export function isCovered(segments: readonly CatalogSegment[], place: Coordinates): boolean {
  return segments.some(({ digest }) => {
    const { file, indexedTo } = digest;
    return file === place.file && compareCoordinates(place, { file, position: indexedTo }) <= 0;
  });
}
