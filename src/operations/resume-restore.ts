import { resolve } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { holdRestore, type HeldRestore } from '../recovery/held-restore.ts';
import type { Plan } from '../recovery/plan.ts';
import type { RestoreProgress } from '../recovery/restore-phases.ts';
import { resumePlan } from '../recovery/resume.ts';
import { conflictExplainer } from './explain-conflict.ts';
import type { OpenArchive } from './open-archive.ts';
import { finishRestore, incidentOf, type FinishOptions, type RestoreResult } from './restore.ts';

export interface ResumeOptions extends FinishOptions {
  /** Of a new server that `restore` made, or was interrupted in. */
  readonly datadir: string;
  /** As before when not given. */
  readonly port?: number | undefined;
  /** Plans a later target from the same backup, without what the restore skipped; null: bring it to its own. */
  readonly extend: ((done: Plan) => Promise<Plan>) | null;
  /** Run also a later plan whose skipped groups may clash with later ones. */
  readonly acceptConflicts?: boolean | undefined;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Goes on with an interrupted restore, or brings a finished one forward to a later target. What is there stays also after an
 * error, to be resumed again.
 *
 * @throws LastgoodError `NOTHING_TO_RESUME` for a folder without a restore and for one that is finished, `USAGE`, `LOCKED`,
 *   `PREFLIGHT_FAILED` for a server that was written to since it was proven or is past the target; and what `restore` throws
 */
export async function resumeRestore(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  options: ResumeOptions,
): Promise<RestoreResult> {
  const { log, signal } = options;
  await using held = await holdRestore(resolve(options.datadir));
  const plan = await planOf(held, options.extend);
  const incident = incidentOf(archive, plan);
  const startedAt = new Date();
  const { repository } = archive;
  const explainConflict = conflictExplainer({ repository, plan, log, signal });
  const ran = await resumePlan({ ...options, held, plan, repository, incident, reference: null, explainConflict });
  await using _target = ran.target;
  return await finishRestore(
    archive,
    { plan, incident, startedAt, ran, resumed: ran.resumed, isUsual: false },
    options,
  );
}

async function planOf({ datadir, note, plan }: HeldRestore, extend: ResumeOptions['extend']): Promise<Plan> {
  const { phase } = note;
  if (extend === null && phase === 'done') {
    throw new LastgoodError(
      'NOTHING_TO_RESUME',
      `the restore in '${datadir}' is finished: there is nothing to resume`,
      {
        details: { datadir },
        hint: `With a later target it is brought forward: \`lastgood restore --resume --datadir ${datadir} --latest\`.`,
      },
    );
  }
  if (extend === null) return plan;
  if (phase === 'done' || phase === 'proven') return await extend(plan);
  throw new LastgoodError('USAGE', `the restore in '${datadir}' is not finished (${phase}): resume it first`, {
    details: { datadir, phase },
    hint: `\`lastgood restore --resume --datadir ${datadir}\` brings it to its own target; then again with the later one.`,
  });
}
