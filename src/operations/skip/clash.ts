import type { ArchivedSegment } from '../../archive/repository.ts';
import { hasBit } from '../../binlog/row-layout.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { definitionOfServer } from '../evidence/definition-of-server.ts';
import type { DescribedGroup } from '../evidence/group-describer.ts';
import type { RawImage } from '../evidence/read-rows.ts';
import { writableTable, type WritableColumn, type WritableTable } from '../evidence/writable-table.ts';
import { readTableRows, type PlacedBatch } from './table-rows.ts';

/** A row's columns by name, as text; null is NULL. */
export type ShownImage = Readonly<Record<string, string | null>>;

/** A row that the log brings and the one that the target has under the same key. */
export interface Clash {
  readonly schema: string;
  readonly table: string;
  readonly kind: 'insert' | 'update' | 'delete';
  /** What the log has; of an update, before and after. */
  readonly brings: readonly ShownImage[];
  /** null: it has none. */
  readonly has: ShownImage | null;
}

export interface ClashSource {
  readonly segment: ArchivedSegment;
  readonly group: DescribedGroup;
  /** The server's own words. */
  readonly message: string;
  readonly target: ServerConnection;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** As MariaDB and MySQL write it: `Could not execute Write_rows_v1 event on table shop.orders; Duplicate entry '1' for key 'PRIMARY'`. */
const TABLE = /event on table (.+?)\.(.+?)[;,]/;
const KEY = /Duplicate entry .* for key '(?:[^']*\.)?([^']+)'/s;

/** So many rows of the group are looked for on the target, one query each. */
const MOST_ROWS = 1000;

/** Finds the row of the group that the target cannot take; null where the error is not about rows, or it is not found. */
export async function findClash(source: ClashSource): Promise<Clash | null> {
  const { segment, group, message, target, log, signal } = source;
  const [, schema, name] = TABLE.exec(message) ?? [];
  if (schema === undefined || name === undefined) return null;
  const definition = await definitionOfServer(target, { schema, name });
  const keyName = KEY.exec(message)?.[1] ?? 'PRIMARY';
  const key = await columnsOf(target, { schema, name, keyName });
  if (definition === null || key.length === 0) return null;
  let looked = 0;
  const rows = readTableRows({ segment, from: group.start, to: group.end, table: { schema, name }, log, signal });
  for await (const batch of rows) {
    const table = writableTable(batch, definition);
    for (const row of batch.rows) {
      if (looked >= MOST_ROWS) return null;
      looked += 1;
      const has = await clashing({ target, table, key, isDuplicate: KEY.test(message) }, batch, row);
      if (has !== undefined)
        return { schema, table: name, kind: batch.head.kind, brings: imagesOf(table, batch, row), has };
    }
  }
  return null;
}

async function columnsOf(
  target: ServerConnection,
  { schema, name, keyName }: { schema: string; name: string; keyName: string },
): Promise<string[]> {
  const rows = await target.query<{ name: string }>(
    `SELECT COLUMN_NAME AS name FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND INDEX_NAME = ? ORDER BY SEQ_IN_INDEX`,
    [schema, name, keyName],
  );
  return rows.map(({ name: column }) => column);
}

interface Search {
  readonly target: ServerConnection;
  readonly table: WritableTable;
  readonly key: readonly string[];
  readonly isDuplicate: boolean;
}

type Row = PlacedBatch['rows'][number];

/** What the target has where it should not, or null where it should have a row; undefined where nothing clashes. */
async function clashing(search: Search, batch: PlacedBatch, row: Row): Promise<ShownImage | null | undefined> {
  const { isDuplicate } = search;
  if (isDuplicate && batch.head.kind === 'delete') return undefined;
  const isNew = isDuplicate && row.after !== null;
  const image = isNew ? row.after : row.before;
  const present = batch.head.present[isNew ? 1 : 0];
  const found = await find(search, { ...row.before, ...withPresent(image, present) });
  if (isDuplicate) return found ?? undefined;
  return found === null && batch.head.kind !== 'insert' ? null : undefined;
}

/** A new image may lack columns that stay as they were. */
function withPresent(image: RawImage, present: Buffer): RawImage {
  return Object.fromEntries(Object.entries(image).filter(([column]) => hasBit(present, Number(column))));
}

async function find({ target, table, key }: Search, image: RawImage): Promise<ShownImage | null> {
  const parts = key.map((name) => table.columns.find((column) => column.name === name));
  if (parts.some((column) => column === undefined)) return null;
  const where = (parts as readonly WritableColumn[]).map((column) => {
    const value = image[column.key];
    return `${quoteName(column.name)} = ${value === null || value === undefined ? 'NULL' : column.format.sql(value)}`;
  });
  const [row] = await target.query(
    `SELECT * FROM ${quoteName(table.schema)}.${quoteName(table.name)} WHERE ${where.join(' AND ')} LIMIT 1`,
  );
  return row === undefined
    ? null
    : Object.fromEntries(Object.entries(row).map(([name, value]) => [name, textOf(value)]));
}

function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return `0x${value.toString('hex')}`;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function imagesOf(table: WritableTable, { head }: PlacedBatch, { before, after }: Row): ShownImage[] {
  const shown = (image: RawImage, present: Buffer): ShownImage => {
    const columns = table.columns.filter(({ index }) => hasBit(present, index));
    return Object.fromEntries(
      columns.map(({ name, key, format }) => {
        const value = image[key];
        return [name, value === null || value === undefined ? null : format.text(value)];
      }),
    );
  };
  const [first, second] = head.present;
  return after === null ? [shown(before, first)] : [shown(before, first), shown(after, second)];
}
