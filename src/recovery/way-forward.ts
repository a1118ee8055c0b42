import { compareCoordinates, formatCoordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { HeldRestore } from './held-restore.ts';
import type { Plan } from './plan.ts';

type Done = Pick<HeldRestore, 'datadir' | 'plan'>;

/**
 * Makes sure, as far as two plans tell, that the later one goes on from the one that was run, and not over what that one undid.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED`
 */
export function requireForward(done: Done, plan: Plan): void {
  if (isEarlier(plan, done.plan)) throw notAhead(done, plan);
  refuseItsIncident(done, plan);
}

/** Of another lineage only reading the log tells. */
function isEarlier({ target: { resolved: to } }: Plan, { target: { resolved: from } }: Plan): boolean {
  return to.lineage === from.lineage && compareCoordinates(to, from) < 0;
}

/** Going on over the incident that the restore was made to undo destroys again what it brought back. */
function refuseItsIncident({ datadir, plan: done }: Done, plan: Plan): void {
  const { target } = done;
  if (target.kind !== 'before-incident') return;
  const { lineage, file, position } = target.resolved;
  const isReplayed = plan.segments.some(
    (range) => range.lineage === lineage && range.file === file && range.from <= position && position < range.to,
  );
  if (!isReplayed) return;
  const { incident } = target;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `'${datadir}' was restored to before incident ${incident}, which would be replayed on the way to ${formatCoordinates(plan.target.resolved)}`,
    {
      details: { datadir, incident },
      hint: `Give --skip ${incident} too, or restore into another folder. 'plan' with the same options says what comes after it.`,
    },
  );
}

/** For a plan that does not lead on from where the held restore ends. */
export function notAhead({ datadir, plan: done }: Done, plan: Plan): LastgoodError {
  const [from, to] = [done, plan].map(({ target }) => formatCoordinates(target.resolved));
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `'${datadir}' is restored to ${from}, which is not on the way to ${to}`,
    {
      details: { datadir },
      hint: 'A restore only goes forward, without what it skipped: give a later target, or restore into another folder.',
    },
  );
}
