import type { BackupRecord } from '../archive/backup-record.ts';
import type { Incident } from '../incident/incident.ts';
import type { MeasuredWork, PlanEstimate } from './estimate.ts';

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

/** A backup that the plan could start from, as far as its place says. */
export interface PlanCandidate {
  /** Its id. */
  readonly backup: string;
  /** null when nobody looked. */
  readonly usable: boolean | null;
  /** Why it is not usable, or was not looked at. */
  readonly why: string | null;
  /** null when no past restore tells. */
  readonly estimateSeconds: number | null;
  /** What would be replayed from it; null unless it is usable. */
  readonly groups: number | null;
  readonly bytes: number | null;
  readonly chosen: boolean;
}

/** What a replay without a skipped incident meets. */
export interface PlanConflict {
  /** The incident's id. */
  readonly skipped: string;
  /** Of the first group that meets it; null where there are no GTIDs. */
  readonly gtid: string | null;
  /** `schema.table`; '' where it is not about one object. */
  readonly object: string;
  /** In words, behind the object. */
  readonly why: string;
  /**
   * fails: for certain · may-fail · differs: it does something else than on the source · undone: it takes back what skipping
   * keeps · left-out: what else the skipped transaction did · unread: what a later group does is not known.
   */
  readonly kind: 'fails' | 'may-fail' | 'differs' | 'undone' | 'left-out' | 'unread';
  readonly file: string;
  readonly start: number;
  /** How many groups meet it. */
  readonly groups: number;
}

/** Whether the rest of the log can be replayed without an incident. */
export interface PlanSkip {
  /** Its id. */
  readonly incident: string;
  readonly verdict: 'safe' | 'risky' | 'impossible';
  readonly why: string;
}

/** An archived file as a plan found it. */
export interface PlannedFile {
  readonly lineage: string;
  readonly file: string;
  /** So much of it is needed, bytes. */
  readonly to: number;
  /** Hex, of all its plain bytes; null while it still grew. */
  readonly sha256: string | null;
  /** When the source opened it, seconds since 1970. */
  readonly openedAt: number;
}

/** What a plan relies on: without it, or with something else in its place, it must not run. */
export interface PlanReliance {
  /** Hex, SHA-256 of the backup's record. */
  readonly backup: string;
  readonly files: readonly PlannedFile[];
}

/** What a restore will do: pure data. The plan that is shown is the object that runs. */
export interface Plan {
  readonly target: Target & { readonly resolved: ResolvedTarget };
  readonly backup: BackupRecord;
  /** In the order of replay, without what is skipped. */
  readonly segments: readonly PlanSegment[];
  readonly crossings: readonly PlanCrossing[];
  /** Left out although they lie before the target. */
  readonly skipped: readonly Incident[];
  /** The bytes of the skipped, group by group, neighbours joined: all that one incident is made of. */
  readonly skippedSegments: readonly PlanSegment[];
  /** What leaving them out comes to; empty until that was looked at. */
  readonly skips: readonly PlanSkip[];
  /** That will be applied: without the skipped. */
  readonly groups: number;
  readonly bytes: number;
  /** null before any restore or rehearsal was timed that tells of so much. */
  readonly estimateSeconds: number | null;
  readonly estimate: PlanEstimate | null;
  /** What the estimate is made from; not in plans of earlier versions. */
  readonly measured?: MeasuredWork;
  /** Newest first. */
  readonly candidates: readonly PlanCandidate[];
  /** At least so many bytes are written to the target. */
  readonly diskBytes: number;
  /** What later groups meet without the skipped ones; of each incident only so many. */
  readonly conflicts: readonly PlanConflict[];
  readonly warnings: readonly string[];
  /** False when the log cannot be replayed without what is left out. */
  readonly reachable: boolean;
  readonly reliesOn: PlanReliance;
  /** Hex, SHA-256 of what it does and relies on: a plan kept in a file has to be as it was made. */
  readonly fingerprint: string;
}
