import type { GroupPhase } from './group-phase.ts';
import type { Gtid, GtidState } from './gtid.ts';
import type { TableMap } from './table-map.ts';

/**
 * A transaction group: the events that commit, or vanish, together. `[start, end)` are byte offsets in one
 * file, 64 bits wide (the server's own 32-bit positions wrap). Cuts are made only at these boundaries.
 */
export interface Group {
  readonly start: number;
  readonly end: number;
  /** null where the source writes no GTIDs, or an anonymous one. */
  readonly gtid: Gtid | null;
  /** Seconds since 1970 in the first event's header: when its statement began; forgeable by SET TIMESTAMP. */
  readonly time: number;
  readonly serverId: number;
  /** As its GTID event says (MariaDB 11.5), else of its first statement in text form; null where the log says neither. */
  readonly threadId: number | null;
  readonly events: number;
  readonly ending: GroupEnding;
  /** Set when it is one half of something: of a prepared XA transaction, of a two-phase ALTER. */
  readonly phase?: GroupPhase | undefined;
  /** True when all it changed was in tables that know transactions; undefined where the source does not say. */
  readonly transactional?: boolean | undefined;
}

/**
 * commit: XID or COMMIT · rollback: QUERY 'ROLLBACK' (its non-transactional parts stay) · prepare: XA_PREPARE,
 * takes effect with a later XA COMMIT · statement: a group of one statement (DDL).
 */
export type GroupEnding = 'commit' | 'rollback' | 'prepare' | 'statement';

/** A statement inside a group, in text form. `text` is a view: valid only during the callback that hands it over. */
export interface QueryEvent {
  readonly offset: number;
  /** Seconds since 1970. */
  readonly time: number;
  readonly threadId: number;
  /** The error the statement met on the source, and is expected to meet again; 0 is none. */
  readonly errorCode: number;
  /** Low 32 bits of sql_mode: 0x4 ANSI_QUOTES, 0x100000 NO_BACKSLASH_ESCAPES. */
  readonly sqlMode: number;
  /** Collation id of character_set_client, in which `text` is written; null when the event does not say. */
  readonly clientCharset: number | null;
  /** Default schema, always utf8; '' is none. In DROP and CREATE DATABASE it is the object itself. */
  readonly schema: string;
  readonly text: Buffer;
  /** True when the statement used a temporary table; in DROP TABLE it says nothing. */
  readonly threadSpecific: boolean;
  /** True when `text` is only the head of a statement too large to hold. */
  readonly truncated: boolean;
}

/** What an INCIDENT event says. */
export interface SourceNote {
  /** Seconds since 1970. */
  readonly time: number;
  readonly serverId: number;
  /** The source's own words; '' when it has none. */
  readonly message: string;
  /** True when the event is part of a group, which is handed over when it ends. */
  readonly inGroup: boolean;
}

/** What one event does to the rows of one table. Reused for the next: valid only during the call that hands it over. */
export interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete';
  /** Both '' when the event belongs to no known table. */
  readonly schema: string;
  readonly table: string;
  /** How many; of inserts, which destroy nothing, 0: they are not counted. */
  readonly rows: number;
  /** False when the event could not be walked to its end: there are at least so many. */
  readonly exact: boolean;
  /** Of the whole event. */
  readonly bytes: number;
  readonly offset: number;
}

/** The event of a row change itself. Reused as that is. */
export interface RowsEvent {
  readonly type: number;
  /** null when it belongs to no known table. */
  readonly table: TableMap | null;
  /** What follows its header, without the checksum: `bytes[from, to)`. */
  readonly bytes: Buffer;
  readonly from: number;
  readonly to: number;
  /** False where only its head is there. */
  readonly isWhole: boolean;
}

/** A table, as TABLE_MAP events have it. */
export interface TableName {
  readonly schema: string;
  readonly table: string;
}

/** Receives a log group by group. `query` comes for every statement but BEGIN and the group's end, then `group`. */
export interface GroupVisitor {
  query(query: QueryEvent): void;
  /** @param before the GTID state without this group; a live object: read it now, keep a clone */
  group(group: Group, before: GtidState | null): void;
  /**
   * Asked when a group ends of whose rows at most so many are deleted and updated: false, and nothing of them is read or
   * handed over. May not be asked at all.
   */
  wantsRows?(deleted: number, updated: number): boolean;
  /** Comes for each event of rows, maybe only when the group ends, and once for an event too large to hold, when it is whole. */
  rows?(change: RowChange, event: RowsEvent): void;
  /** True: events of rows that are too large to hold are gathered for `rows`, and memory is as large as they are. */
  readonly gathersRows?: boolean;
  /**
   * The text of the statement that the next rows are of, `bytes[from, to)`, in the character set of its client, which is not
   * known. The bytes stay as they are until `release`; of a text too large to hold they are only the head.
   */
  annotation?(bytes: Buffer, from: number, to: number): void;
  /**
   * The statement that just ended may have changed rows of another table by foreign keys (ON DELETE, ON UPDATE), of which a log
   * has nothing: the table; null when the source says only that there may be one. A trigger may look the same.
   */
  cascade?(child: TableName | null): void;
  /** Bytes that were handed over before are about to be overwritten. */
  release?(): void;
  /** An event of the open group, at this offset, cannot be read: what else the group did is not known. */
  unread?(offset: number): void;
  /**
   * Events of a group that never ended: its source crashed, and they count as rolled back. `isCut`: another group begins right behind,
   * so its end was written and is missing here; whether it took effect is not known.
   */
  torn?(start: number, end: number, isCut: boolean): void;
  /** An INCIDENT event `[start, end)`: the source says itself that events may be missing here. */
  sourceIncident?(start: number, end: number, note: SourceNote): void;
}
