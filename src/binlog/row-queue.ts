import { NO_TYPES, ROLE, ROLES } from './event-role.ts';
import type { EventView } from './event-view.ts';
import type { Flavor } from './gtid.ts';
import type { GroupVisitor } from './group.ts';
import { RowReader } from './row-reader.ts';
import { destroysRows, isDeleteType } from './rows-head.ts';

/** By event type, 1 for what says which rows change, but destroys none. */
const HARMLESS: Uint8Array = ROLES.map((role, type) => Number(role === ROLE.ROWS && !destroysRows(type)));

/**
 * Puts off reading the events of a group that change rows until the group ends: by then it is mostly known that the
 * group is too small to matter to its visitor, and nothing was read but a few bytes of each. What is put off is read at
 * once when its bytes are about to be overwritten, or when it may be much.
 */
export class RowQueue {
  readonly #visitor: GroupVisitor;
  readonly #reader: RowReader;
  /** What was put off begins here in the buffer of `#view`; -1: nothing is put off. */
  #from = -1;
  /** From a place in the buffer to that in the file. */
  #shift = 0;
  #checksumBytes = 0;
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
    const numbers = { at: 0, available: 0, length: 0, offset: 0, number: 0, type: 0, time: 0, serverId: 0, flags: 0 };
    this.#view = { buffer: nothing, data, ...numbers };
  }

  /** Table ids begin anew. @param checksumBytes behind an event's body */
  format(flavor: Flavor, checksumBytes: number): void {
    this.#from = -1;
    this.#checksumBytes = checksumBytes;
    this.#reader.format(flavor);
  }

  /** @param first the group's first event */
  groupBegins(first: EventView): void {
    this.#from = first.available === first.length ? first.at : -1;
    this.#shift = first.offset - first.at;
    this.#view.buffer = first.buffer;
    this.#view.data = first.data;
    this.#mostDeleted = 0;
    this.#mostUpdated = 0;
    this.#reader.groupBegins();
  }

  /** By type, 1 for events of the open group that need not come by `event`: they are found again in the buffer. */
  get quiet(): Uint8Array {
    return this.#from < 0 && !this.#isDeaf ? NO_TYPES : HARMLESS;
  }

  /** A statement in text form comes between: what it says may be about the rows before it, a ROLLBACK TO SAVEPOINT. */
  statementComes(offset: number): void {
    this.#readAll(offset);
  }

  /** Comes before the visitor is told of the group. @param offset of the event that ends it */
  groupEnds(offset: number): void {
    if (this.#visitor.wantsRows?.(this.#mostDeleted, this.#mostUpdated) !== false) this.#readAll(offset);
    this.#from = -1;
  }

  /** A TABLE_MAP, rows, ANNOTATE_ROWS or ROWS_QUERY event of the open group. @param bodyEnd index just after its body, checksum excluded */
  event(view: EventView, bodyEnd: number): void {
    if (this.#isDeaf) return;
    // What was decompressed is not in the buffer: it cannot be found again.
    if (this.#from >= 0 && (view.buffer !== this.#view.buffer || this.#isMuch(view, bodyEnd)))
      this.#readAll(view.offset);
    if (this.#from < 0) this.#reader.event(view, bodyEnd);
  }

  /** An event too large to hold begins. @returns true if its bytes are to come by `bytes`, and then by `event` its head */
  begin(view: EventView, bodyBytes: number): boolean {
    if (this.#isDeaf) return false;
    this.#readAll(view.offset);
    return this.#reader.begin(view, bodyBytes);
  }

  /** The next bytes of the event that began, from its header on. */
  bytes(bytes: Buffer): void {
    this.#reader.bytes(bytes);
  }

  /** The bytes of events before this offset are about to be overwritten. */
  release(offset: number): void {
    this.#readAll(offset);
    this.#visitor.release?.();
  }

  /** Adds up what rows there can be. True when that has no bound: its table was not read yet, or cannot be; reading tells. */
  #isMuch(view: EventView, bodyEnd: number): boolean {
    if (!destroysRows(view.type)) return false;
    const most = this.#reader.mostRows(view, bodyEnd);
    if (isDeleteType(view.type)) this.#mostDeleted += most;
    else this.#mostUpdated += most;
    return most === Infinity;
  }

  /** Reads what was put off before this offset, and from now on each event of the group as it comes. */
  #readAll(offset: number): void {
    if (this.#from < 0 || this.#isDeaf) return;
    const view = this.#view;
    const to = offset - this.#shift;
    for (let at = this.#from; at < to; at += view.length) {
      view.at = at;
      view.type = view.data.getUint8(at + 4);
      view.length = view.data.getUint32(at + 9, true);
      view.available = view.length;
      view.offset = at + this.#shift;
      if (ROLES[view.type] === ROLE.ROWS) this.#reader.event(view, at + view.length - this.#checksumBytes);
    }
    this.#from = -1;
  }
}
