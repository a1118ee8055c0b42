import type { RehearsalRecord } from '../archive/rehearsal-record.ts';

/** Rates change with the data: only so many of the newest that tell anything are asked. */
const NEWEST = 5;
/** A smaller step is mostly what every step costs however little it does, starting a client, say: bytes per second of it are no rate. */
const RATE_BYTES = 1024 * 1024;
/** In a step of so much, what every step costs does not count any more. */
const LARGE_BYTES = 16 * 1024 * 1024;
/** What a rate tells of: so many times what it was measured with, and less where it holds much of what every step costs. */
const STRETCH = { large: 100, small: 10 };
/** So much takes not much longer than nothing at all. */
const FLAT_BYTES = 4 * 1024 * 1024;

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

/** How much past restores and rehearsals did: an estimate is no better than that. Part of the JSON contract. */
export interface MeasuredWork {
  /** How many there were. */
  readonly restores: number;
  /** What one of them loaded at most, and replayed at most. */
  readonly backupBytes: number;
  readonly replayedBytes: number;
}

/** What estimates are made from. */
export function measuredWork(rehearsals: readonly RehearsalRecord[]): MeasuredWork {
  return {
    restores: rehearsals.length,
    backupBytes: Math.max(0, ...rehearsals.map(({ backupBytes }) => backupBytes)),
    replayedBytes: Math.max(0, ...rehearsals.map(({ replayedBytes }) => replayedBytes)),
  };
}

/**
 * How long a restore will take, from how long past ones took: bytes per second of loading, of replaying, and of both for the proof,
 * which reads all tables, where one was large enough to show them; the seconds as they were for as little as that.
 *
 * @returns null when none has measured what is needed, or only with so much less that nothing follows from it
 */
export function estimate(
  rehearsals: readonly RehearsalRecord[],
  work: { backupBytes: number; replayBytes: number },
): PlanEstimate | null {
  const newestFirst = rehearsals.toSorted((a, b) => (a.startedAt < b.startedAt ? 1 : -1));
  const loads = newestFirst.map(({ backupBytes, seconds }) => ({ bytes: backupBytes, seconds: seconds.load }));
  const replays = newestFirst.map(({ replayedBytes, seconds }) => ({ bytes: replayedBytes, seconds: seconds.replay }));
  const proofs = newestFirst.map(({ backupBytes, replayedBytes, seconds }) => ({
    bytes: backupBytes + replayedBytes,
    seconds: seconds.proof,
  }));
  const loadSeconds = secondsFor(work.backupBytes, loads);
  const replaySeconds = secondsFor(work.replayBytes, replays);
  if (rehearsals.length === 0 || loadSeconds === null || replaySeconds === null) return null;
  const asBefore = mean(proofs.slice(0, NEWEST).map(({ seconds }) => seconds));
  const proofSeconds = secondsFor(work.backupBytes + work.replayBytes, proofs) ?? asBefore;
  return { loadSeconds, replaySeconds, proofSeconds };
}

/** All steps together: whole seconds, at least 1; null for an estimate that nobody can make. */
export function totalSeconds(steps: PlanEstimate | null): number | null {
  if (steps === null) return null;
  const { loadSeconds, replaySeconds, proofSeconds } = steps;
  return Math.max(1, Math.round(loadSeconds + replaySeconds + proofSeconds));
}

function secondsFor(bytes: number, steps: readonly Measured[]): number | null {
  if (bytes === 0) return 0;
  const telling = steps.filter((step) => step.bytes > 0 && reachOf(step) >= bytes).slice(0, NEWEST);
  const rated = telling.filter(showsRate);
  if (rated.length > 0)
    return (bytes * sum(rated.map(({ seconds }) => seconds))) / sum(rated.map((step) => step.bytes));
  return telling.length === 0 ? null : mean(telling.map(({ seconds }) => seconds));
}

/** The most bytes that the step tells anything of. */
function reachOf(step: Measured): number {
  if (!showsRate(step)) return FLAT_BYTES;
  return step.bytes * (step.bytes >= LARGE_BYTES ? STRETCH.large : STRETCH.small);
}

function showsRate({ bytes }: Measured): boolean {
  return bytes >= RATE_BYTES;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
