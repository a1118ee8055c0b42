import type { BackupRecord } from '../archive/backup-record.ts';
import { compareCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import { placeOf } from './choose-backup.ts';
import { findTime } from './find-time.ts';
import type { LineageView } from './lineage-view.ts';
import type { LocateSource, Place } from './locate.ts';
import { parseTime } from './target.ts';
import { timelinesOf, tipOf, type Timeline } from './timeline.ts';

/**
 * Finds the cut for a time: just before the first group that is later. Groups before a backup that was finished by
 * then are earlier whatever time they carry, so one forged time in the past cannot move the cut.
 *
 * @throws LastgoodError `TARGET_UNREACHABLE` when the time is before the archive's first group, or after its end and
 *   nobody saw that the source had nothing more
 */
export async function locateTime(source: LocateSource, text: string): Promise<Place> {
  const time = parseTime(text);
  const timeline = timelinesOf(source.views).find((candidate) => beginsBy(candidate, source.backups, time));
  if (timeline === undefined) throw tooEarly(source.views, text);
  const known = newestPlaceBy(timeline, source.backups, time);
  for (const leg of known === null ? timeline : timeline.slice(known.leg)) {
    const from = leg === timeline[known?.leg ?? -1] ? (known?.place ?? null) : leg.from;
    const { cut, stragglers } = await findTime(leg.view, { time, from, to: leg.to });
    const warnings = stragglers === 0 ? [] : [stragglerWarning(stragglers, text)];
    if (cut !== null) return { view: leg.view, ...cut, warnings };
  }
  return await placeArchiveEnd(source, tipOf(timeline), { time, text });
}

function beginsBy(timeline: Timeline, backups: readonly BackupRecord[], time: number): boolean {
  const first = timeline
    .at(0)
    ?.view.segments.map(({ digest }) => digest.first)
    .find((mark) => mark !== null);
  const began = first === undefined ? Infinity : Date.parse(first.time) / 1000;
  return began <= time || newestPlaceBy(timeline, backups, time) !== null;
}

/** Where the newest backup of the timeline stands that was finished by `time`. */
function newestPlaceBy(
  timeline: Timeline,
  backups: readonly BackupRecord[],
  time: number,
): { leg: number; place: Coordinates } | null {
  const finished = backups.filter(({ finishedAt }) => Date.parse(finishedAt) / 1000 <= time);
  for (const [index, { view, from, to }] of [...timeline.entries()].reverse()) {
    const places = finished.filter(({ primary }) => primary.lineage === view.lineage.id).map(placeOf);
    const inLeg = places.filter((place) => isBetween(place, from, to)).sort(compareCoordinates);
    const place = inLeg.at(-1);
    if (place !== undefined) return { leg: index, place };
  }
  return null;
}

function isBetween(place: Coordinates, from: Coordinates | null, to: Coordinates | null): boolean {
  const begun = from === null || compareCoordinates(place, from) >= 0;
  return begun && (to === null || compareCoordinates(place, to) <= 0);
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
