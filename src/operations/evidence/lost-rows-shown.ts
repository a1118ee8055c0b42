import type { IncidentKind } from '../../incident/incident.ts';
import type { EvidenceOptions, LossyTable, LossyTables } from './evidence-source.ts';
import { readLostRows } from './lost-rows.ts';
import type { RowsBatch } from './read-rows.ts';
import { shownRows, type ShownRow } from './rows-as.ts';
import { tableKey, type DefinitionSource } from './table-definition.ts';
import { whyNoSql, writableTable, type WritableTable } from './writable-table.ts';

/** A table that lost rows, as it is shown. */
export interface ShownTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  /** Where the columns' names are from; null: they are only numbered. */
  readonly names: { readonly source: DefinitionSource; readonly from: string } | null;
  /** False when the log holds its rows only in part. */
  readonly whole: boolean;
  /** For people: why other definitions were not taken, what cannot be read. */
  readonly notes: readonly string[];
}

/** What an incident deleted or overwrote, as far as the log has it. */
export interface ShownLoss {
  readonly tables: readonly ShownTable[];
  /** The first rows, in the order of the log. */
  readonly rows: readonly ShownRow[];
  /** True when there are more. */
  readonly more: boolean;
  /** Why there is nothing to show; null when there is. */
  readonly why: string | null;
}

/** True when statements can put back all rows of the tables that were asked for. */
export function canBeSql({ tables, unread }: LossyTables): boolean {
  return unread === null && tables.length > 0 && tables.every((table) => whyNoSql(table) === null);
}

/** Reads the first rows that an incident deleted or updated. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function showLoss(
  lossy: LossyTables,
  { most, kind }: { readonly most: number; readonly kind: IncidentKind },
  options: EvidenceOptions,
): Promise<ShownLoss> {
  const tables = lossy.tables.map(shownTable);
  const readable = lossy.tables.filter(({ changed }) => changed.problem === null);
  const why = whyNothing(lossy, kind, options);
  const rows: ShownRow[] = [];
  if (readable.length === 0 || most === 0) return { tables, rows, more: readable.length > 0, why };
  const byKey = writableTables(readable);
  const reading = readLostRows({ part: lossy.part, tables: new Set(byKey.keys()), ...options });
  for await (const batch of firstRows(reading, most + 1)) {
    const table = byKey.get(tableKey(batch.table));
    if (table !== undefined) rows.push(...shownRows(batch, table));
  }
  return { tables, rows: rows.slice(0, most), more: rows.length > most, why };
}

function shownTable(lossy: LossyTable): ShownTable {
  const { changed, definition, notes } = lossy;
  const { table, whole, problem } = changed;
  const noSql = definition === null || problem !== null || !whole ? null : whyNoSql(lossy);
  return {
    ...{ schema: table.schema, table: table.name, whole },
    columns: writableTable(changed, definition).columns.map(({ name }) => name),
    names: definition === null ? null : { source: definition.source, from: definition.from },
    notes: [
      ...notes,
      ...(problem === null ? [] : [`its rows cannot be read: ${problem}`]),
      ...(noSql === null ? [] : [`no SQL can put its rows back: ${noSql}`]),
    ],
  };
}

function whyNothing(
  { tables, unread, changed }: LossyTables,
  kind: IncidentKind,
  asked: Pick<EvidenceOptions, 'schema' | 'table'>,
): string | null {
  if (unread !== null) return `rows cannot be read: ${unread}`;
  if (tables.length > 0) return null;
  if (changed > 0) return `the log holds no rows${askedFor(asked)} that it deleted or updated`;
  const inText = kind === 'mass-delete' || kind === 'mass-update';
  return inText
    ? 'the statement is in the log as text, not as rows (binlog_format is not ROW)'
    : 'the log never holds the rows of what is dropped, truncated or altered';
}

/** Which tables were asked for, where not all were; begins with a blank. */
export function askedFor({ schema, table }: Pick<EvidenceOptions, 'schema' | 'table'>): string {
  const ofTable = table === undefined ? '' : ` of tables named '${table}'`;
  return schema === undefined ? ofTable : `${ofTable} of schema '${schema}'`;
}

/** By `tableKey`. */
export function writableTables(tables: readonly LossyTable[]): Map<string, WritableTable> {
  return new Map(
    tables.map(({ changed, definition }) => [tableKey(changed.table), writableTable(changed, definition)]),
  );
}

/** The first so many rows. */
export async function* firstRows(batches: AsyncIterable<RowsBatch>, most: number): AsyncGenerator<RowsBatch> {
  let left = most;
  for await (const batch of batches) {
    yield batch.rows.length <= left ? batch : { ...batch, rows: batch.rows.slice(0, left) };
    left -= batch.rows.length;
    if (left <= 0) return;
  }
}
