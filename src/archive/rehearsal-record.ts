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

/** What a record lacks that estimates and `status` need, in words; null when it has all. */
export function whyNoRehearsal(record: Partial<Record<keyof RehearsalRecord, unknown>>): string | null {
  const { startedAt, ok, backupBytes, replayedBytes, seconds } = record;
  const times = Object(seconds) as Partial<Record<string, unknown>>;
  const numbers = [backupBytes, replayedBytes, times['load'], times['replay'], times['proof'], times['total']];
  const isWhole = typeof startedAt === 'string' && typeof ok === 'boolean';
  return isWhole && numbers.every((number) => typeof number === 'number') ? null : 'it is no record of a rehearsal';
}
