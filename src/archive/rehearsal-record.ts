/** What one timed restore proved, small enough to keep for ever: the source of every estimate and of "last rehearsal". */
export interface RehearsalRecord {
  readonly format: 1;
  readonly id: string;
  /** Left out: a rehearsal. A restore's times serve estimates as well, and prove nothing about the next one. */
  readonly purpose?: 'restore';
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  /** True when every check of the proof held. */
  readonly ok: boolean;
  readonly lineage: string;
  readonly backup: string;
  /** The cut that was restored to. */
  readonly file: string;
  readonly position: number;
  readonly gtid: string | null;
  /** What was loaded and what was replayed: with `seconds`, the rates that estimates use. */
  readonly backupBytes: number;
  readonly replayedBytes: number;
  readonly groups: number;
  readonly seconds: { readonly load: number; readonly replay: number; readonly proof: number; readonly total: number };
}
