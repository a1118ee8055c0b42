import { countRows, type RowCount, type RowRange } from './count-rows.ts';
import { EVENT, EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import type { Flavor } from './gtid.ts';
import type { GroupVisitor, RowChange, RowsEvent } from './group.ts';
import { isDeleteType, ROWS_FIXED_BYTES, ROWS_KINDS, RowsHead } from './rows-head.ts';
import { RowStream } from './row-stream.ts';
import { KnownTables, type HeadMemo, type KnownTable } from './known-tables.ts';
import { tableIdOf } from './table-map.ts';

/** No server takes a larger packet: a length above it is damage. Source: MySQL 8.4 manual, max_allowed_packet. */
const MOST_GATHERED = 2 ** 30;

/** Closes a statement that changed no row of its own. Source: MySQL 9 sql/log_event.cc, Rows_log_event: dummy table id. */
const NO_TABLE = 0xffffff;

/**
 * Tells which rows the events of a group change: tables by their TABLE_MAP events, and how many rows UPDATE and DELETE
 * events have. Nothing is made for a row or an event.
 */
export class RowReader {
  readonly #visitor: GroupVisitor;
  readonly #tables = new KnownTables();
  #flavor: Flavor = 'mysql';
  /** The tables that the open statement named, and its number, so that those which it changed are known. */
  readonly #named: KnownTable[] = [];
  #namedCount = 0;
  #statement = 1;
  #group = 1;
  #destroys = false;
  #isAnnotated = false;
  #stream: LargeRows | null = null;
  /** The large event whose bytes are still arriving, for a visitor that wants it whole. */
  #gathered: { readonly bytes: Buffer; have: number } | null = null;
  readonly #head = new RowsHead();
  readonly #range: RowRange = { bytes: Buffer.alloc(0), from: 0, to: 0 };
  readonly #count: RowCount = { rows: 0, exact: true };
  readonly #change: Mutable<RowChange> = {
    kind: 'insert',
    schema: '',
    table: '',
    rows: 0,
    exact: true,
    bytes: 0,
    offset: 0,
  };

  readonly #event: Mutable<RowsEvent> = {
    type: 0,
    table: null,
    bytes: this.#range.bytes,
    from: 0,
    to: 0,
    isWhole: true,
  };

  constructor(visitor: GroupVisitor) {
    this.#visitor = visitor;
  }

  /** The events that follow are of a file, or of a server's run, in which table ids begin anew. */
  format(flavor: Flavor): void {
    this.#flavor = flavor;
    this.#tables.clear();
    this.groupBegins();
  }

  /** What a group before left open is over. */
  groupBegins(): void {
    this.#namedCount = 0;
    this.#destroys = false;
    this.#isAnnotated = false;
    this.#stream = null;
    this.#gathered = null;
    this.#statement += 1;
    this.#group += 1;
  }

  /** A TABLE_MAP, rows, ANNOTATE_ROWS or ROWS_QUERY event of the open group. @param bodyEnd index just after its body, checksum excluded */
  event(view: EventView, bodyEnd: number): void {
    switch (view.type) {
      case EVENT.TABLE_MAP:
        this.#name(view, bodyEnd);
        return;
      case EVENT.ANNOTATE_ROWS:
        this.#annotate(view.buffer, view.at + EVENT_HEADER_BYTES, bodyEnd);
        return;
      case EVENT.ROWS_QUERY:
        // A byte with the text's length, modulo 256, stands before it.
        this.#annotate(view.buffer, view.at + EVENT_HEADER_BYTES + 1, bodyEnd);
        return;
      default:
        this.#rows(view, bodyEnd);
    }
  }

  /** An event that deletes or updates rows has not more than so many; Infinity when only reading can tell. */
  mostRows(view: EventView, bodyEnd: number): number {
    const isDelete = isDeleteType(view.type);
    const body = view.at + EVENT_HEADER_BYTES;
    const known = body + ROWS_FIXED_BYTES > bodyEnd ? undefined : this.#tables.get(tableIdOf(view));
    const memo = known === undefined ? null : isDelete ? known.deleteHead : known.updateHead;
    if (memo !== null && startsWith(view.buffer, body + ROWS_FIXED_BYTES, memo.bytes)) {
      return Math.max(0, bodyEnd - body - ROWS_FIXED_BYTES - memo.bytes.length) * memo.rowsPerByte;
    }
    const { shape, rowsAt, tableId } = this.#parse(view, bodyEnd);
    if (shape === null || known === undefined) return tableId === NO_TABLE ? 0 : Infinity;
    const bytes = Buffer.from(view.buffer.subarray(body + ROWS_FIXED_BYTES, rowsAt));
    const newest: HeadMemo = { bytes, rowsPerByte: (1 / shape.leastBytes) * ROUNDED_UP };
    if (isDelete) known.deleteHead = newest;
    else known.updateHead = newest;
    return (bodyEnd - rowsAt) * newest.rowsPerByte;
  }

  /** An event too large to hold begins. @returns true if its bytes are to come by `bytes`, and then by `event` its head */
  begin(view: EventView, bodyBytes: number): boolean {
    this.#stream = null;
    this.#gathered = null;
    const kind = ROWS_KINDS[view.type];
    if (kind === undefined) return false;
    const gathers = this.#visitor.gathersRows === true && bodyBytes <= MOST_GATHERED;
    if (gathers) this.#gathered = { bytes: Buffer.allocUnsafeSlow(EVENT_HEADER_BYTES + bodyBytes), have: 0 };
    return (kind !== 'insert' && this.#beginCounting(view, bodyBytes)) || gathers;
  }

  #beginCounting(view: EventView, bodyBytes: number): boolean {
    const { shape, rowsAt, tableId } = this.#parse(view, view.at + view.available);
    if (shape === null || this.#tableOf(tableId) === undefined) return false;
    const skip = rowsAt - view.at;
    this.#stream = { rows: new RowStream(shape), skip, missing: EVENT_HEADER_BYTES + bodyBytes - skip };
    return true;
  }

  /** The next bytes of the event that began, from its header on. */
  bytes(bytes: Buffer): void {
    if (this.#gathered !== null) this.#gathered.have += bytes.copy(this.#gathered.bytes, this.#gathered.have);
    const stream = this.#stream;
    if (stream === null) return;
    const from = Math.min(stream.skip, bytes.length);
    const to = Math.min(bytes.length, from + stream.missing);
    stream.skip -= from;
    stream.missing -= to - from;
    stream.rows.feed(bytes, from, to);
  }

  #annotate(bytes: Buffer, from: number, to: number): void {
    this.#isAnnotated = true;
    this.#visitor.annotation?.(bytes, Math.min(from, to), to);
  }

  #name(view: EventView, bodyEnd: number): void {
    if (!this.#isAnnotated) this.#annotate(view.buffer, view.at, view.at); // else the text before would be taken for its own
    const table = this.#tables.learn(view, { bodyEnd, group: this.#group, inStatement: this.#namedCount > 0 });
    if (table === null) return;
    this.#named[this.#namedCount] = table;
    this.#namedCount += 1;
  }

  #rows(view: EventView, bodyEnd: number): void {
    const kind = ROWS_KINDS[view.type];
    if (kind === undefined) return;
    const { tableId, endsStatement } = this.#parse(view, bodyEnd);
    if (tableId !== NO_TABLE) {
      const table = this.#tableOf(tableId);
      if (table === undefined) this.#head.shape = null;
      else table.changedIn = this.#statement;
      if (kind !== 'insert') this.#destroys = true;
      this.#tell(view, bodyEnd, table);
    }
    if (endsStatement) this.#statementEnds();
  }

  /** Only what its own group has named: where a TABLE_MAP is damaged, one of an earlier group may be of another table. */
  #tableOf(id: number): KnownTable | undefined {
    const table = this.#tables.get(id);
    return table?.namedIn === this.#group ? table : undefined;
  }

  #parse(view: EventView, bodyEnd: number): RowsHead {
    this.#head.read(view, bodyEnd, this.#tables);
    return this.#head;
  }

  #tell(view: EventView, bodyEnd: number, table: KnownTable | undefined): void {
    const change = this.#change;
    change.kind = ROWS_KINDS[view.type] ?? 'insert';
    change.schema = table?.map.schema ?? '';
    change.table = table?.map.table ?? '';
    change.offset = view.offset;
    change.bytes = view.length;
    if (change.kind === 'insert') {
      change.rows = 0;
      change.exact = true;
    } else {
      this.#countRows(view, bodyEnd);
      change.rows = this.#count.rows;
      change.exact = this.#count.exact;
    }
    this.#visitor.rows?.(change, this.#eventOf(view, bodyEnd, table));
  }

  #eventOf(view: EventView, bodyEnd: number, table: KnownTable | undefined): RowsEvent {
    const event = this.#event;
    const gathered = this.#gathered;
    const isGathered = view.available < view.length && gathered?.have === gathered?.bytes.length;
    event.type = view.type;
    event.table = table?.map ?? null;
    event.bytes = isGathered && gathered !== null ? gathered.bytes : view.buffer;
    event.from = event.bytes === view.buffer ? view.at + EVENT_HEADER_BYTES : EVENT_HEADER_BYTES;
    event.to = event.bytes === view.buffer ? bodyEnd : event.bytes.length;
    event.isWhole = view.available === view.length || event.bytes !== view.buffer;
    this.#gathered = null;
    return event;
  }

  #countRows(view: EventView, bodyEnd: number): void {
    const { shape, rowsAt } = this.#head;
    const count = this.#count;
    if (view.available < view.length && this.#stream !== null) {
      Object.assign(count, this.#stream.rows.count);
      this.#stream = null;
      return;
    }
    count.rows = 0;
    count.exact = false;
    if (shape === null) return;
    const range = this.#range;
    range.bytes = view.buffer;
    range.from = rowsAt;
    range.to = bodyEnd;
    countRows(shape, range, count);
    if (view.available < view.length) count.exact = false;
  }

  #statementEnds(): void {
    if (this.#destroys) this.#cascades();
    this.#namedCount = 0;
    this.#destroys = false;
    this.#isAnnotated = false;
    this.#statement += 1;
  }

  /**
   * The engine deletes and updates rows of child tables by itself, and nothing of it is logged. MariaDB names the child
   * like a table that the statement changes; MySQL marks the parent. Seen on MariaDB 10.11.19 and MySQL 5.6.24.
   */
  #cascades(): void {
    for (const { map, changedIn } of this.#named.slice(0, this.#namedCount)) {
      const isChanged = changedIn === this.#statement;
      if (this.#flavor === 'mariadb' && !isChanged) this.#visitor.cascade?.({ schema: map.schema, table: map.table });
      if (isChanged && map.isReferred) this.#visitor.cascade?.(null);
    }
  }
}

/** So that a product that is a whole number is not taken for less. */
const ROUNDED_UP = 1 + 1e-9;

function startsWith(buffer: Buffer, at: number, bytes: Buffer): boolean {
  for (let index = 0; index < bytes.length; index += 1) if (buffer[at + index] !== bytes[index]) return false;
  return true;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** A rows event whose bytes are still arriving. */
interface LargeRows {
  readonly rows: RowStream;
  /** Bytes before its rows. */
  skip: number;
  /** Bytes of its rows that are still to come. */
  missing: number;
}
