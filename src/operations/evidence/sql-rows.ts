import { quoteName } from '../../server/quote-name.ts';
import { COLUMN_TYPE as T } from './column-type.ts';
import type { RawImage, RowsBatch } from './read-rows.ts';
import { hasBit } from '../../binlog/row-layout.ts';
import type { WritableColumn, WritableTable } from './writable-table.ts';

const STRICT = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';
const LAX = 'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES';

/**
 * What literals rely on: nothing is cut to fit, zero dates and zero ids are values, times are UTC, and rows of children
 * may come before those of their parents. All or nothing, where the tables know transactions.
 */
export const SQL_PREAMBLE = [
  'SET @lastgood_sql_mode = @@SESSION.sql_mode, @lastgood_time_zone = @@SESSION.time_zone,',
  '    @lastgood_foreign_key_checks = @@SESSION.foreign_key_checks;',
  'SET NAMES utf8mb4;',
  `SET SESSION sql_mode = '${STRICT}', time_zone = '+00:00', foreign_key_checks = 0;`,
  'START TRANSACTION;',
  '',
].join('\n');

export const SQL_END = [
  'COMMIT;',
  'SET SESSION sql_mode = @lastgood_sql_mode, time_zone = @lastgood_time_zone,',
  '    foreign_key_checks = @lastgood_foreign_key_checks;',
  '',
].join('\n');

/** A statement of many rows is about so long at most: servers take no more than max_allowed_packet. */
const STATEMENT_BYTES = 256 * 1024;

/** The statements that undo one event, its last row first: a row may have been changed more than once. Each ends its line. */
export function undoAsSql({ head, rows }: RowsBatch, table: WritableTable): string[] {
  const newestFirst = rows.toReversed();
  if (head.kind === 'delete') return insertions(newestFirst, table);
  const present = head.present[1];
  return newestFirst.flatMap(({ before, after }) => correction(table, { before, after: after ?? {}, present }));
}

function insertions(rows: RowsBatch['rows'], table: WritableTable): string[] {
  const columns = table.columns.filter(({ generated }) => !generated);
  const head = `INSERT INTO ${nameOf(table)} (${columns.map(({ name }) => quoteName(name)).join(', ')}) VALUES`;
  const statements: string[] = [];
  let values: string[] = [];
  let bytes = 0;
  const flush = (): void => {
    if (values.length > 0) statements.push(`${head}\n${values.join(',\n')};\n`);
    [values, bytes] = [[], 0];
  };
  for (const { before } of rows) {
    const value = `(${columns.map((column) => literal(column, before)).join(', ')})`;
    if (columns.some((column) => hasNoChoice(column, before))) {
      flush();
      statements.push(...laxly(`${head}\n${value};\n`));
      continue;
    }
    if (bytes + value.length > STATEMENT_BYTES) flush();
    values.push(value);
    bytes += value.length;
  }
  flush();
  return statements;
}

/** Sets back what the update changed, in the row that it left. */
function correction(
  table: WritableTable,
  { before, after, present }: { before: RawImage; after: RawImage; present: Buffer },
): string[] {
  const isChanged = (column: WritableColumn): boolean =>
    hasBit(present, column.index) && literal(column, before) !== literal(column, after);
  const changed = table.columns.filter((column) => !column.generated && isChanged(column));
  if (changed.length === 0) return [];
  // A column that follows the clock by itself stays what it is only when it is set.
  const kept = table.columns.filter((column) => CLOCKS.has(column.type) && !column.generated && !isChanged(column));
  const sets = [
    ...changed.map((column) => `${quoteName(column.name)} = ${literal(column, before)}`),
    ...kept.map(({ name }) => `${quoteName(name)} = ${quoteName(name)}`),
  ];
  const where = (table.primaryKey ?? []).map((column) => {
    const image = hasBit(present, column.index) ? after : before;
    return `${quoteName(column.name)} = ${literal(column, image)}`;
  });
  const text = `UPDATE ${nameOf(table)} SET ${sets.join(', ')} WHERE ${where.join(' AND ')};\n`;
  return changed.some((column) => hasNoChoice(column, before)) ? laxly(text) : [text];
}

const CLOCKS: ReadonlySet<number> = new Set([T.TIMESTAMP, T.TIMESTAMP2, T.DATETIME, T.DATETIME2]);

function literal(column: WritableColumn, image: RawImage): string {
  const value = image[column.key];
  return value === null || value === undefined ? 'NULL' : column.format.sql(value);
}

/** The ENUM value '' of a wrong assignment in the past: a strict session would not take it again. */
function hasNoChoice(column: WritableColumn, image: RawImage): boolean {
  return column.type === T.ENUM && literal(column, image) === '0';
}

function laxly(statement: string): string[] {
  return [`SET SESSION sql_mode = '${LAX}';\n`, statement, `SET SESSION sql_mode = '${STRICT}';\n`];
}

function nameOf({ schema, name }: WritableTable): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
