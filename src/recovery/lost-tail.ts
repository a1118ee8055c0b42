import type { UnreadableRecord } from '../archive/stored-records.ts';
import { compareCoordinates, compareFiles } from '../binlog/coordinates.ts';
import type { LostSegment } from '../catalog/lost-segments.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { LineageView } from './lineage-view.ts';
import type { Located } from './locate.ts';
import type { Target } from './plan.ts';

/** True for a target that means "up to the end", and came to it. One that is found by identity needs nothing from behind it. */
export function meansTheEnd({ kind }: Target, { resolved, view }: Located): boolean {
  const end = view.segments.at(-1)?.digest;
  const isOpen = kind === 'latest' || kind === 'at';
  return isOpen && end !== undefined && resolved.file === end.file && resolved.position === end.indexedTo;
}

/**
 * Refuses an end behind which bytes that were archived are gone: what the target means may lie in them.
 *
 * @param o.lost what the catalog knows to have been durable
 * @param o.damaged manifests of the cut's lineage that cannot be used: what their files hold, nobody knows
 * @throws LastgoodError `ARCHIVE_DAMAGED` naming the first thing lost, `REPOSITORY_UNREADABLE` for a damaged manifest
 */
export function refuseLostTail(
  { resolved }: Located,
  {
    views,
    lost,
    damaged,
  }: { views: readonly LineageView[]; lost: readonly LostSegment[]; damaged: readonly UnreadableRecord[] },
): void {
  const isBehind = ({ lineage, file, indexedTo }: LostSegment): boolean =>
    lineage === resolved.lineage
      ? compareCoordinates({ file, position: indexedTo }, resolved) > 0
      : !views.some((other) => other.lineage.id === lineage);
  const tail = lost.find(isBehind);
  const unknown = damaged.find(({ id }) => compareFiles(id, resolved.file) > 0);
  if (tail === undefined && unknown !== undefined) throw unknown.error;
  if (tail === undefined) return;
  const { file, position } = resolved;
  throw new LastgoodError('ARCHIVE_DAMAGED', `${lostInWords(tail, views)}: what the target means may lie there`, {
    details: { lineage: tail.lineage, file: tail.file, archivedTo: tail.indexedTo },
    hint: `Run \`lastgood verify\`, then \`lastgood archive\`: it asks the source for the lost bytes again. What is left can be had with \`--before-coordinates ${resolved.lineage}/${file}:${position}\`.`,
  });
}

/** One sentence about a loss: from where on a file's bytes are gone. */
export function lostInWords({ lineage, file, indexedTo }: LostSegment, views: readonly LineageView[]): string {
  const segments = views.find((view) => view.lineage.id === lineage)?.segments ?? [];
  const left = segments.find(({ digest }) => compareFiles(digest.file, file) === 0)?.digest.indexedTo;
  const now = left === undefined ? 'is gone' : `can be read only up to ${left} now`;
  return `${file} of lineage ${lineage} was archived up to ${indexedTo}, and ${now}`;
}

/** What was looked for may have been in what is lost: then that is said with it. */
export function withLoss(
  error: unknown,
  { views, lost }: { views: readonly LineageView[]; lost: readonly LostSegment[] },
): unknown {
  const [first] = lost;
  if (first === undefined || !isLastgoodError(error) || !MAY_BE_LOST.has(error.code)) return error;
  const { code, message, details } = error;
  const hint = `Archived bytes are lost: ${lostInWords(first, views)}. Run \`lastgood verify\`.`;
  return new LastgoodError(code, message, { details, hint, cause: error });
}

const MAY_BE_LOST: ReadonlySet<string> = new Set([
  'TARGET_UNREACHABLE',
  'INCIDENT_UNKNOWN',
  'BACKUP_MISSING',
  'ARCHIVE_GAP',
]);
