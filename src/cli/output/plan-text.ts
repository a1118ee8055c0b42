import type { Plan, PlanSegment } from '../../recovery/plan.ts';
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
    [
      'time',
      plan.estimateSeconds === null
        ? 'unknown before the first rehearsal'
        : `about ${formatSeconds(plan.estimateSeconds)}`,
    ],
    ['reachable', plan.reachable ? 'yes' : 'no'],
  ];
  return [formatFacts(facts), ...plan.warnings.map((warning) => `warning: ${warning}`)].join('\n');
}

function segmentsText(segments: readonly PlanSegment[]): string {
  const [first, last] = [segments.at(0), segments.at(-1)];
  if (first === undefined || last === undefined) return 'nothing: the backup is the target';
  return `${first.file}:${first.from} to ${last.file}:${last.to}`;
}
