import { readSegmentFormat } from '../../archive/read-segment.ts';
import { EVENT } from '../../binlog/event-type.ts';
import type { Flavor } from '../../binlog/gtid.ts';
import type { Logger } from '../../platform/logger.ts';
import { COLUMN_TYPE as T } from './column-type.ts';
import { parseTableMap, type MappedTable } from './mapped-table.ts';
import { readRows, type DecoderEvent, type RowsBatch } from './read-rows.ts';
import { hasAllColumns, parseRowsHead, type RowsHead } from './rows-events.ts';
import { servedTableMap } from './served-table.ts';
import { tableKey } from './table-definition.ts';
import { readWholeEvents, type LogPart } from './whole-events.ts';

/** A table of which a group changed rows, found without decoding them. */
export interface ChangedTable {
  readonly table: MappedTable;
  /** Events, not rows. */
  readonly events: Readonly<Record<RowsHead['kind'], number>>;
  /** False when a row that was deleted or updated is not written with all its columns: binlog_row_image is not FULL. */
  readonly whole: boolean;
  /** Why its rows cannot be decoded; null when they can. */
  readonly problem: string | null;
}

/** What one group says of rows. */
export interface ChangedRows {
  readonly tables: readonly ChangedTable[];
  /** Events with rows that this version cannot read, in words; null when there are none. */
  readonly unread: string | null;
}

const PARTIAL_UPDATE_ROWS = 39;
/** Source: MariaDB 12.3 sql/log_event.h, PARTIAL_ROW_DATA_EVENT. */
const PARTIAL_ROW_DATA = 172;

const UNREAD: ReadonlyMap<number, string> = new Map([
  [PARTIAL_UPDATE_ROWS, 'JSON values are written as differences (binlog_row_value_options=PARTIAL_JSON)'],
  [PARTIAL_ROW_DATA, 'rows are written in fragments'],
]);

type Found = { -readonly [Key in keyof ChangedTable]: ChangedTable[Key] };

/** Finds the tables of which a group changed rows, in the order of the log. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function findChangedRows(part: LogPart): Promise<ChangedRows> {
  const { format } = await readSegmentFormat(part.segment);
  const mapped = new Map<number, MappedTable>();
  const found = new Map<string, Found>();
  let unread: string | null = null;
  for await (const { type, body } of readWholeEvents(part)) {
    unread ??= UNREAD.get(type) ?? null;
    if (type === EVENT.TABLE_MAP) remember(mapped, body);
    const head = parseRowsHead(type, body);
    if (head === null || head.tableId === NO_TABLE) continue;
    const table = mapped.get(head.tableId);
    if (table === undefined) unread ??= 'rows are of a table that the log does not describe';
    else note(found, { table, head, flavor: format.flavor });
  }
  return { tables: [...found.values()], unread };
}

/** Ends a statement without rows. Source: MySQL 9 sql/log_event.cc, Rows_log_event::do_apply_event. */
const NO_TABLE = 0xffffff;

function note(found: Map<string, Found>, o: { table: MappedTable; head: RowsHead; flavor: Flavor }): void {
  const { table, head, flavor } = o;
  const key = tableKey(table);
  const changed = found.get(key) ?? {
    ...{ table, whole: true, problem: problemOf(table, flavor) },
    events: { insert: 0, update: 0, delete: 0 },
  };
  found.set(key, changed);
  if (!isSameMap(changed.table, table)) changed.problem ??= 'its definition changed between these rows';
  changed.events = { ...changed.events, [head.kind]: changed.events[head.kind] + 1 };
  if (head.kind !== 'insert') changed.whole &&= hasAllColumns(head.present[0], table.columns.length);
}

/** The number of a table is another one whenever the server opens it anew. */
function isSameMap(one: MappedTable, other: MappedTable): boolean {
  const text = ({ columns, nullable, optional }: MappedTable): string =>
    `${JSON.stringify(columns)} ${nullable.toString('hex')} ${optional.toString('hex')}`;
  return one === other || text(one) === text(other);
}

function remember(mapped: Map<number, MappedTable>, body: Buffer): void {
  const table = parseTableMap(body);
  if (table !== null) mapped.set(table.id, table);
}

const OLD_TIMES: readonly number[] = [T.TIME, T.DATETIME, T.TIMESTAMP];

function problemOf(table: MappedTable, flavor: Flavor): string | null {
  if (servedTableMap(table) === null) return 'a column has a type that this version does not know';
  const isOld = flavor === 'mariadb' && table.columns.some(({ type }) => OLD_TIMES.includes(type));
  return isOld ? "a column's times are in the format of MariaDB 5.3, whose length the log does not say" : null;
}

export interface LostRowsOptions {
  readonly part: LogPart;
  /** Only these tables, by `tableKey`. */
  readonly tables: ReadonlySet<string>;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** Decodes what a group deleted and updated, in the order of the log; memory stays that of its largest event. */
export async function* readLostRows({ part, tables, log, signal }: LostRowsOptions): AsyncGenerator<RowsBatch> {
  const { bytes: formatEvent } = await readSegmentFormat(part.segment);
  yield* readRows({ formatEvent, events: decoderEvents(part, tables), log, signal });
}

async function* decoderEvents(part: LogPart, tables: ReadonlySet<string>): AsyncGenerator<DecoderEvent> {
  const mapped = new Map<number, MappedTable>();
  for await (const { type, body } of readWholeEvents(part)) {
    if (type === EVENT.TABLE_MAP) {
      remember(mapped, body);
      const table = mapped.get(body.readUIntLE(0, 6));
      const served = table === undefined || !tables.has(tableKey(table)) ? null : servedTableMap(table);
      if (served !== null) yield { type, body: served, rows: null };
      continue;
    }
    const head = parseRowsHead(type, body);
    const table = head === null || head.kind === 'insert' ? undefined : mapped.get(head.tableId);
    if (head === null || table === undefined || !tables.has(tableKey(table))) continue;
    yield { type, body: Buffer.from(body), rows: { table, head } };
  }
}
