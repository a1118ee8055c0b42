import { LastgoodError } from '../../platform/errors.ts';
import { formatOf, type ColumnFormat } from './column-format.ts';
import type { LossyTable } from './evidence-source.ts';
import type { ChangedTable } from './lost-rows.ts';
import { tableText, type TableDefinition } from './table-definition.ts';

/** A column ready to be written. */
export interface WritableColumn {
  /** `@1`, `@2`, ... where it is not known. */
  readonly name: string;
  /** Of the decoded image. */
  readonly key: string;
  readonly index: number;
  readonly type: number;
  readonly format: ColumnFormat;
  readonly generated: boolean;
}

/** A table whose rows can be written. */
export interface WritableTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly WritableColumn[];
  /** null where it is not known, empty where there is none. */
  readonly primaryKey: readonly WritableColumn[] | null;
}

/** Puts together what the log and the definition say of a table. */
export function writableTable(
  { table }: Pick<ChangedTable, 'table'>,
  definition: TableDefinition | null,
): WritableTable {
  const columns = table.columns.map((column, index): WritableColumn => {
    const known = definition?.columns[index] ?? null;
    return {
      name: known?.name ?? `@${index + 1}`,
      key: String(index),
      index,
      type: column.type,
      format: formatOf(column, known),
      generated: known?.generated === true,
    };
  });
  const names = definition?.primaryKey ?? null;
  const primaryKey = names?.map((name) => columns.find((column) => column.name === name)) ?? null;
  return {
    schema: table.schema,
    name: table.name,
    columns,
    primaryKey: primaryKey?.every((column) => column !== undefined) === true ? primaryKey : null,
  };
}

/** Why statements would not put the table's rows back as they were; null when they would. */
export function whyNoSql({ changed, definition, notes }: LossyTable): string | null {
  if (changed.problem !== null) return changed.problem;
  if (!changed.whole) return 'the log does not hold them with all columns (binlog_row_image is not FULL)';
  if (changed.events.insert > 0) return 'the same transaction also inserted rows into it, which were not there before';
  if (definition === null) return ['its definition at that time is not known', ...notes].join('; ');
  if (changed.events.update === 0) return null;
  const { primaryKey } = writableTable(changed, definition);
  const hasKey = primaryKey !== null && primaryKey.length > 0;
  return hasKey ? null : 'it has no primary key by which an UPDATE finds a row';
}

/** @throws LastgoodError `ROWS_UNAVAILABLE` when statements would not put the table's rows back as they were */
export function assertWritableAsSql(lossy: LossyTable): void {
  const why = whyNoSql(lossy);
  if (why === null) return;
  const { table } = lossy.changed;
  throw new LastgoodError('ROWS_UNAVAILABLE', `cannot write SQL for the rows of ${tableText(table)}: ${why}`, {
    details: { schema: table.schema, table: table.name },
  });
}
