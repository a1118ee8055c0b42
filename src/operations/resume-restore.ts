import { resolve } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { holdRestore, type HeldRestore } from '../recovery/held-restore.ts';
import { holdServer, resumePlanOnServer } from '../recovery/resume-existing.ts';
import type { Plan } from '../recovery/plan.ts';
import type { PhaseOptions, RestoreProgress } from '../recovery/restore-phases.ts';
import { resumePlan, type ResumedPlan } from '../recovery/resume.ts';
import { shellWord } from '../platform/shell-word.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { conflictExplainer } from './explain-conflict.ts';
import type { OpenArchive } from './open-archive.ts';
import { finishRestore, incidentOf, type FinishOptions, type RestoreResult } from './restore.ts';

type Archive = Pick<OpenArchive, 'repository' | 'catalog'>;

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

export interface ResumeOnServerOptions extends Omit<
  ResumeOptions,
  'datadir' | 'port' | 'extend' | 'acceptConflicts' | 'stop'
> {
  readonly server: ServerOptions;
}

/**
 * Goes on with a restore into an existing server whose maker was killed, as long as that server ran through.
 *
 * @throws LastgoodError `NOTHING_TO_RESUME`; `TARGET_NOT_EMPTY` with the reason and the statements that empty the server where that is
 *   not possible; and what `restore` throws
 */
export async function resumeOnServer(archive: Archive, options: ResumeOnServerOptions): Promise<RestoreResult> {
  await using held = await holdServer(options.server, options.signal);
  return await goOn(archive, { plan: held.plan, options }, async (run) => await resumePlanOnServer({ ...run, held }));
}

/**
 * Goes on with an interrupted restore, or brings a finished one forward to a later target. What is there stays also after an
 * error, to be resumed again.
 *
 * @throws LastgoodError `NOTHING_TO_RESUME` for a folder without a restore and for one that is finished, `USAGE`, `LOCKED`,
 *   `PREFLIGHT_FAILED` for a server that was written to since it was proven or is past the target; and what `restore` throws
 */
export async function resumeRestore(archive: Archive, options: ResumeOptions): Promise<RestoreResult> {
  await using held = await holdRestore(resolve(options.datadir));
  const plan = await planOf(held, options.extend);
  return await goOn(archive, { plan, options }, async (run) => await resumePlan({ ...options, ...run, held }));
}

type RunOptions = Omit<PhaseOptions, 'engine'>;

/** What is the same whatever goes on. */
async function goOn(
  archive: Archive,
  { plan, options }: { plan: Plan; options: Omit<ResumeOnServerOptions, 'server'> },
  resume: (run: RunOptions) => Promise<ResumedPlan>,
): Promise<RestoreResult> {
  const { log, signal, progress } = options;
  const { repository } = archive;
  const incident = incidentOf(archive, plan);
  const startedAt = new Date();
  const explainConflict = conflictExplainer({ repository, plan, log, signal });
  const ran = await resume({ plan, repository, incident, reference: null, explainConflict, log, progress, signal });
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
        hint: `With a later target it is brought forward: \`lastgood restore --resume --datadir ${shellWord(datadir)} --latest\`.`,
      },
    );
  }
  if (extend === null) return plan;
  if (phase === 'done' || phase === 'proven') return await extend(plan);
  throw new LastgoodError('USAGE', `the restore in '${datadir}' is not finished (${phase}): resume it first`, {
    details: { datadir, phase },
    hint: `\`lastgood restore --resume --datadir ${shellWord(datadir)}\` brings it to its own target; then again with the later one.`,
  });
}
