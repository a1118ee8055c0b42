import type { FormatDescription } from '../../binlog/format-description.ts';
import type { RowChange, RowsEvent } from '../../binlog/group.ts';
import { RowImages } from '../../binlog/row-images.ts';
import type { ChangedColumns } from '../../recovery/consequences/cascades.ts';
import { readBehind, type LogVisitor, type Stretch } from '../../recovery/consequences/read-behind.ts';
import type { Definitions, TableFacts } from '../../recovery/consequences/table-facts.ts';
import { keyOf, type Named } from '../../recovery/consequences/touch.ts';
import type { RowComparison } from './compare-rows.ts';
import { indexOf, isKeptAt } from './row-keys.ts';

/**
 * Tells which columns that others refer to got other values by skipped UPDATEs of rows. Reads the skipped groups, and those only where a
 * foreign key would go on with such a change.
 *
 * @throws LastgoodError `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function findChangedColumns(source: Omit<RowComparison, 'progress'>): Promise<ChangedColumns> {
  const visitor = new ColumnWatch(source.definitions, source.foldsCase);
  if (visitor.isOver) return () => null;
  await readBehind(source.plan.skippedSegments, visitor, { ...source, isOver: () => visitor.isOver });
  return (table) => visitor.changed(table);
}

/** One table, and how it is read. */
interface Watched {
  readonly facts: TableFacts;
  /** Names of columns, and where they stand. */
  readonly columns: readonly string[];
  readonly images: RowImages;
  readonly changed: Set<string>;
}

/** Compares both images of each updated row. */
class ColumnWatch implements LogVisitor {
  readonly gathersRows = true;
  readonly #foldsCase: boolean;
  readonly #tables = new Map<string, Watched | null>();
  #part = { from: 0, to: 0 };

  constructor(definitions: Definitions, foldsCase: boolean) {
    this.#foldsCase = foldsCase;
    for (const { parent, onUpdate } of definitions.foreignKeys)
      if (onUpdate !== 'restrict') this.#tables.set(keyOf(parent), watched(parent, definitions));
  }

  /** True once nothing that comes can tell more. */
  get isOver(): boolean {
    return [...this.#tables.values()].every((one) => one === null || one.changed.size === one.columns.length);
  }

  changed(table: Named): readonly string[] | null {
    const found = this.#tables.get(keyOf(table));
    return found === undefined || found === null ? null : [...found.changed];
  }

  enterFile(part: Stretch, _format: FormatDescription): void {
    this.#part = part;
  }

  query(): void {
    // Of a statement in text form nobody knows which values it gave.
  }

  group(): void {
    // Only rows tell.
  }

  rows({ kind, schema, table, offset }: RowChange, event: RowsEvent): void {
    if (kind !== 'update' || offset >= this.#part.to) return;
    const fold = (name: string): string => (this.#foldsCase ? name.toLowerCase() : name);
    const key = keyOf({ type: 'table', schema: fold(schema), name: fold(table) });
    const found = this.#tables.get(key);
    if (found !== undefined && found !== null && !compare(found, event)) this.#tables.set(key, null);
  }
}

function watched(parent: Named, definitions: Definitions): Watched | null {
  const facts = definitions.table(parent);
  if (facts === null) return null;
  const of = definitions.foreignKeys.filter((key) => keyOf(key.parent) === keyOf(parent));
  const columns = [...new Set(of.flatMap(({ parentColumns }) => parentColumns))];
  const indexes = columns.map((column) => indexOf(facts, column));
  return indexes.includes(-1) ? null : { facts, columns, images: new RowImages(indexes), changed: new Set() };
}

/** @returns false where the rows cannot be read */
function compare({ facts, columns, images, changed }: Watched, event: RowsEvent): boolean {
  if (event.table !== null && event.table.layout?.columns.length !== facts.columns.length) return false;
  return images.each(event, () => {
    for (const [slot, column] of columns.entries()) if (!isKeptAt(slot, event.bytes, images)) changed.add(column);
  });
}
