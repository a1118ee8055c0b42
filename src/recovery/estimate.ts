import type { RehearsalRecord } from '../archive/rehearsal-record.ts';

/** Rates change with the data: only so many of the newest rehearsals are asked. */
const NEWEST = 5;

/**
 * How long a restore will take, from how long past ones took: bytes per second of loading and of replaying, and the
 * proof's time as it was.
 *
 * @returns whole seconds, at least 1; null when no rehearsal has measured what is needed
 */
export function estimateSeconds(
  rehearsals: readonly RehearsalRecord[],
  work: { backupBytes: number; replayBytes: number },
): number | null {
  const newest = rehearsals.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1)).slice(0, NEWEST);
  const load = scale(work.backupBytes, newest, ({ backupBytes, seconds }) => [backupBytes, seconds.load]);
  const replay = scale(work.replayBytes, newest, ({ replayedBytes, seconds }) => [replayedBytes, seconds.replay]);
  if (newest.length === 0 || load === null || replay === null) return null;
  const proof = newest.reduce((sum, { seconds }) => sum + seconds.proof, 0) / newest.length;
  return Math.max(1, Math.round(load + replay + proof));
}

function scale(
  bytes: number,
  rehearsals: readonly RehearsalRecord[],
  measured: (rehearsal: RehearsalRecord) => [bytes: number, seconds: number],
): number | null {
  if (bytes === 0) return 0;
  const [doneBytes, seconds] = rehearsals.map(measured).reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
  return doneBytes === 0 ? null : (bytes / doneBytes) * seconds;
}
