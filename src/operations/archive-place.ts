import { orClosed, type ArchiveEnd } from '../archive/archive-end.ts';
import { currentLineage, type Lineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import { FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import { findContinuation, type Continuation } from './archive-start.ts';
import { beginFirstLineage } from './begin-lineage.ts';
import { beginNextLineage, type OldLineage } from './next-lineage.ts';
import type { Source } from './source-log.ts';
import { noListing } from './waiting-source.ts';

/** Where an archiver goes on: its lineage, the end of what is archived of it, and what to ask the source for. */
export interface ArchivePlace {
  readonly lineage: Lineage;
  readonly end: ArchiveEnd;
  readonly start: Coordinates;
  /** The lineage that was archived until now; null when it still is. */
  readonly left: Lineage | null;
  /** What was lost on the way, in one sentence; null when nothing was. */
  readonly loss: string | null;
}

export interface PlaceOptions {
  readonly repository: Repository;
  /** Reads the end of a lineage's archive, repaired. */
  readEnd(lineage: Lineage): Promise<ArchiveEnd>;
  /** Why the source is known not to have a lineage's history, from its stream; null when it is not known. */
  contradiction(lineage: Lineage): string | null;
  /** The way past what the source cannot read on; null when it can, or when nobody asked for that. */
  pass(end: ArchiveEnd): Promise<Continuation | null>;
  /** Called before another lineage begins; may throw. */
  onLeaving(lineage: Lineage, end: ArchiveEnd): void;
  /** Also archive another server whose log does not continue the archived one. */
  readonly takeUnrelated: boolean;
  readonly signal: AbortSignal;
}

/**
 * Finds where archiving goes on, beginning a lineage where the source's history is not the archived one any more.
 *
 * @throws LastgoodError what `beginNextLineage` and `readEnd` throw
 */
export async function findPlace(source: Source, options: PlaceOptions): Promise<ArchivePlace> {
  const { repository } = options;
  const current = currentLineage(await repository.lineages(), source.primary.name);
  const lineage = current ?? (await beginFirstLineage(repository, source));
  const end = await options.readEnd(lineage);
  return await orClosed(end, async () => {
    const found = await findContinuation(lineage, end, source);
    const known = doubted(found, options.contradiction(lineage));
    const continuation = known.kind === 'same' ? ((await options.pass(end)) ?? known) : known;
    if (continuation.kind === 'same') return { lineage, end, start: continuation.start, left: null, loss: null };
    if (source.assumed) throw noListing(source.primary); // another history is told from all of its files
    return await leave(source, options, { lineage, end, continuation });
  });
}

/** What the source sent outweighs what it says. */
function doubted(found: Continuation, contradiction: string | null): Continuation {
  if (found.kind !== 'same' || contradiction === null) return found;
  return { kind: 'other-history', why: contradiction };
}

async function leave(
  source: Source,
  options: PlaceOptions,
  old: { lineage: Lineage; end: ArchiveEnd; continuation: Exclude<Continuation, { kind: 'same' }> },
): Promise<ArchivePlace> {
  const { lineage: left, end, continuation } = old;
  const { repository, takeUnrelated, signal } = options;
  options.onLeaving(left, end);
  const place = oldEnd(end, { repository, lineage: left, signal });
  await end.open?.close();
  const { lineage, loss } = await beginNextLineage(place, source, { continuation, takeUnrelated });
  const start = { file: lineage.firstFile, position: FIRST_EVENT_OFFSET };
  return { lineage, end: await options.readEnd(lineage), start, left, loss };
}

function oldEnd({ open, sealed }: ArchiveEnd, old: Pick<OldLineage, 'repository' | 'lineage' | 'signal'>): OldLineage {
  if (open !== null) return { ...old, end: { file: open.file, position: open.wholeTo }, gtidEnd: open.gtidEnd };
  if (sealed === null) {
    return { ...old, end: { file: old.lineage.firstFile, position: FIRST_EVENT_OFFSET }, gtidEnd: null };
  }
  const { file, indexedTo, gtidEnd } = sealed.manifest;
  return { ...old, end: { file, position: indexedTo }, gtidEnd };
}
