import { ifBroughtBack } from '../../recovery/brought-back.ts';
import type { Plan, PlanConflict, PlanSkip } from '../../recovery/plan.ts';
import { orSalvage } from '../../recovery/salvage-commands.ts';
import { formatCount } from './quantity.ts';

const VERDICTS: Readonly<Record<PlanSkip['verdict'], string>> = {
  safe: 'safe',
  risky: 'risky: what follows may fail without it, or do something else',
  impossible: 'impossible: what follows cannot be replayed without it',
};

/** What leaving one incident out comes to: the verdict, then each thing that is met, once. */
export function skipLines(skip: PlanSkip | undefined, conflicts: readonly PlanConflict[]): string[] {
  if (skip === undefined) return [];
  const met = conflicts.filter(({ skipped }) => skipped === skip.incident);
  const verdict = met.length === 0 ? `${skip.verdict}: ${skip.why}` : VERDICTS[skip.verdict];
  return [verdict, ...met.map(conflictText)];
}

const FAILS: Partial<Record<PlanConflict['kind'], string>> = { fails: 'fails: ', unread: 'not readable: ' };

function conflictText({ gtid, file, start, object, why, kind, groups }: PlanConflict): string {
  const place = gtid ?? `${file}:${start}`;
  const many = groups > 1 ? ` (and in ${formatCount(groups - 1, 'later transaction')})` : '';
  return `  ${place}, ${FAILS[kind] ?? ''}${object === '' ? why : `${object}: ${why}`}${many}`;
}

/** What to do next where leaving something out is not safe. @param command that would leave it out */
export function skipHints(
  { skips, skipped, conflicts }: Pick<Plan, 'skips' | 'skipped' | 'conflicts'>,
  command: string,
): string[] {
  return skips.flatMap(({ incident, verdict }) => {
    if (verdict === 'safe') return [];
    const lost = skipped.find(({ id }) => id === incident);
    const instead = `\`lastgood plan --before ${incident}\` ends just before the incident${lost === undefined ? '' : orSalvage(lost)}`;
    return verdict === 'risky'
      ? [`hint: ${command} takes --accept-conflicts, and ends at the first transaction that really fails; ${instead}`]
      : [`hint: ${lost === undefined ? '' : ifBroughtBack(lost, conflicts)}${instead}`];
  });
}
