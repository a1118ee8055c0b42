import { openSegment } from '../../archive/read-segment.ts';
import type { ArchivedSegment } from '../../archive/repository.ts';
import { compareCoordinates, compareFiles, fileNumber, type Coordinates } from '../../binlog/coordinates.ts';
import type { Group, GroupVisitor, QueryEvent } from '../../binlog/group.ts';
import { readBinlog } from '../../binlog/read-binlog.ts';
import type { CatalogSegment } from '../../catalog/segment-table.ts';
import { lastCheckpoint, readingStart, type LineageView } from '../../recovery/lineage-view.ts';
import { mayRedefine } from './may-redefine.ts';
import { tableKey } from './table-definition.ts';

/** A part of one lineage's log, from a group boundary to another one, maybe over several files. */
export interface LogStretch {
  readonly view: LineageView;
  readonly segments: readonly ArchivedSegment[];
  readonly from: Coordinates;
  readonly to: Coordinates;
  readonly signal?: AbortSignal | undefined;
}

type NamedTable = Parameters<typeof tableKey>[0];

/**
 * Says by `tableKey` why tables may have another definition at the stretch's end than at its beginning; tables that are not in
 * the answer have the same one. What cannot be read counts as a change.
 */
export async function findDefinitionChanges(
  stretch: LogStretch,
  tables: readonly NamedTable[],
): Promise<Map<string, string>> {
  const search = new ChangeSearch(tables);
  const { view, from, to } = stretch;
  const files = view.segments.filter(
    ({ digest: { file } }) => compareFiles(file, from.file) >= 0 && compareFiles(file, to.file) <= 0,
  );
  const gap = gapIn(files, { from, to });
  if (gap !== null) search.doubtAll(gap);
  for (const file of files) if (!search.isOver) await searchFile(file, search, stretch);
  return search.found;
}

/** Files must follow one another without a gap, whole but for the last one. */
function gapIn(files: readonly CatalogSegment[], { from, to }: Pick<LogStretch, 'from' | 'to'>): string | null {
  const wanted = fileNumber(to.file) - fileNumber(from.file) + 1;
  if (files.length !== wanted) return `the archive does not hold all of the log from ${from.file} to ${to.file}`;
  const cut = files.slice(0, -1).find(({ state }) => state !== 'sealed');
  if (cut !== undefined) return `the archive does not hold ${cut.digest.file} to its end`;
  const held = files.at(-1)?.digest.indexedTo ?? 0;
  return held < to.position ? `the archive holds ${to.file} only up to ${held}` : null;
}

async function searchFile({ digest }: CatalogSegment, search: ChangeSearch, stretch: LogStretch): Promise<void> {
  const { view, segments, from, to, signal } = stretch;
  const { file, indexedTo } = digest;
  const segment = segments.find((other) => other.file === file);
  if (segment === undefined) {
    search.doubtAll(`${file} is not in the archive`);
    return;
  }
  const end = file === to.file ? Math.min(to.position, indexedTo) : indexedTo;
  search.enter(file, (position) => {
    const place = { file, position };
    return compareCoordinates(place, from) >= 0 && compareCoordinates(place, to) < 0;
  });
  const near = file === from.file ? view.checkpoints(file) : [];
  const checkpoint = lastCheckpoint(near, ({ offset }) => offset <= from.position);
  await using source = await openSegment(segment, checkpoint?.offset ?? 0);
  const { wholeTo } = await readBinlog(source, {
    visitor: search,
    verifyChecksums: true,
    until: (offset) => search.isOver || offset >= end,
    ...(checkpoint === null ? {} : { start: await readingStart(segment, view.lineage, checkpoint) }),
    ...(signal === undefined ? {} : { signal }),
  });
  search.leave();
  if (wholeTo < end && !search.isOver) search.doubtAll(`${file} cannot be read after ${wholeTo}`);
}

/** Looks for statements that may define the tables anew. */
class ChangeSearch implements GroupVisitor {
  readonly found = new Map<string, string>();
  readonly #tables: readonly NamedTable[];
  #file = '';
  #counts: (position: number) => boolean = () => true;
  /** Of the group that is read, with the place of the statement that may have changed them. */
  readonly #open = new Map<NamedTable, number>();

  constructor(tables: readonly NamedTable[]) {
    this.#tables = tables;
  }

  /** @param counts tells whether an offset is in the stretch */
  enter(file: string, counts: (position: number) => boolean): void {
    this.#file = file;
    this.#counts = counts;
  }

  get isOver(): boolean {
    return this.#tables.every((table) => this.found.has(tableKey(table)));
  }

  doubtAll(why: string): void {
    for (const table of this.#tables) this.#doubt(table, why);
  }

  query(query: QueryEvent): void {
    if (!this.#counts(query.offset)) return;
    for (const table of mayRedefine(query, this.#tables)) this.#open.set(table, query.offset);
  }

  /** Lists call a statement by the start of its group. */
  group({ start }: Pick<Group, 'start'>): void {
    for (const table of this.#open.keys()) this.#doubtStatement(table, start);
    this.#open.clear();
  }

  /** The file is read: what it began and did not end counts too. */
  leave(): void {
    for (const [table, offset] of this.#open) this.#doubtStatement(table, offset);
    this.#open.clear();
  }

  unread(offset: number): void {
    if (this.#counts(offset)) this.doubtAll(`what stands at ${this.#file}:${offset} cannot be read`);
  }

  torn(start: number): void {
    if (this.#counts(start)) this.doubtAll(`the log is torn at ${this.#file}:${start}`);
  }

  sourceIncident(start: number): void {
    if (this.#counts(start)) this.doubtAll(`the source lost events at ${this.#file}:${start}`);
  }

  #doubtStatement(table: NamedTable, position: number): void {
    this.#doubt(table, `the statement at ${this.#file}:${position} may have changed it`);
  }

  #doubt(table: NamedTable, why: string): void {
    const key = tableKey(table);
    if (!this.found.has(key)) this.found.set(key, why);
  }
}
