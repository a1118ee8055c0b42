import { ROLE, ROLES } from './event-role.ts';
import type { EventView } from './event-view.ts';
import type { Flavor } from './gtid.ts';
import type { GroupVisitor } from './group.ts';
import { RowReader } from './row-reader.ts';
import { destroysRows, isDeleteType } from './rows-head.ts';

/**
 * Puts off reading the events of a group that change rows until the group ends: by then it is mostly known that the
 * group is too small to matter to its visitor, and nothing was read but a few bytes of each. What is put off is read at
 * once when its bytes are about to be overwritten, or when it may be much.
 */
export class RowQueue {
  readonly #visitor: GroupVisitor;
  readonly #reader: RowReader;
  /** Where the first and the newest event that was put off stand in the buffer of `#view`; -1: there is none. */
  #first = -1;
  #newest = -1;
  /** The same for all of them: bytes behind an event's body, and from its place in the buffer to that in the file. */
  #checksumBytes = 0;
  #shift = 0;
  #isReading = false;
  /** The group's rows are not more than these. */
  #mostDeleted = 0;
  #mostUpdated = 0;
  readonly #view: EventView;
  /** Its visitor wants to hear nothing of rows. */
  readonly #isDeaf: boolean;

  constructor(visitor: GroupVisitor) {
    this.#visitor = visitor;
    this.#reader = new RowReader(visitor);
    this.#isDeaf = !['rows', 'annotation', 'cascade'].some((name) => name in visitor);
    const nothing = Buffer.alloc(0);
    const data = new DataView(nothing.buffer);
    const numbers = { at: 0, available: 0, length: 0, offset: 0, type: 0, time: 0, serverId: 0, flags: 0 };
    this.#view = { buffer: nothing, data, ...numbers };
  }

  /** Table ids begin anew. */
  format(flavor: Flavor): void {
    this.#reset();
    this.#reader.format(flavor);
  }

  groupBegins(): void {
    this.#reset();
    this.#reader.groupBegins();
  }

  /** A statement in text form comes between: what it says may be about the rows before it, a ROLLBACK TO SAVEPOINT. */
  statementComes(): void {
    if (this.#first >= 0) this.#readAll();
  }

  /** Comes before the visitor is told of the group. */
  groupEnds(): void {
    if (this.#first >= 0 && this.#matters()) this.#readAll();
    this.#reset();
  }

  /** A TABLE_MAP, rows, ANNOTATE_ROWS or ROWS_QUERY event of the open group. @param bodyEnd index just after its body, checksum excluded */
  event(view: EventView, bodyEnd: number): void {
    if (this.#isDeaf) return;
    if (this.#isReading) this.#reader.event(view, bodyEnd);
    else if (this.#first < 0 ? this.#begins(view, bodyEnd) : this.#follows(view)) this.#note(view, bodyEnd);
    else this.#read(view, bodyEnd);
  }

  /** An event too large to hold begins. @returns true if its bytes are to come by `bytes`, and then by `event` its head */
  begin(view: EventView, bodyBytes: number): boolean {
    if (this.#isDeaf) return false;
    this.#readAll();
    return this.#reader.begin(view, bodyBytes);
  }

  /** The next bytes of the event that began, from its header on. */
  bytes(bytes: Buffer): void {
    this.#reader.bytes(bytes);
  }

  /** The bytes of earlier events are about to be overwritten. */
  release(): void {
    if (this.#first >= 0) this.#readAll();
    this.#visitor.release?.();
  }

  #reset(): void {
    this.#first = -1;
    this.#isReading = false;
    this.#mostDeleted = 0;
    this.#mostUpdated = 0;
  }

  #matters(): boolean {
    return this.#visitor.wantsRows?.(this.#mostDeleted, this.#mostUpdated) !== false;
  }

  #note(view: EventView, bodyEnd: number): void {
    this.#newest = view.at;
    if (destroysRows(view.type)) this.#weigh(view, bodyEnd);
  }

  /** True where it will be found again: it is in the buffer as it is, and whole. Rows that were decompressed are not. */
  #begins(view: EventView, bodyEnd: number): boolean {
    if (view.available < view.length || view.data.getUint8(view.at + 4) !== view.type) return false;
    this.#first = view.at;
    this.#view.buffer = view.buffer;
    this.#view.data = view.data;
    this.#checksumBytes = view.at + view.length - bodyEnd;
    this.#shift = view.offset - view.at;
    return true;
  }

  /** True where walking on from the first one comes to it. Events of a payload all have one offset. */
  #follows({ buffer, offset, at }: EventView): boolean {
    return buffer === this.#view.buffer && offset - at === this.#shift;
  }

  #weigh(view: EventView, bodyEnd: number): void {
    const most = this.#reader.mostRows(view, bodyEnd);
    if (isDeleteType(view.type)) this.#mostDeleted += most;
    else this.#mostUpdated += most;
    // What cannot be bounded is of a table that was not read yet, or cannot be: reading tells.
    if (most === Infinity) this.#readAll();
  }

  #read(view: EventView, bodyEnd: number): void {
    this.#readAll();
    this.#reader.event(view, bodyEnd);
  }

  /** Reads what was put off, and from now on each event of the group as it comes. */
  #readAll(): void {
    this.#isReading = true;
    if (this.#first < 0) return;
    const view = this.#view;
    for (let at = this.#first; at <= this.#newest; at += view.length) {
      view.type = view.data.getUint8(at + 4);
      view.at = at;
      view.length = view.data.getUint32(at + 9, true);
      view.available = view.length;
      view.offset = at + this.#shift;
      if (ROLES[view.type] === ROLE.ROWS) this.#reader.event(view, at + view.length - this.#checksumBytes);
    }
    this.#first = -1;
  }
}
