import { openSegment } from '../archive/read-segment.ts';
import type { Repository } from '../archive/repository.ts';
import { FIRST_EVENT_OFFSET, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { hasEventAt } from '../binlog/event-at.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { LineageView } from '../recovery/lineage-view.ts';
import type { Neighbours } from '../recovery/neighbours.ts';

/** A place outside of every group, and what it is in. */
interface PlaceAround {
  readonly view: LineageView;
  readonly place: Coordinates;
  readonly around: Pick<Neighbours, 'before' | 'after'>;
}

/**
 * Between groups there are other events, the first of a file among them: who begins to read in the middle of one reads nonsense.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` with the nearest places where something begins
 */
export async function requireEventAt(repository: Repository, { view, place, around }: PlaceAround): Promise<void> {
  if (isKnownBoundary(view, place, around)) return;
  const { file, position } = place;
  const segment = (await repository.segments(view.lineage.id)).find((one) => one.file === file);
  if (segment === undefined) return; // reading it will say so
  await using source = await openSegment(segment, position);
  if (await hasEventAt(source, position)) return;
  throw notAnEvent(place, around);
}

function isKnownBoundary(
  { segments }: LineageView,
  { file, position }: Coordinates,
  { before, after }: PlaceAround['around'],
): boolean {
  const archivedTo = segments.find(({ digest }) => digest.file === file)?.digest.indexedTo;
  const borders = [before?.file === file ? before.end : null, after?.file === file ? after.start : null];
  return [FIRST_EVENT_OFFSET, archivedTo, ...borders].includes(position);
}

function notAnEvent(place: Coordinates, { before, after }: PlaceAround['around']): LastgoodError {
  const { file, position } = place;
  const next =
    after !== null
      ? `--from ${after.file}:${after.start}, where the next transaction begins, or `
      : before?.file === file
        ? `--from ${file}:${before.end}, where the last transaction ends, or `
        : '';
  return new LastgoodError('TARGET_UNREACHABLE', `no event begins at --from ${formatCoordinates(place)}`, {
    details: { file, position },
    hint: `Use ${next}--from ${file}:${FIRST_EVENT_OFFSET}, the beginning of the file.`,
  });
}
