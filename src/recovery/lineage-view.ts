import type { Checkpoint } from '../archive/checkpoint.ts';
import type { Lineage } from '../archive/lineage.ts';
import { openSegment, readSegmentFormat } from '../archive/read-segment.ts';
import type { ArchivedSegment, Repository } from '../archive/repository.ts';
import type { Group } from '../binlog/group.ts';
import type { GtidState } from '../binlog/gtid.ts';
import type { ReadingStart } from '../binlog/binlog-reader.ts';
import { readBinlog } from '../binlog/read-binlog.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { CatalogSegment } from '../catalog/segment-table.ts';
import { LastgoodError } from '../platform/errors.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';

/** One lineage as locating needs it: what the catalog knows, and the groups themselves, read from the archive. */
export interface LineageView {
  readonly lineage: Lineage;
  /** In the order of their file numbers. */
  readonly segments: readonly CatalogSegment[];
  /** Of one file, in its order. */
  checkpoints(file: string): readonly Checkpoint[];
  /** Reads groups in order, from `from` or the file's start, until `visit` returns false or the indexed part ends. */
  readGroups(file: string, from: Checkpoint | null, visit: GroupStep): Promise<void>;
}

/** @param before the GTID state without the group; live: read it now or clone it. @returns whether to go on */
export type GroupStep = (group: Group, before: GtidState | null) => boolean;

/** Every lineage of the archive, newest first. The catalog must have caught up. */
export async function openLineageViews(source: {
  repository: Pick<Repository, 'segments'>;
  catalog: Catalog;
  signal?: AbortSignal | undefined;
}): Promise<LineageView[]> {
  const lineages = source.catalog.lineages().toReversed();
  return Promise.all(lineages.map((lineage) => openLineageView({ ...source, lineage })));
}

async function openLineageView({
  repository,
  catalog,
  lineage,
  signal,
}: {
  repository: Pick<Repository, 'segments'>;
  catalog: Catalog;
  lineage: Lineage;
  signal?: AbortSignal | undefined;
}): Promise<LineageView> {
  const stored = new Map((await repository.segments(lineage.id)).map((segment) => [segment.file, segment]));
  const segments = catalog.segments(lineage.id).filter(({ digest }) => stored.has(digest.file));
  return {
    lineage,
    segments,
    checkpoints: (file) => catalog.checkpoints(lineage.id, file),
    readGroups: async (file, from, visit) => {
      const segment = stored.get(file);
      const known = segments.find(({ digest }) => digest.file === file);
      if (segment === undefined || known === undefined) {
        throw new LastgoodError('ARCHIVE_GAP', `${file} of lineage ${lineage.id} is not in the archive`);
      }
      await readArchivedGroups({ segment, lineage, from, indexedTo: known.digest.indexedTo, visit, signal });
    },
  };
}

async function readArchivedGroups({
  segment,
  lineage,
  from,
  indexedTo,
  visit,
  signal,
}: {
  segment: ArchivedSegment;
  lineage: Lineage;
  from: Checkpoint | null;
  indexedTo: number;
  visit: GroupStep;
  signal: AbortSignal | undefined;
}): Promise<void> {
  const progress = { done: false };
  const step = (group: Group, before: GtidState | null): void => {
    progress.done ||= group.end > indexedTo || !visit(group, before);
  };
  await using source = await openSegment(segment, from?.offset ?? 0);
  const reading = await readBinlog(source, {
    visitor: { query: () => undefined, group: step },
    verifyChecksums: true,
    until: (offset) => progress.done || offset >= indexedTo,
    ...(from === null ? {} : { start: await readingStart(segment, lineage, from) }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (!progress.done && reading.wholeTo < indexedTo) {
    const why = reading.problems.at(-1)?.problem ?? 'the file is shorter than it was';
    throw new LastgoodError('ARCHIVE_DAMAGED', `${segment.file} cannot be read after ${reading.wholeTo}: ${why}`, {
      details: { path: segment.path, offset: reading.wholeTo },
    });
  }
}

/** What reading from a checkpoint on begins with. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function readingStart(
  segment: ArchivedSegment,
  lineage: Lineage,
  from: Checkpoint,
): Promise<ReadingStart> {
  const { format } = await readSegmentFormat(segment);
  const gtidState = from.gtidState === null ? null : parseGtidState(lineage.flavor, from.gtidState);
  return { format, offset: from.offset, gtidState };
}

/** The last checkpoint that holds `good`; those after the first that does not are not looked at. */
export function lastCheckpoint(
  checkpoints: readonly Checkpoint[],
  good: (checkpoint: Checkpoint) => boolean,
): Checkpoint | null {
  const firstBad = checkpoints.findIndex((checkpoint) => !good(checkpoint));
  const held = firstBad < 0 ? checkpoints : checkpoints.slice(0, firstBad);
  return held.at(-1) ?? null;
}
