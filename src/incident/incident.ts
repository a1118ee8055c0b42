import { createHash } from 'node:crypto';
import type { Coordinates } from '../binlog/coordinates.ts';
import { formatGtid } from '../binlog/gtid-text.ts';
import type { Group } from '../binlog/group.ts';
import { formatSeconds } from '../platform/time.ts';
import type { SettledBy } from './settlement.ts';

/**
 * The gravest first: of a group that destroys in several ways this order tells the kind. How much is gone, then how
 * surely: a whole schema, whole tables, rows, columns; then what moved but is still there; definitions; guesses.
 */
export const INCIDENT_KINDS = [
  'drop-database',
  'replace-database',
  'drop-table',
  'truncate-table',
  'replace-table',
  'drop-partition',
  'truncate-partition',
  'discard-tablespace',
  'drop-column',
  'mass-delete',
  'mass-update',
  'exchange-partition',
  'rename-table',
  'drop-sequence',
  'drop-view',
  'drop-trigger',
  'drop-routine',
  'drop-event',
  'drop-user',
  'source-incident',
  'unclassified',
  'narrow-column',
] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** The gravest of some kinds; `unclassified` for none. */
export function gravestKind(kinds: readonly IncidentKind[]): IncidentKind {
  return INCIDENT_KINDS.find((kind) => kinds.includes(kind)) ?? 'unclassified';
}

/**
 * effective: it happened · rolled-back: it is in the log but was undone · pending: a later group decides, an XA COMMIT or the
 * end of an ALTER · no-op: it did nothing · unknown: the log does not tell.
 */
export type IncidentState = 'effective' | 'rolled-back' | 'pending' | 'no-op' | 'unknown';

export type ObjectType = 'database' | 'table' | 'view' | 'trigger' | 'routine' | 'event' | 'sequence' | 'user';

export interface IncidentObject {
  /** '' for an account or role, and where the statement names none and has no default schema. */
  readonly schema: string;
  /** null when the object is the schema itself; an account is `user@host`. */
  readonly name: string | null;
  readonly type: ObjectType;
  /** Where only parts of the table are concerned: the names of its columns or partitions. */
  readonly parts?: readonly string[];
  /** Where rows were changed one by one and are in the log: how many of this table. */
  readonly rows?: { readonly deleted: number; readonly updated: number };
}

/** The last group before an incident: what a restore must end with. */
export interface LastGood {
  readonly gtid: string | null;
  readonly file: string;
  /** Byte offset just after the group: the exact cut. */
  readonly end: number;
  /** RFC 3339, UTC; null when no group before it is known. */
  readonly time: string | null;
}

/** A group of `file` as the last good one before what comes next. */
export function lastGoodAt({ gtid, end, time }: Pick<Group, 'gtid' | 'end' | 'time'>, file: string): LastGood {
  return { gtid: gtid === null ? null : formatGtid(gtid), file, end, time: formatSeconds(time) };
}

/** A loop of small deletes that stands in several files. */
export interface LoopOverFiles {
  readonly deleted: number;
  readonly groups: number;
  readonly from: Coordinates;
  readonly to: Coordinates;
}

/** A destructive group. This is the JSON contract's INCIDENT, and the form the catalog keeps. */
export interface Incident {
  readonly id: string;
  readonly kind: IncidentKind;
  readonly state: IncidentState;
  readonly suspicious: boolean;
  readonly objects: readonly IncidentObject[];
  /** Passwords redacted, long texts cut. */
  readonly statement: string;
  /** Of row events; what a statement in text form changed is not in the log. `atLeast`: some could not be counted to the end. */
  readonly rows: { readonly deleted: number; readonly updated: number; readonly atLeast?: true };
  /**
   * Tables whose rows foreign keys may have changed as well, of which the log has nothing; true: the log says that there may be
   * some, not which. Left out when there are none.
   */
  readonly cascades?: readonly { readonly schema: string; readonly name: string }[] | true;
  /**
   * Set when it goes on in later groups of the same file, a loop of small deletes: how many groups it is, and where the newest
   * ends, bytes. `start`, `end` and `lastGood` are of the first one; `rows` are of all.
   */
  readonly groups?: number;
  readonly lastEnd?: number;
  /**
   * Set when such a loop goes over borders of files, each of which has an incident of its own: all of it, from its first group to
   * behind its last one, as far as the files are there without a gap.
   */
  readonly loop?: LoopOverFiles;
  readonly gtid: string | null;
  readonly lineage: string | null;
  readonly file: string;
  /** `[start, end)` of the whole group, bytes. */
  readonly start: number;
  readonly end: number;
  /** RFC 3339, UTC. */
  readonly time: string;
  readonly threadId: number | null;
  readonly serverId: number;
  readonly lastGood: LastGood | null;
  /** What the group that decides names, while that is open and after: an XA id, or an ALTER by its domain and sequence. */
  readonly awaits: string | null;
  /** The later group that decided; null when none did, or none had to. */
  readonly settledBy: SettledBy | null;
}

/** Raised whenever the same bytes give other incidents: a catalog then reads its segments again. */
export const FINDER_RULES = 2;

/** 48 bits: with 32, some fifty thousand nightly truncates were enough for two with one id. */
const ID_DIGITS = 12;

/** The same for the same place in the same log, so that a rebuilt catalog gives the same ids. */
export function incidentId({ lineage, file, start }: Pick<Incident, 'lineage' | 'file' | 'start'>): string {
  const digest = createHash('sha256')
    .update(`${lineage ?? ''}\n${file}\n${start}`)
    .digest('hex');
  return `inc-${digest.slice(0, ID_DIGITS)}`;
}
