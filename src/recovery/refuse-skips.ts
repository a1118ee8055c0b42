import { LastgoodError } from '../platform/errors.ts';
import type { Plan } from './plan.ts';

/**
 * What is left out may be missed by what follows: that is a person's decision, made before anything is written.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` for a skip that cannot work, and for a risky one that was not accepted
 */
export function refuseSkips(
  { skips, skipped }: Pick<Plan, 'skips' | 'skipped'>,
  { accepted }: { accepted: boolean },
): void {
  const unseen = skipped.filter(({ id }) => !skips.some(({ incident }) => incident === id));
  const doubtful = unseen.map(({ id }) => ({ incident: id, verdict: 'risky', why: 'nobody looked at it' }) as const);
  for (const { incident, verdict, why } of [...skips, ...doubtful]) {
    if (verdict === 'impossible') {
      throw new LastgoodError('PREFLIGHT_FAILED', `the log cannot be replayed without ${incident}: ${why}`, {
        details: { incident, verdict },
        hint: 'Restore to just before it instead, and bring back what is lost with `lastgood salvage`. Nothing was written.',
      });
    }
    if (verdict === 'risky' && !accepted) {
      throw new LastgoodError('PREFLIGHT_FAILED', `what follows ${incident} may clash with leaving it out: ${why}`, {
        details: { incident, verdict },
        hint: 'Read the conflicts in `lastgood plan`; --accept-conflicts runs it all the same, up to the first one that is real. Nothing was written.',
      });
    }
  }
}
