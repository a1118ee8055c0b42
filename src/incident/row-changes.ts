import type { RowChange, TableName } from '../binlog/group.ts';
import { LOOP_FLOORS } from './delete-loops.ts';
import { StatementBytes, type Changed } from './statement-bytes.ts';

/** What a group did to the rows of one table. */
export interface TableRows extends TableName {
  readonly deleted: number;
  readonly updated: number;
}

interface Total {
  schema: string;
  table: string;
  deleted: number;
  updated: number;
  /** Deleted by a statement that puts others in their place. */
  replaced: number;
  isInserted: boolean;
}

/** What a group did to rows. */
export interface GroupRows {
  readonly deleted: number;
  readonly updated: number;
  /** Bytes of DELETE and UPDATE events whose rows could not be counted to the end; 0: the number is exact. */
  readonly uncounted: { readonly deleted: number; readonly updated: number };
  /** Those with deleted or updated rows, in the order of the log. */
  readonly tables: readonly TableRows[];
  /** Tables that foreign keys may have changed too; true: there may be some, the log does not say which. */
  readonly cascades: readonly TableName[] | true;
  /** The texts of the statements that deleted most rows, and updated most, where the log has them. */
  readonly statements: Readonly<Record<Changed, Buffer>>;
}

/** What a group did to rows up to a savepoint. */
export type RowsSoFar = Pick<GroupRows, 'deleted' | 'updated' | 'uncounted' | 'tables'>;

/** Adds up what the events of one group do to rows. For a group that is nothing special, nothing is made. */
export class RowChanges {
  #deleted = 0;
  #updated = 0;
  #uncountedDeleted = 0;
  #uncountedUpdated = 0;
  #isUncounted = false;
  readonly #tables: Total[] = [];
  #tableCount = 0;
  readonly #places = new Map<string, Total>();
  readonly #cascades: TableName[] = [];
  #cascadesUnknown = false;
  readonly #statement = new StatementBytes();

  rows({ kind, schema, table, rows, exact, bytes }: RowChange): void {
    const total = this.#total(schema, table);
    if (kind === 'insert') {
      total.isInserted = true;
      return;
    }
    if (kind === 'delete') {
      this.#deleted += rows;
      if (!exact) this.#uncountedDeleted += bytes;
    } else {
      this.#updated += rows;
      if (!exact) this.#uncountedUpdated += bytes;
    }
    if (!exact) this.#isUncounted = true;
    const isReplaced = kind === 'delete' && this.#statement.replaces;
    if (isReplaced) total.replaced += rows;
    else if (kind === 'delete') total.deleted += rows;
    else total.updated += rows;
    this.#statement.count(rows, kind === 'delete' && !isReplaced ? 'deleted' : 'updated');
  }

  annotation(bytes: Buffer, from: number, to: number): void {
    this.#statement.begin(bytes, from, to);
  }

  cascade(child: TableName | null): void {
    if (child === null) this.#cascadesUnknown = true;
    else if (!this.#cascades.some(({ schema, table }) => schema === child.schema && table === child.table))
      this.#cascades.push(child);
  }

  release(): void {
    this.#statement.keep();
  }

  /**
   * What the group did, which is then forgotten; null when it is too little for an incident by itself.
   * @param o.anything so little matters too
   */
  take(o: { anything: boolean }): GroupRows | null {
    const { deleted, updated } = LOOP_FLOORS;
    const isMuch = this.#deleted >= deleted || this.#updated >= updated || this.#isUncounted;
    const rows = isMuch || (o.anything && this.#tableCount > 0) ? this.#get() : null;
    this.clear();
    return rows;
  }

  #get(): GroupRows {
    const cascades = this.#cascadesUnknown ? true : [...this.#cascades];
    const statements = { deleted: this.#statement.bytesOf('deleted'), updated: this.#statement.bytesOf('updated') };
    return { ...this.soFar, cascades, statements };
  }

  /** What the group did up to here: where a savepoint is set. */
  get soFar(): RowsSoFar {
    const tables = this.#tables.slice(0, this.#tableCount).map(tableRows);
    return {
      deleted: tables.reduce((sum, { deleted }) => sum + deleted, 0),
      updated: tables.reduce((sum, { updated }) => sum + updated, 0),
      uncounted: { deleted: this.#uncountedDeleted, updated: this.#uncountedUpdated },
      tables: tables.filter(({ deleted, updated }) => deleted + updated > 0),
    };
  }

  /** The group took back what it did since then. Which statement is the telling one then, is not known any more. */
  backTo({ deleted, updated, uncounted, tables }: RowsSoFar): void {
    this.#deleted = deleted;
    this.#updated = updated;
    this.#uncountedDeleted = uncounted.deleted;
    this.#uncountedUpdated = uncounted.updated;
    this.#isUncounted = uncounted.deleted + uncounted.updated > 0;
    this.#tableCount = tables.length;
    tables.forEach((table, index) =>
      Object.assign(this.#tables[index] as Total, table, { replaced: 0, isInserted: false }),
    );
    this.#places.clear();
    this.#statement.clear();
  }

  /** The group is over. */
  clear(): void {
    this.#statement.clear();
    if (this.#tableCount === 0) return;
    this.#deleted = 0;
    this.#updated = 0;
    this.#uncountedDeleted = 0;
    this.#uncountedUpdated = 0;
    this.#isUncounted = false;
    this.#tableCount = 0;
    if (this.#places.size > 0) this.#places.clear();
    this.#cascades.length = 0;
    this.#cascadesUnknown = false;
  }

  #total(schema: string, table: string): Total {
    if (this.#tableCount > FEW_TABLES) return this.#totalOfMany(schema, table);
    for (let index = this.#tableCount - 1; index >= 0; index -= 1) {
      const total = this.#tables[index] as Total;
      if (total.table === table && total.schema === schema) return total;
    }
    return this.#add(schema, table);
  }

  #totalOfMany(schema: string, table: string): Total {
    if (this.#places.size < this.#tableCount)
      for (const total of this.#tables.slice(0, this.#tableCount)) this.#places.set(keyOf(total), total);
    return this.#places.get(keyOf({ schema, table })) ?? this.#add(schema, table);
  }

  /** Objects of earlier groups are used again. */
  #add(schema: string, table: string): Total {
    const total = (this.#tables[this.#tableCount] ??= {
      schema,
      table,
      deleted: 0,
      updated: 0,
      replaced: 0,
      isInserted: false,
    });
    this.#tableCount += 1;
    total.schema = schema;
    total.table = table;
    total.deleted = 0;
    total.updated = 0;
    total.replaced = 0;
    total.isInserted = false;
    if (this.#places.size > 0) this.#places.set(keyOf(total), total);
    return total;
  }
}

/** Where a table has several unique keys, MariaDB logs a replaced row as a deleted and an inserted one. Seen on 10.11.19. */
function tableRows({ schema, table, deleted, updated, replaced, isInserted }: Total): TableRows {
  return isInserted
    ? { schema, table, deleted, updated: updated + replaced }
    : { schema, table, deleted: deleted + replaced, updated };
}

/** Up to here looking through them is faster than any index. */
const FEW_TABLES = 16;

/** A name cannot hold a zero. */
function keyOf({ schema, table }: TableName): string {
  return `${schema}\0${table}`;
}
