/**
 * What to say of an archiver that does not run. Enters: when its last runs ended, if it is one that a timer starts. Leaves: whether
 * that is as it was until now, or whether somebody has to start it.
 */
import type { ArchiverRuns } from '../archive/archiver-record.ts';
import type { Finding } from './finding.ts';

/** Nobody starts it more often by a timer; by hand somebody may. */
const SHORTEST_SECONDS = 60;
/** So many of the last pauses must be alike. */
const ALIKE = 3;
/** A run takes its time, and timers scatter. */
const LATE_FACTOR = 1.5;
const LATE_SECONDS = 60;

/** How an archiver is run by a timer. */
interface Rhythm {
  readonly lastAt: string;
  readonly everySeconds: number;
  /** How long ago the last run ended. */
  readonly agoSeconds: number;
  readonly isLate: boolean;
}

/** The rhythm of runs that end by themselves; null when they show none. Pure. */
export function rhythmOf(runs: ArchiverRuns, now: Date): Rhythm | null {
  const times = runs.map((run) => Date.parse(run) / 1000);
  const last = times.at(-1);
  const lastAt = runs.at(-1);
  const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
  const everySeconds = pauses.toSorted((a, b) => a - b)[Math.floor(pauses.length / 2)] ?? 0;
  const alike = pauses.filter((pause) => pause >= everySeconds / 2 && pause <= everySeconds * 2);
  if (last === undefined || lastAt === undefined || everySeconds < SHORTEST_SECONDS || alike.length < ALIKE)
    return null;
  const agoSeconds = Math.max(0, now.getTime() / 1000 - last);
  return { lastAt, everySeconds, agoSeconds, isLate: agoSeconds > everySeconds * LATE_FACTOR + LATE_SECONDS };
}

/**
 * The finding about an archiver that does not run now. Pure.
 *
 * @param options.severity of one that has stopped; of one that a timer starts in time it is `info`
 */
export function notRunning(
  name: string,
  options: { runs: ArchiverRuns; now: Date; severity: 'error' | 'warning' },
): Finding {
  const { runs, now, severity } = options;
  const rhythm = rhythmOf(runs, now);
  const about = { check: 'archiver', object: name };
  const until = 'what the primary writes now is not being saved';
  if (rhythm === null)
    return {
      ...about,
      severity,
      found: `no archiver is running: ${until}`,
      fix: 'Start `lastgood archive`, best as a service.',
    };
  const { lastAt, everySeconds, agoSeconds, isLate } = rhythm;
  const every = `one was run to the archive's end about every ${inWords(everySeconds)}, the last time at ${lastAt}, ${inWords(agoSeconds)} ago`;
  if (isLate)
    return {
      ...about,
      severity,
      found: `no archiver is running, and none came when it was due: ${every}; ${until}`,
      fix: 'Look at the timer that starts `lastgood archive --until-current`, or start it by hand.',
    };
  return {
    ...about,
    severity: 'info',
    found: `no archiver is running now: ${every}; what the primary writes in between is saved by the next run`,
    fix: `Nothing, if losing the last ${inWords(everySeconds)} is bearable; else run \`lastgood archive\` as a service.`,
  };
}

/** 90 s, 15 min, 26 h, 3 days. */
function inWords(seconds: number): string {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}
