import { tmpdir } from 'node:os';
import { hasBit } from '../../binlog/row-layout.ts';
import { backwards } from './backwards.ts';
import type { RawImage, RowsBatch } from './read-rows.ts';
import { SQL_END, SQL_PREAMBLE, undoAsSql } from './sql-rows.ts';
import { tableKey, tableText } from './table-definition.ts';
import type { WritableColumn, WritableTable } from './writable-table.ts';

export const ROWS_FORMATS = ['csv', 'json', 'sql'] as const;
export type RowsFormat = (typeof ROWS_FORMATS)[number];

export interface RowsToWrite {
  readonly batches: AsyncIterable<RowsBatch>;
  /** By `tableKey`. */
  readonly tables: ReadonlyMap<string, WritableTable>;
  /** What a person who finds the statements should know, line by line. */
  readonly about: readonly string[];
  /** Where sql, which is written last change first, waits; the system's temporary folder when not given. */
  readonly folder?: string | undefined;
}

/**
 * Writes rows piece by piece; memory stays flat. csv: what one table lost, a line for each row, NULL is nothing and an
 * empty text is "". json: an array with one row on each line. sql: the statements that put the rows back.
 */
export function rowsAs(format: RowsFormat, rows: RowsToWrite): AsyncGenerator<string> {
  return { csv: asCsv, json: asJson, sql: asSql }[format](rows);
}

async function* asSql({ batches, tables, about, folder = tmpdir() }: RowsToWrite): AsyncGenerator<string> {
  const size = { longest: 0 };
  const head = (): string => {
    const lines = [...about, ...needs(size.longest)];
    return `${lines.map((line) => `-- ${line.replaceAll(/[\r\n]+/g, ' ')}\n`).join('')}${SQL_PREAMBLE}`;
  };
  let begun = false;
  for await (const piece of backwards(statements(batches, tables, size), folder)) {
    // All of them were seen before the first comes back.
    if (!begun) yield head();
    begun = true;
    yield piece;
  }
  yield begun ? SQL_END : `${head()}${SQL_END}`;
}

async function* statements(
  batches: AsyncIterable<RowsBatch>,
  tables: ReadonlyMap<string, WritableTable>,
  size: { longest: number },
): AsyncGenerator<string> {
  for await (const batch of batches) {
    const undo = undoAsSql(batch, tableOf(batch, tables));
    for (const statement of undo) size.longest = Math.max(size.longest, Buffer.byteLength(statement));
    yield undo.join('');
  }
}

const MIB = 1024 * 1024;
/** What every server takes unless it is told otherwise. Source: MySQL 5.6 manual, max_allowed_packet. */
const USUAL_PACKET_BYTES = 4 * MIB;

/** A server cuts the connection at a longer statement, and so do the clients, each with a setting of its own. */
function needs(longest: number): string[] {
  if (longest < USUAL_PACKET_BYTES) return [];
  const packet = (Math.floor(longest / MIB) + 1) * MIB;
  return [
    `Its longest statement has ${longest} bytes: the server and the client (--max-allowed-packet) need max_allowed_packet = ${packet}.`,
  ];
}

async function* asCsv({ batches, tables }: RowsToWrite): AsyncGenerator<string> {
  for (const { columns } of tables.values()) yield `${columns.map(({ name }) => csvText(name)).join(',')}\r\n`;
  for await (const batch of batches) {
    const { columns } = tableOf(batch, tables);
    const line = ({ before }: { before: RawImage }): string =>
      `${columns.map((column) => csvValue(column, before)).join(',')}\r\n`;
    yield batch.rows.map(line).join('');
  }
}

function csvValue({ key, format }: WritableColumn, image: RawImage): string {
  const value = image[key];
  return value === null || value === undefined ? '' : csvText(format.text(value));
}

function csvText(text: string): string {
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

async function* asJson({ batches, tables }: RowsToWrite): AsyncGenerator<string> {
  let separator = '[\n';
  for await (const batch of batches) {
    const table = tableOf(batch, tables);
    const rows = shownRows(batch, table).map((row) => JSON.stringify(row));
    if (rows.length === 0) continue;
    yield `${separator}${rows.join(',\n')}`;
    separator = ',\n';
  }
  yield separator === '[\n' ? '[]\n' : '\n]\n';
}

export type ShownValue = string | number | null;

/** A row as JSON shows it: numbers that JSON cannot hold exactly are text. */
export interface ShownRow {
  readonly change: 'delete' | 'update';
  readonly schema: string;
  readonly table: string;
  readonly before: Readonly<Record<string, ShownValue>>;
  /** null of a deleted row; of an updated one, the columns that changed. */
  readonly after: Readonly<Record<string, ShownValue>> | null;
}

/** The rows of one event, for people and programs; without the columns that the log left out. */
export function shownRows({ head, rows }: RowsBatch, { schema, name, columns }: WritableTable): ShownRow[] {
  const [inBefore, inAfter] = head.present.map((present) => columns.filter(({ index }) => hasBit(present, index)));
  return rows.map(({ before, after }) => {
    const old = shownImage(inBefore ?? [], before);
    const changed = after === null ? null : changesOf(old, shownImage(inAfter ?? [], after));
    return { change: head.kind === 'delete' ? 'delete' : 'update', schema, table: name, before: old, after: changed };
  });
}

type ShownImage = Readonly<Record<string, ShownValue>>;

function changesOf(before: ShownImage, after: ShownImage): ShownImage {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => before[key] !== value));
}

function shownImage(columns: readonly WritableColumn[], image: RawImage): ShownImage {
  return Object.fromEntries(columns.map((column) => [column.name, shownValue(column, image[column.key])]));
}

function shownValue({ format }: WritableColumn, value: unknown): ShownValue {
  if (value === null || value === undefined) return null;
  const text = format.text(value);
  return format.isNumber === true && String(Number(text)) === text && !/\d{16}/.test(text) ? Number(text) : text;
}

function tableOf({ table }: RowsBatch, tables: ReadonlyMap<string, WritableTable>): WritableTable {
  const found = tables.get(tableKey(table));
  if (found === undefined) throw new Error(`rows of ${tableText(table)} were not asked for`);
  return found;
}
