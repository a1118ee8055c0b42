import { describe } from '../../recovery/skip.ts';
import type { DelayedReplica } from '../../operations/delayed-replica.ts';
import { oneLine } from '../../platform/visible.ts';
import type { Plan, PlanCandidate, PlanCrossing, PlanSegment } from '../../recovery/plan.ts';
import { formatBytes, formatCount, formatSeconds } from './quantity.ts';
import { skipHints, skipLines } from './skip-text.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

/** What was found around a plan, which is no part of it. */
export interface AroundPlan {
  /** A folder that a restore could go to, and how much is free there. */
  readonly datadir: { readonly path: string; readonly freeBytes: number } | null;
  readonly delayedReplica: DelayedReplica | null;
}

const NOTHING: AroundPlan = { datadir: null, delayedReplica: null };

/**
 * The plan for a person: where it ends, from what, through what, and what to know before.
 *
 * @param runnable gives the commands in hints what they need to run as they stand
 */
export function planText(
  plan: Plan,
  { datadir, delayedReplica }: AroundPlan = NOTHING,
  runnable = (text: string): string => text,
): string {
  const { resolved } = plan.target;
  const facts: [string, string][] = [
    ['target', `${resolved.lineage} ${resolved.file}:${resolved.position}`],
    ['cut', oneLine(resolved.between)],
    ['last transaction', `${resolved.gtid ?? 'without GTID'}, ${formatTime(resolved.time)}`],
    ...skipFacts(plan),
    ['backup', `${plan.backup.id} (${plan.backup.method}, ${formatBytes(plan.backup.bytes)})`],
    ['replay', `${formatCount(plan.groups, 'transaction')} in ${formatBytes(plan.bytes)}`],
    ['from', segmentsText(plan.segments)],
    ...plan.crossings.map(crossingFact),
    ['time', timeText(plan)],
    ['disk', diskText(plan, datadir)],
    ...candidateFacts(plan.candidates),
    ['reachable', reachableText(plan)],
  ];
  const hints = [
    ...skipHints(plan, 'restore').map(runnable),
    ...(delayedReplica === null ? [] : [delayedText(delayedReplica)]),
  ];
  return [formatFacts(facts), ...plan.warnings.map((warning) => `warning: ${oneLine(warning)}`), ...hints].join('\n');
}

function reachableText({ reachable, skips }: Plan): string {
  if (!reachable) return 'no: it cannot be replayed without what is left out';
  return skips.some(({ verdict }) => verdict === 'risky') ? 'yes, with --accept-conflicts' : 'yes';
}

/** Faster than any restore, if someone stops it in time. */
function delayedText({ server, delaySeconds, secondsLeft, executed, statement }: DelayedReplica): string {
  const left = secondsLeft === null ? '' : `, ${formatSeconds(secondsLeft)} left`;
  return `hint: the ${server} has not come to the target yet (it stands at ${executed}, delay ${formatSeconds(delaySeconds)}${left}): run ${statement} there now, and it stays before it`;
}

function skipFacts({ skipped, skips, conflicts }: Plan): [string, string][] {
  return skipped.map((incident) => {
    const skip = skips.find(({ incident: id }) => id === incident.id);
    return ['without', [describe(incident), ...skipLines(skip, conflicts)].map(oneLine).join('\n')];
  });
}

/** An estimate for so many times what was ever measured is told together with what it is made from. */
const FAR = 10;

function timeText({ estimateSeconds, estimate, measured, backup, bytes }: Plan): string {
  if (estimateSeconds === null || estimate === null) return unknownTimeText(measured);
  const { loadSeconds, replaySeconds, proofSeconds } = estimate;
  const steps = `load ${formatSeconds(loadSeconds)}, replay ${formatSeconds(replaySeconds)}, proof ${formatSeconds(proofSeconds)}`;
  const isFar =
    measured !== undefined && (backup.bytes > FAR * measured.backupBytes || bytes > FAR * measured.replayedBytes);
  const from = isFar ? `\nroughly: past restores ${measuredText(measured)}` : '';
  return `about ${formatSeconds(estimateSeconds)}: ${steps}${from}`;
}

function unknownTimeText(measured: Plan['measured']): string {
  if (measured === undefined || measured.restores === 0) return 'unknown before the first restore or rehearsal';
  return `unknown: past restores ${measuredText(measured)}, too little to tell; a rehearsal measures it`;
}

function measuredText({ backupBytes, replayedBytes }: NonNullable<Plan['measured']>): string {
  return `loaded at most ${formatBytes(backupBytes)} and replayed at most ${formatBytes(replayedBytes)}`;
}

function diskText({ diskBytes }: Plan, folder: AroundPlan['datadir']): string {
  const needed = `at least ${formatBytes(diskBytes)}`;
  if (folder === null) return needed;
  const verdict = folder.freeBytes < diskBytes ? 'too little, ' : '';
  return `${needed}; ${folder.path}: ${verdict}${formatBytes(folder.freeBytes)} free`;
}

/** What else it could start from, and why it does not. */
function candidateFacts(candidates: readonly PlanCandidate[]): [string, string][] {
  const others = candidates.filter(({ chosen, usable }) => !chosen && usable !== null);
  const older = candidates.filter(({ usable }) => usable === null).length;
  const left = older === 1 ? '1 older one was not looked at' : `${older} older ones were not looked at`;
  return [...others.map(candidateText), ...(older === 0 ? [] : [left])].map((text) => ['other backup', text]);
}

function candidateText({ backup, usable, why, estimateSeconds, groups, bytes }: PlanCandidate): string {
  if (usable !== true) return `${backup}: not usable, ${oneLine(why ?? '')}`;
  const time = estimateSeconds === null ? '' : `about ${formatSeconds(estimateSeconds)}, `;
  return `${backup}: ${time}${formatCount(groups ?? 0, 'transaction')} in ${formatBytes(bytes ?? 0)} to replay`;
}

function segmentsText(segments: readonly PlanSegment[]): string {
  const [first, last] = [segments.at(0), segments.at(-1)];
  if (first === undefined || last === undefined) return 'nothing: the backup is the target';
  const [from, to] = [`${first.file}:${first.from}`, `${last.file}:${last.to}`];
  return first.lineage === last.lineage ? `${from} to ${to}` : `${first.lineage} ${from} to ${last.lineage} ${to}`;
}

/** Sets of MySQL grow long; the whole state is in the JSON. */
const SHOWN_STATE_CHARACTERS = 60;

function crossingFact({ to, gtidState }: PlanCrossing): [string, string] {
  const isLong = gtidState.length > SHOWN_STATE_CHARACTERS;
  return [
    'failover',
    `crosses to ${to} at ${isLong ? `${gtidState.slice(0, SHOWN_STATE_CHARACTERS - 1)}…` : gtidState}`,
  ];
}
