import { LastgoodError } from '../platform/errors.ts';
import { ifBroughtBack } from './brought-back.ts';
import type { Plan } from './plan.ts';
import { orSalvage } from './salvage-commands.ts';

/**
 * What is left out may be missed by what follows: that is a person's decision, made before anything is written.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` for a skip that cannot work, and for a risky one that was not accepted
 */
export function refuseSkips(
  { skips, skipped, conflicts }: Pick<Plan, 'skips' | 'skipped' | 'conflicts'>,
  { accepted }: { accepted: boolean },
): void {
  const unseen = skipped.filter(({ id }) => !skips.some(({ incident }) => incident === id));
  const doubtful = unseen.map(({ id }) => ({ incident: id, verdict: 'risky', why: 'nobody looked at it' }) as const);
  for (const { incident, verdict, why } of [...skips, ...doubtful]) {
    if (verdict === 'impossible') {
      const lost = skipped.find(({ id }) => id === incident);
      const [first, last] = lost === undefined ? ['', ''] : [ifBroughtBack(lost, conflicts), orSalvage(lost)];
      throw new LastgoodError('PREFLIGHT_FAILED', `the log cannot be replayed without ${incident}: ${why}`, {
        details: { incident, verdict },
        hint: `${first}Restore to just before the incident with \`--before ${incident}\`${last}. Nothing was written.`,
      });
    }
    if (verdict === 'risky' && !accepted) {
      throw new LastgoodError('PREFLIGHT_FAILED', `what follows ${incident} may clash with leaving it out: ${why}`, {
        details: { incident, verdict },
        hint: `Read the conflicts in \`lastgood plan\` with the same target and --skip. With --accept-conflicts it runs all the same, and ends at the first transaction that really fails; without, \`--before ${incident}\` ends just before the incident. Nothing was written.`,
      });
    }
  }
}
