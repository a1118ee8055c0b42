import type { RehearsalRecord } from '../archive/rehearsal-record.ts';

/** Rates change with the data: only so many of the newest rehearsals are asked. */
const NEWEST = 5;
/**
 * A shorter or smaller step is mostly what every step costs however little it does, starting a client, say, or
 * waiting for the next look: bytes per second of it are no rate.
 */
const RATE_SECONDS = 5;
const RATE_BYTES = 1024 * 1024;
/** So much takes not much longer than nothing at all. */
const SMALL_BYTES = 16 * 1024 * 1024;

/** What one step of one rehearsal did, and how long it took. */
interface Measured {
  readonly bytes: number;
  readonly seconds: number;
}

/** Seconds of each step, as far as past ones tell. */
export interface PlanEstimate {
  readonly loadSeconds: number;
  readonly replaySeconds: number;
  readonly proofSeconds: number;
}

/**
 * How long a restore will take, from how long past ones took: bytes per second of loading and of replaying where one
 * was large enough to show them, else the seconds as they were, and the proof's time as it was.
 *
 * @returns null when none has measured what is needed
 */
export function estimate(
  rehearsals: readonly RehearsalRecord[],
  work: { backupBytes: number; replayBytes: number },
): PlanEstimate | null {
  const newest = rehearsals.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1)).slice(0, NEWEST);
  const loads = newest.map(({ backupBytes, seconds }) => ({ bytes: backupBytes, seconds: seconds.load }));
  const replays = newest.map(({ replayedBytes, seconds }) => ({ bytes: replayedBytes, seconds: seconds.replay }));
  const loadSeconds = secondsFor(work.backupBytes, loads);
  const replaySeconds = secondsFor(work.replayBytes, replays);
  if (newest.length === 0 || loadSeconds === null || replaySeconds === null) return null;
  return { loadSeconds, replaySeconds, proofSeconds: mean(newest.map(({ seconds }) => seconds.proof)) };
}

/** All steps together: whole seconds, at least 1; null for an estimate that nobody can make. */
export function totalSeconds(steps: PlanEstimate | null): number | null {
  if (steps === null) return null;
  const { loadSeconds, replaySeconds, proofSeconds } = steps;
  return Math.max(1, Math.round(loadSeconds + replaySeconds + proofSeconds));
}

function secondsFor(bytes: number, steps: readonly Measured[]): number | null {
  if (bytes === 0) return 0;
  const done = steps.filter((step) => step.bytes > 0);
  const rated = done.filter((step) => step.bytes >= RATE_BYTES && step.seconds >= RATE_SECONDS);
  if (rated.length > 0)
    return (bytes * sum(rated.map(({ seconds }) => seconds))) / sum(rated.map((step) => step.bytes));
  const isAsSmall = bytes <= Math.max(SMALL_BYTES, ...done.map((step) => step.bytes));
  return done.length > 0 && isAsSmall ? mean(done.map(({ seconds }) => seconds)) : null;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
