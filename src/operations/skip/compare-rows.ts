import type { FormatDescription } from '../../binlog/format-description.ts';
import type { Group, RowChange, RowsEvent } from '../../binlog/group.ts';
import { formatGtid } from '../../binlog/gtid-text.ts';
import type { AskedRows, RowAnswer } from '../../recovery/consequences/analyse-skips.ts';
import { GroupSpans } from '../../recovery/consequences/group-spans.ts';
import {
  readBehind,
  stretchesBehind,
  type BehindSource,
  type LogVisitor,
  type Stretch,
} from '../../recovery/consequences/read-behind.ts';
import type { Definitions } from '../../recovery/consequences/table-facts.ts';
import type { Plan } from '../../recovery/plan.ts';
import { TableComparer } from './table-comparer.ts';

export interface RowComparison extends BehindSource {
  readonly plan: Pick<Plan, 'segments' | 'skippedSegments'>;
  readonly definitions: Definitions;
  /** True where names of tables in capitals are the same names. */
  readonly foldsCase: boolean;
}

/**
 * Compares the keys of tables' skipped rows with those of their later rows, in the order of the log: what would collide, and
 * in which group. Reads the log once, for all tables.
 *
 * @returns of each what it comes to, in their order
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function compareRows(asked: readonly AskedRows[], source: RowComparison): Promise<RowAnswer[][]> {
  const skipped = new GroupSpans(asked.flatMap(({ skip }) => skip.groups));
  const comparers = asked.map(({ question, skip }) => {
    const facts = source.definitions.table(question.table);
    return new TableComparer(question, { facts, own: new GroupSpans(skip.groups), skipped });
  });
  const visitor = new RowDispatcher(comparers, source.foldsCase);
  if (!visitor.isOver) {
    const { segments, skippedSegments } = source.plan;
    await readBehind(stretchesBehind(segments, skippedSegments), visitor, { ...source, isOver: () => visitor.isOver });
  }
  return comparers.map(({ answers }) => answers);
}

/** Brings rows to those who compare them. */
class RowDispatcher implements LogVisitor {
  readonly gathersRows = true;
  readonly #all: readonly TableComparer[];
  readonly #foldsCase: boolean;
  readonly #byTable = new Map<string, Map<string, readonly TableComparer[]>>();
  #part: Stretch = { lineage: '', file: '', from: 0, to: 0 };

  constructor(comparers: readonly TableComparer[], foldsCase: boolean) {
    this.#all = comparers;
    this.#foldsCase = foldsCase;
  }

  get isOver(): boolean {
    return this.#all.every(({ isOver, isPlaceless }) => isOver && !isPlaceless);
  }

  enterFile(part: Stretch, _format: FormatDescription): void {
    this.#part = part;
    for (const comparer of this.#all) comparer.enterFile(part);
  }

  query(): void {
    // Only rows are compared.
  }

  rows(change: RowChange, event: RowsEvent): void {
    const comparers = this.#byTable.get(change.schema)?.get(change.table) ?? this.#find(change.schema, change.table);
    if (comparers.length === 0 || change.offset >= this.#part.to) return;
    const { lineage, file } = this.#part;
    for (const comparer of comparers) comparer.meet(change.kind, event, { lineage, file, offset: change.offset });
  }

  group({ start, gtid, ending, transactional }: Group): void {
    const { lineage, file } = this.#part;
    if (ending === 'rollback' && transactional === true) this.torn();
    for (const comparer of this.#all) {
      if (comparer.isPlaceless)
        comparer.settle({ lineage, file, start, gtid: gtid === null ? null : formatGtid(gtid) });
    }
  }

  /** The rows that came last were never committed. */
  torn(): void {
    for (const comparer of this.#all) comparer.undo();
  }

  #find(schema: string, table: string): readonly TableComparer[] {
    const fold = (name: string): string => (this.#foldsCase ? name.toLowerCase() : name);
    const found = this.#all.filter(({ table: of }) => of.schema === fold(schema) && of.name === fold(table));
    const ofSchema = this.#byTable.get(schema) ?? new Map<string, readonly TableComparer[]>();
    this.#byTable.set(schema, ofSchema.set(table, found));
    return found;
  }
}
