/** A program for tests: restores into an existing server, and kills itself while it does; its first argument says where (JSON). */
import { openArchive } from '../../src/operations/open-archive.ts';
import { makePlan } from '../../src/operations/plan.ts';
import { restore } from '../../src/operations/restore.ts';
import { createLogger } from '../../src/platform/logger.ts';
import type { RestoreProgress } from '../../src/recovery/restore-phases.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';

/** What to restore, and when to die. */
export interface RestoreRunnerSettings {
  readonly repositoryPath: string;
  readonly server: ServerOptions;
  readonly incident: string;
  readonly dieWhile: RestoreProgress['step'];
}

const { repositoryPath, server, incident, dieWhile } = JSON.parse(process.argv[2] ?? '{}') as RestoreRunnerSettings;
const log = createLogger({ level: 'warn', pretty: false });
using archive = await openArchive(repositoryPath, { log });
await restore(archive, {
  plan: await makePlan(archive, { kind: 'before-incident', incident }),
  into: { kind: 'existing', server, others: [] },
  log,
  progress: ({ step, done, total }) => {
    if (step === dieWhile && done >= total / 20) process.kill(process.pid, 'SIGKILL');
  },
});
