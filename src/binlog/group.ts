import type { Gtid, GtidState } from './gtid.ts';

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
  /** Of the group's first statement in text form; null in groups that hold row events only. */
  readonly threadId: number | null;
  readonly events: number;
  readonly ending: GroupEnding;
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
  /** True when `text` is only the head of a statement too large to hold. */
  readonly truncated: boolean;
}

/** Receives a log group by group. `query` comes for every statement but BEGIN and the group's end, then `group`. */
export interface GroupVisitor {
  query(query: QueryEvent): void;
  /** @param before the GTID state without this group; a live object: read it now, keep a clone */
  group(group: Group, before: GtidState | null): void;
  /** Events of a group that never ended: the source crashed or the file is cut. They count as rolled back. */
  torn?(start: number, end: number): void;
  /** An INCIDENT event `[start, end)`: the source says itself that events may be missing here. */
  sourceIncident?(start: number, end: number): void;
}
