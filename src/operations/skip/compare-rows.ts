import type { Repository } from '../../archive/repository.ts';
import type { Logger } from '../../platform/logger.ts';
import type { RowAnswer } from '../../recovery/consequences/analyse-skips.ts';
import type { GroupPlace } from '../../recovery/consequences/conflict-list.ts';
import { GroupSpans } from '../../recovery/consequences/group-spans.ts';
import { stretchesBehind, type BehindSource, type Stretch } from '../../recovery/consequences/read-behind.ts';
import type { RowQuestion } from '../../recovery/consequences/row-watch.ts';
import type { Definitions, TableFacts } from '../../recovery/consequences/table-facts.ts';
import type { LineageView } from '../../recovery/lineage-view.ts';
import { findNeighbours } from '../../recovery/neighbours.ts';
import { segmentFinder } from '../../recovery/plan-ranges.ts';
import type { Plan } from '../../recovery/plan.ts';
import type { Skip } from '../../recovery/skip.ts';
import type { RowsBatch } from '../evidence/read-rows.ts';
import { KeyDifferences, type Collision } from './key-differences.ts';
import { KeyReader } from './row-keys.ts';
import { readTableRows } from './table-rows.ts';

export interface RowComparison {
  readonly repository: Repository;
  readonly views: readonly LineageView[];
  readonly plan: Pick<Plan, 'segments' | 'skippedSegments'>;
  readonly definitions: Definitions;
  readonly log: Logger;
  /** Bytes of the log read so far for one table, and all there are. */
  readonly progress?: BehindSource['progress'];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares the keys of a table's skipped rows with those of its later rows, in the order of the log: what would collide, and
 * in which group.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function compareRows(question: RowQuestion, skip: Skip, source: RowComparison): Promise<RowAnswer[]> {
  const facts = source.definitions.table(question.table);
  if (facts === null) return [unknown(question.first, 'which keys it has is not known')];
  if (!facts.hasPrimaryKey) return [unknown(question.first, 'it has no primary key')];
  const comparer = new TableComparer(facts, skip);
  for (const stretch of stretchesOf(question, source.plan)) {
    const answer = await compareIn(stretch, { comparer, question, source });
    if (answer !== null) return [answer];
    if (comparer.doubt !== null) return [unknown(question.first, comparer.doubt)];
  }
  const why = 'is referred to by rows that come, maybe by keys that it does not have (error 1452)';
  return question.referred === null || !comparer.isMoved ? [] : [{ kind: 'may-fail', why, group: question.referred }];
}

function unknown(group: GroupPlace, why: string): RowAnswer {
  const what = 'gets, changes or loses rows that cannot be compared with the skipped ones';
  return { kind: 'may-fail', why: `${what}: ${why} (error 1062 or 1032)`, group };
}

/** From the first skipped group to where the rows are gone, or to the cut. */
function stretchesOf({ until }: RowQuestion, { segments, skippedSegments }: RowComparison['plan']): Stretch[] {
  const all = stretchesBehind(segments, skippedSegments);
  if (until === null) return all;
  const last = all.findIndex(({ lineage, file }) => lineage === until.lineage && file === until.file);
  return all.slice(0, last + 1).map((part, index) => (index === last ? { ...part, to: until.start } : part));
}

async function compareIn(
  stretch: Stretch,
  { comparer, question, source }: { comparer: TableComparer; question: RowQuestion; source: RowComparison },
): Promise<RowAnswer | null> {
  const segment = await segmentFinder(source.repository)(stretch);
  if (segment === undefined) return unknown(question.first, `${stretch.file} is not in the archive`);
  const { from, to } = stretch;
  const { table } = question;
  for await (const batch of readTableRows({ segment, from, to, table, log: source.log, signal: source.signal })) {
    const { offset } = batch;
    const collision = comparer.meet(batch, { ...stretch, offset });
    if (collision === null) continue;
    const view = source.views.find(({ lineage }) => lineage.id === stretch.lineage);
    const place = view === undefined ? null : await findNeighbours(view, { file: stretch.file, position: offset });
    const { start = offset, gtid = null } = place?.inside ?? {};
    return { ...collision, group: { lineage: stretch.lineage, file: stretch.file, start, gtid } };
  }
  return null;
}

/** Follows the keys of one table. */
class TableComparer {
  doubt: string | null = null;
  readonly #facts: TableFacts;
  readonly #skipped: GroupSpans;
  #keys: KeyDifferences[] | null = null;

  constructor(facts: TableFacts, { groups }: Skip) {
    this.#facts = facts;
    this.#skipped = new GroupSpans(groups);
  }

  /** True when skipped groups gave rows other keys. */
  get isMoved(): boolean {
    return this.#keys?.some(({ isMoved }) => isMoved) === true;
  }

  /** What the rows collide with; null for nothing. */
  meet(
    batch: RowsBatch,
    place: Omit<Stretch, 'from' | 'to'> & { offset: number },
  ): Pick<RowAnswer, 'kind' | 'why'> | null {
    this.#keys ??= this.#facts.uniqueKeys.map(
      (key) => new KeyDifferences(new KeyReader(batch.table, this.#facts, key)),
    );
    if (batch.table.columns.length !== this.#facts.columns.length)
      this.doubt ??= 'its rows have other columns than its definition';
    const isSkipped = this.#skipped.has(place);
    for (const key of this.#keys) {
      if (isSkipped) key.skip(batch);
      const collision = isSkipped ? null : key.meet(batch);
      this.doubt ??= key.doubt;
      if (collision !== null) return answerOf(key, collision);
    }
    return null;
  }
}

/** A row that was given another key by what is skipped may have got a third one since. */
function answerOf({ reader, isMoved }: KeyDifferences, { error, key }: Collision): Pick<RowAnswer, 'kind' | 'why'> {
  const isCertain = reader.isExact && (reader.isPrimary || !isMoved);
  const what = error === 1062 ? 'gets a row whose key is still there' : 'has a row changed that is not there';
  return { kind: isCertain ? 'fails' : 'may-fail', why: `${what}: ${key} (error ${error})` };
}
