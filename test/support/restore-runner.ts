/** A program for tests: restores into an existing server, and kills itself while it does; its first argument says where (JSON). */
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore } from '../../src/operations/restore.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { ReplayEngine, RestoreProgress } from '../../src/recovery/restore-phases.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';

/** What to restore, and when to die. */
export interface RestoreRunnerSettings {
  readonly repositoryPath: string;
  readonly server: ServerOptions;
  readonly incident: string;
  readonly dieWhile: RestoreProgress['step'];
  /** Of that step, 0 to 1; a twentieth when not given. */
  readonly dieFrom?: number;
  /** And then so much later. */
  readonly afterMs?: number;
  readonly engine?: ReplayEngine;
  /** As of the machine. */
  readonly cores?: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as RestoreRunnerSettings;
const { repositoryPath, server, incident, dieWhile, dieFrom = 0.05, afterMs = 0, engine, cores } = settings;
const die = (): void => {
  process.kill(process.pid, 'SIGKILL');
};
const log = createLogger({ level: 'warn', pretty: false });
using archive = await openArchive(repositoryPath, { log });
await restore(archive, {
  plan: await makePlan(archive, { kind: 'before-incident', incident }),
  into: { kind: 'existing', server, others: [] },
  engine,
  cores,
  log,
  progress: ({ step, done, total }) => {
    if (step !== dieWhile || done < total * dieFrom) return;
    if (afterMs === 0) die();
    else setTimeout(die, afterMs);
  },
});
