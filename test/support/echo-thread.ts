/** A thread for tests: says which job it had, or fails as it is told. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread } from 'node:worker_threads';
import { LastgoodError } from '../../src/platform/errors.ts';
import { serveJobs } from '../../src/platform/thread-jobs.ts';

export interface EchoJob {
  /** 'refuse', 'bug', 'exit' and 'wait' are done; any other is only told. */
  readonly name: string;
  readonly bytes?: number;
}

export async function echo(job: EchoJob, onBytes: (bytes: number) => void, signal?: AbortSignal): Promise<string> {
  onBytes(job.bytes ?? 0);
  switch (job.name) {
    case 'refuse':
      throw new LastgoodError('FILE_UNREADABLE', 'cannot read it', { details: { path: '/x' } });
    case 'bug':
      throw new Error('not of the table');
    case 'exit':
      process.exit(7);
      break;
    case 'wait':
      await sleep(60_000, undefined, signal === undefined ? {} : { signal });
  }
  return `done: ${job.name}`;
}

if (!isMainThread) serveJobs(echo);
