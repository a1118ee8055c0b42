import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates, parseCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { findTime } from './find-time.ts';
import type { LineageView } from './lineage-view.ts';
import type { LocateSource, Place } from './locate.ts';
import { parseTime } from './target.ts';

/**
 * Finds the cut for a time: just before the first group that is later. Groups before a backup that was finished by
 * then are earlier whatever time they carry, so one forged time in the past cannot move the cut.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` when the time is before the archive's first group, or after its end and
 *   nobody saw that the source had nothing more
 */
export async function locateTime(source: LocateSource, text: string): Promise<Place> {
  const time = parseTime(text);
  const view = source.views.find((candidate) => beginsBy(candidate, source.backups, time));
  if (view === undefined) throw tooEarly(source.views, text);
  const from = newestPlaceBy(view, source.backups, time);
  const { cut, stragglers } = await findTime(view, { time, from });
  if (cut !== null) return { view, ...cut, warnings: stragglers === 0 ? [] : [stragglerWarning(stragglers, text)] };
  return await placeArchiveEnd(source, view, { time, text });
}

function beginsBy(view: LineageView, backups: readonly BackupRecord[], time: number): boolean {
  const first = view.segments.map(({ digest }) => digest.first).find((mark) => mark !== null);
  const began = first === undefined ? Infinity : Date.parse(first.time) / 1000;
  return began <= time || newestPlaceBy(view, backups, time) !== null;
}

/** Where the newest backup stands that was finished by `time`. */
function newestPlaceBy(view: LineageView, backups: readonly BackupRecord[], time: number): Coordinates | null {
  const places = backups
    .filter(({ primary, finishedAt }) => primary.lineage === view.lineage.id && Date.parse(finishedAt) / 1000 <= time)
    .map(({ primary }) => parseCoordinates(primary.coordinates))
    .sort(compareCoordinates);
  return places.at(-1) ?? null;
}

async function placeArchiveEnd(
  source: LocateSource,
  view: LineageView,
  { time, text }: { time: number; text: string },
): Promise<Place> {
  const segment = view.segments.at(-1);
  const last = view.segments.map(({ digest }) => digest.last).findLast((mark) => mark !== null);
  if (segment === undefined) throw tooEarly(source.views, text);
  const place = { view, file: segment.digest.file, position: segment.digest.indexedTo };
  const currentAt = await source.currentAt(view);
  if (currentAt !== null && time <= currentAt) return { ...place, warnings: [] };
  if (last !== undefined && time < Date.parse(last.time) / 1000 + 1) {
    const warning = `the archive ends in the second of ${text}: later groups of the same second may not be archived yet`;
    return { ...place, warnings: [warning] };
  }
  const end = last === undefined ? 'holds no transaction yet' : `ends at ${last.time}`;
  throw new LastgoodError('TARGET_UNREACHABLE', `the archive of lineage ${view.lineage.id} ${end}, ${text} is later`, {
    details: { archiveEnd: last?.time ?? null, time: text },
    hint: 'Use --latest for the end of the archive, or run `lastgood archive --until-current` first.',
  });
}

function tooEarly(views: readonly LineageView[], text: string): LastgoodError {
  const first = views
    .at(-1)
    ?.segments.map(({ digest }) => digest.first)
    .find((mark) => mark !== null);
  const start = first === undefined ? 'the archive holds no transaction yet' : `the archive begins at ${first.time}`;
  return new LastgoodError('TARGET_UNREACHABLE', `${text} is before what is archived: ${start}`, {
    details: { archiveStart: first?.time ?? null, time: text },
  });
}

function stragglerWarning(count: number, text: string): string {
  const groups = count === 1 ? '1 group after the cut carries' : `${count} groups after the cut carry`;
  return `${groups} a time at or before ${text}: committed later, or set by hand; the order of the log decides`;
}
