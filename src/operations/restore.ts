import { resolve } from 'node:path';
import { refuseInside } from '../archive/outside-repository.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import type { Plan } from '../recovery/plan.ts';
import { describeFailure, type Proof } from '../recovery/proof.ts';
import { restoreNotePath } from '../recovery/restore-note.ts';
import { runPlan, type RanPlan, type RestoreProgress, type RestoreSeconds } from '../recovery/restore.ts';
import type { HandedOver } from '../recovery/scratch-server.ts';
import type { OpenArchive } from './open-archive.ts';

export interface RestoreOptions {
  /** As `makePlan` gave it: the plan that was shown is the one that runs. */
  readonly plan: Plan;
  /** The new server's data folder: must not exist, or be empty. */
  readonly datadir: string;
  /** A free one when not given. */
  readonly port?: number | undefined;
  /** Leave the server stopped. */
  readonly stop?: boolean | undefined;
  readonly log: Logger;
  readonly progress?: ((progress: RestoreProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** The JSON contract's restore. */
export interface RestoreResult {
  readonly plan: Plan;
  readonly server: HandedOver;
  readonly proof: Proof;
  readonly seconds: RestoreSeconds;
  /** Of the restored server; the plan has its own. */
  readonly warnings: readonly string[];
}

/**
 * Restores to a new server and hands it over once proven, running unless told to leave it stopped. A server whose proof
 * fails is stopped and kept, its note says why; one that is proven but cannot be handed over is kept too. On any other
 * error nothing is left in the folder.
 *
 * @throws LastgoodError `USAGE` for a folder inside the repository, `PROOF_FAILED`, `TOOL_FAILED` with the start command when it is proven, and what `runPlan` throws
 */
export async function restore(
  archive: Pick<OpenArchive, 'repository' | 'catalog'>,
  options: RestoreOptions,
): Promise<RestoreResult> {
  const { plan, port = 0, stop = false } = options;
  const datadir = resolve(options.datadir);
  await refuseInside(archive.repository.path, datadir);
  const incident = plan.target.kind === 'before-incident' ? archive.catalog.incident(plan.target.incident) : null;
  const ran = await runPlan({ ...options, repository: archive.repository, datadir, port, incident, reference: null });
  await using scratch = ran.scratch;
  const { proof, seconds, warnings } = ran;
  if (!proof.ok) return await refuse(ran, plan);
  await ran.note('proven', { plan, proof, seconds, warnings });
  const server = await scratch.handOver({ stop });
  const result = { plan, server, proof, seconds, warnings };
  await ran.note('done', result);
  return result;
}

async function refuse({ scratch, proof, seconds, warnings, note }: RanPlan, plan: Plan): Promise<never> {
  await note('failed', { plan, proof, seconds, warnings });
  await scratch.keepStopped();
  throw new LastgoodError(
    'PROOF_FAILED',
    `the server in '${scratch.datadir}' is not what was planned: ${describeFailure(proof)}`,
    {
      details: { datadir: scratch.datadir, report: restoreNotePath(scratch.datadir) },
    },
  );
}
