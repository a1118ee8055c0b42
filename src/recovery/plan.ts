import type { BackupRecord } from '../archive/backup-record.ts';
import type { Incident } from '../incident/incident.ts';

/** What the user asked for: exactly one point. */
export type Target =
  | { readonly kind: 'before-incident'; readonly incident: string }
  | { readonly kind: 'before-gtid'; readonly gtid: string }
  | { readonly kind: 'after-gtid'; readonly gtid: string }
  | { readonly kind: 'before-coordinates'; readonly coordinates: string }
  /** RFC 3339 with zone. */
  | { readonly kind: 'at'; readonly time: string }
  | { readonly kind: 'latest' };

/** The cut: everything before `position` is replayed, nothing from there on. `gtid` and `time` are of the last group kept. */
export interface ResolvedTarget {
  readonly lineage: string;
  readonly file: string;
  readonly position: number;
  readonly gtid: string | null;
  readonly time: string | null;
  /** In words, for a person: what is the last thing kept and the first left out. */
  readonly between: string;
  /** GTID state once every planned group is applied; null where the source writes none. */
  readonly gtidState: string | null;
}

/** `[from, to)` of one archived file, both at group boundaries. */
export interface PlanSegment {
  readonly lineage: string;
  readonly file: string;
  readonly from: number;
  readonly to: number;
  readonly bytes: number;
}

/** A failover on the way: history goes on in another server's log. */
export interface PlanCrossing {
  /** Lineage ids. */
  readonly from: string;
  readonly to: string;
  /** In both logs at this point. */
  readonly gtidState: string;
  /** Groups behind it that reached only the old primary: not in the plan. */
  readonly stranded: number;
}

/** What a restore will do: pure data. The plan that is shown is the object that runs. */
export interface Plan {
  readonly target: Target & { readonly resolved: ResolvedTarget };
  readonly backup: BackupRecord;
  /** In the order of replay. */
  readonly segments: readonly PlanSegment[];
  readonly crossings: readonly PlanCrossing[];
  /** Left out although they lie before the target; this version plans none. */
  readonly skipped: readonly Incident[];
  readonly groups: number;
  readonly bytes: number;
  /** null before any restore or rehearsal was timed. */
  readonly estimateSeconds: number | null;
  readonly conflicts: readonly {
    readonly skipped: string;
    readonly gtid: string | null;
    readonly object: string;
    readonly why: string;
  }[];
  readonly warnings: readonly string[];
  readonly reachable: boolean;
}
