import { readSegmentFormat } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { compareFiles } from '../../binlog/coordinates.ts';
import type { CatalogSegment } from '../../catalog/segment-table.ts';
import type { Incident } from '../../incident/incident.ts';
import { lastCheckpoint, readingStart, type LineageView } from '../../recovery/lineage-view.ts';
import type { DescribedGroup } from './group-describer.ts';
import { readDescribed } from './read-described.ts';

/** So many groups on each side tell what the application was doing. */
const GROUPS = 10;

/** The groups around an incident, in the order of the log. */
export interface Surroundings {
  readonly before: readonly DescribedGroup[];
  readonly after: readonly DescribedGroup[];
}

export interface SurroundingsSource {
  readonly view: LineageView;
  /** Of the same lineage. */
  readonly segments: readonly ArchivedSegment[];
  readonly incident: Pick<Incident, 'file' | 'start' | 'end'>;
  readonly signal?: AbortSignal | undefined;
}

/** Reads the ten groups before an incident and the ten after it, also in the files beside its own. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function readSurroundings(source: SurroundingsSource): Promise<Surroundings> {
  return { before: await readBefore(source), after: await readAfter(source) };
}

async function readBefore({ view, segments, incident, signal }: SurroundingsSource): Promise<DescribedGroup[]> {
  const found: DescribedGroup[] = [];
  const files = view.segments.filter(({ digest }) => compareFiles(digest.file, incident.file) <= 0);
  for (const known of files.toReversed()) {
    const segment = segmentOf(segments, known);
    if (segment === undefined || found.length >= GROUPS) break;
    const to = known.digest.file === incident.file ? incident.start : known.digest.indexedTo;
    const inFile: DescribedGroup[] = [];
    await readDescribed({
      ...{ segment, to, signal },
      start: await startNear(view, segment, to),
      visit: (group) => {
        inFile.push(group);
        if (inFile.length > GROUPS) inFile.shift();
        return group.end < to;
      },
    });
    found.unshift(...inFile);
  }
  return found.slice(-GROUPS);
}

/** Two checkpoints back: more than a MiB of groups lies between it and the place. */
async function startNear(
  view: LineageView,
  segment: ArchivedSegment,
  to: number,
): Promise<Awaited<ReturnType<typeof readingStart>> | null> {
  const checkpoints = view.checkpoints(segment.file);
  const near = lastCheckpoint(checkpoints, ({ offset }) => offset < to);
  if (near === null) return null;
  const from = lastCheckpoint(checkpoints, ({ groupsBefore }) => groupsBefore <= near.groupsBefore - GROUPS);
  return from === null ? null : await readingStart(segment, view.lineage, from);
}

async function readAfter({ view, segments, incident, signal }: SurroundingsSource): Promise<DescribedGroup[]> {
  const found: DescribedGroup[] = [];
  for (const known of view.segments.filter(({ digest }) => compareFiles(digest.file, incident.file) >= 0)) {
    const segment = segmentOf(segments, known);
    if (segment === undefined || found.length >= GROUPS) break;
    const isOwn = known.digest.file === incident.file;
    const to = known.digest.indexedTo;
    if (isOwn && incident.end >= to) continue;
    const { format } = await readSegmentFormat(segment);
    await readDescribed({
      ...{ segment, to, signal },
      start: isOwn ? { format, offset: incident.end, gtidState: null } : null,
      visit: (group) => {
        found.push(group);
        return found.length < GROUPS;
      },
    });
  }
  return found;
}

function segmentOf(segments: readonly ArchivedSegment[], { digest }: CatalogSegment): ArchivedSegment | undefined {
  return segments.find(({ file }) => file === digest.file);
}
