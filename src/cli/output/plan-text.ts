import { oneLine } from '../../platform/visible.ts';
import type { Plan, PlanCrossing, PlanSegment } from '../../recovery/plan.ts';
import { formatBytes, formatCount, formatSeconds } from './quantity.ts';
import { formatFacts } from './table.ts';
import { formatTime } from './time.ts';

/** The plan for a person: where it ends, from what, through what, and what to know before. */
export function planText(plan: Plan): string {
  const { resolved } = plan.target;
  const facts: [string, string][] = [
    ['target', `${resolved.lineage} ${resolved.file}:${resolved.position}`],
    ['cut', resolved.between],
    ['last transaction', `${resolved.gtid ?? 'without GTID'}, ${formatTime(resolved.time)}`],
    ['backup', `${plan.backup.id} (${plan.backup.method}, ${formatBytes(plan.backup.bytes)})`],
    ['replay', `${formatCount(plan.groups, 'transaction')} in ${formatBytes(plan.bytes)}`],
    ['from', segmentsText(plan.segments)],
    ...plan.crossings.map(crossingFact),
    [
      'time',
      plan.estimateSeconds === null
        ? 'unknown before the first rehearsal'
        : `about ${formatSeconds(plan.estimateSeconds)}`,
    ],
    ['reachable', plan.reachable ? 'yes' : 'no'],
  ];
  return [formatFacts(facts), ...plan.warnings.map((warning) => `warning: ${oneLine(warning)}`)].join('\n');
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
