import { EVENT_HEADER_BYTES } from './event-type.ts';
import type { EventView } from './event-view.ts';
import { parseTableMap, tableIdOf, type TableMap } from './table-map.ts';

/** A table as the newest TABLE_MAP event of its id has it. */
export interface KnownTable {
  readonly id: number;
  readonly map: TableMap;
  /** The number of the last group that named it: in others its id means nothing. */
  namedIn: number;
  /** The number of the last statement that changed it. */
  changedIn: number;
  /** What its newest DELETE and its newest UPDATE were like, between the flags and the rows. */
  deleteHead: HeadMemo | null;
  updateHead: HeadMemo | null;
}

/** Bytes that rows events have before their rows, and what they mean: nearly all events of a table have the same. */
export interface HeadMemo {
  readonly bytes: Buffer;
  /** How many rows there can be in a byte. */
  readonly rowsPerByte: number;
}

/** A power of two. */
const RECENT = 64;

/** Beyond this, all are forgotten between two statements: a table that is still in use is soon known again. */
const MOST_KNOWN = 1024;

/** The tables that rows events speak of by a number. A TABLE_MAP event is parsed once, and then only compared. */
export class KnownTables {
  readonly #tables = new Map<number, KnownTable>();
  /** Those asked for lately, by the last bits of their ids: a look-up in a Map costs more. */
  readonly #recent: (KnownTable | undefined)[] = new Array<KnownTable | undefined>(RECENT).fill(undefined);

  clear(): void {
    this.#tables.clear();
    this.#recent.fill(undefined);
  }

  get(id: number): KnownTable | undefined {
    const recent = this.#recent[id & (RECENT - 1)];
    if (recent?.id === id) return recent;
    const known = this.#tables.get(id);
    if (known !== undefined) this.#recent[id & (RECENT - 1)] = known;
    return known;
  }

  /**
   * Takes a TABLE_MAP event; null when it cannot be read: its id then means no table.
   * @param o.group the number of its group
   * @param o.inStatement others that its statement has named must stay known
   */
  learn(view: EventView, o: { bodyEnd: number; group: number; inStatement: boolean }): KnownTable | null {
    if (view.at + EVENT_HEADER_BYTES + 8 > o.bodyEnd) return null;
    const id = tableIdOf(view);
    const known = this.get(id);
    if (known !== undefined && isSame(known.map.body, view, o.bodyEnd)) {
      known.namedIn = o.group;
      return known;
    }
    if (this.#tables.size >= MOST_KNOWN && !o.inStatement) this.clear();
    const map = parseTableMap(view, o.bodyEnd);
    this.#tables.delete(id);
    this.#recent[id & (RECENT - 1)] = undefined;
    if (map === null) return null;
    const table: KnownTable = { id, map, namedIn: o.group, changedIn: 0, deleteHead: null, updateHead: null };
    this.#tables.set(id, table);
    return table;
  }
}

/** Above this, one native call is faster. */
const SHORT_BYTES = 200;

function isSame(body: Buffer, { buffer, at }: EventView, bodyEnd: number): boolean {
  const from = at + EVENT_HEADER_BYTES;
  if (body.length !== bodyEnd - from) return false;
  if (body.length > SHORT_BYTES) return body.compare(buffer, from, bodyEnd) === 0;
  for (let index = 0; index < body.length; index += 1) if (body[index] !== buffer[from + index]) return false;
  return true;
}
