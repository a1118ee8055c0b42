import { createHash } from 'node:crypto';

/** What the contract knows; this version finds the first three. */
export const INCIDENT_KINDS = ['drop-database', 'drop-table', 'truncate-table'] as const;
export type IncidentKind = (typeof INCIDENT_KINDS)[number];

/** effective: it happened · rolled-back: it is in the log but was undone · pending: XA prepared, not yet committed. */
export type IncidentState = 'effective' | 'rolled-back' | 'pending' | 'no-op' | 'unknown';

export interface IncidentObject {
  readonly schema: string;
  /** null when the object is the schema itself. */
  readonly name: string | null;
  readonly type: 'database' | 'table';
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

/** A destructive group. This is the JSON contract's INCIDENT, and the form the catalog keeps. */
export interface Incident {
  readonly id: string;
  readonly kind: IncidentKind;
  readonly state: IncidentState;
  readonly suspicious: boolean;
  readonly objects: readonly IncidentObject[];
  /** Passwords redacted, long texts cut. */
  readonly statement: string;
  readonly rows: { readonly deleted: number; readonly updated: number };
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
}

/** 48 bits: with 32, some fifty thousand nightly truncates were enough for two with one id. */
const ID_DIGITS = 12;

/** The same for the same place in the same log, so that a rebuilt catalog gives the same ids. */
export function incidentId({ lineage, file, start }: Pick<Incident, 'lineage' | 'file' | 'start'>): string {
  const digest = createHash('sha256')
    .update(`${lineage ?? ''}\n${file}\n${start}`)
    .digest('hex');
  return `inc-${digest.slice(0, ID_DIGITS)}`;
}
