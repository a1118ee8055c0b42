import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { RowChange } from './group.ts';
import type { KnownTables } from './known-tables.ts';
import type { RowShape, ShapeKind } from './row-layout.ts';
import { packedNumber, tableIdOf } from './table-map.ts';

const PARTIAL_UPDATE = 39;
/** Here and above, a list of extra data stands before the columns. */
const FIRST_OF_VERSION_2 = 30;

const SHAPES = new Map<number, ShapeKind>([
  [24, 'update'],
  [25, 'delete'],
  [31, 'update'],
  [32, 'delete'],
  [PARTIAL_UPDATE, 'partial'],
]);

const INSERTS: ReadonlySet<number> = new Set([23, 30]);

/** What rows events do, by their type: 23 to 25 of version 1, 30 to 32 of version 2, 39 with partial JSON. */
export const ROWS_KINDS: readonly (RowChange['kind'] | undefined)[] = Array.from({ length: 256 }, (_, type) => {
  if (INSERTS.has(type)) return 'insert';
  const shape = SHAPES.get(type);
  return shape === 'partial' ? 'update' : shape;
});

/** True for the types of events that delete rows. */
export function isDeleteType(type: number): boolean {
  return type === 25 || type === 32;
}

/** True for the types of events that delete or update rows. */
export function destroysRows(type: number): boolean {
  return SHAPE_KINDS[type] !== undefined;
}

const SHAPE_KINDS: readonly (ShapeKind | undefined)[] = Array.from({ length: 256 }, (_, type) => SHAPES.get(type));

/** Table id 6, flags 2. */
export const ROWS_FIXED_BYTES = 8;
const STATEMENT_END_FLAG = 1;

/** Below this a packed number is one byte. */
const ONE_BYTE = 251;

/**
 * The part of a rows event before its rows, read again and again into the same object.
 * Source: MySQL 9 libs/mysql/binlog/event/rows_event.h, Rows_event; MariaDB 10.11 sql/log_event.cc, Rows_log_event.
 */
export class RowsHead {
  /** -1 when it is cut off. */
  tableId = -1;
  endsStatement = false;
  /** Index of the first row in the view's buffer. */
  rowsAt = 0;
  /**
   * null when the rows cannot be walked: an unknown table or column type, or lengths that contradict each other; and of inserts,
   * whose rows nobody counts.
   */
  shape: RowShape | null = null;

  /** @param bodyEnd index in the view's buffer just after the body, checksum excluded */
  read(view: EventView, bodyEnd: number, tables: KnownTables): void {
    const { buffer, data, type } = view;
    const body = view.at + EVENT_HEADER_BYTES;
    this.shape = null;
    this.tableId = -1;
    this.endsStatement = false;
    if (body + ROWS_FIXED_BYTES + 2 > bodyEnd) return;
    this.tableId = tableIdOf(view);
    this.endsStatement = (data.getUint8(body + 6) & STATEMENT_END_FLAG) !== 0;
    const layout = tables.get(this.tableId)?.map.layout;
    const kind = SHAPE_KINDS[type];
    if (kind === undefined || layout === undefined || layout === null) return;
    const at =
      body + ROWS_FIXED_BYTES + (type < FIRST_OF_VERSION_2 ? 0 : data.getUint16(body + ROWS_FIXED_BYTES, true));
    const first = at < bodyEnd ? (buffer[at] as number) : 0;
    const bitmaps = first < ONE_BYTE ? at + 1 : packedNumber(buffer, at).end;
    const columns = first < ONE_BYTE ? first : packedNumber(buffer, at).value;
    this.rowsAt = bitmaps + layout.bitmapBytes(kind);
    if (columns === layout.columns.length && this.rowsAt <= bodyEnd) this.shape = layout.shape(kind, buffer, bitmaps);
  }
}
