import { threadFile } from '../../platform/thread-file.ts';
import { startJobs, type JobRunner } from '../../platform/thread-jobs.ts';
import { runReadingJob, type ReadingJob, type ReadingResults } from './reading-job.ts';

/** Whoever reads the archive's bytes: this thread, or several others. */
export interface Readers extends AsyncDisposable {
  /** How many jobs are worth giving at once. */
  readonly width: number;
  run<Kind extends ReadingJob['kind']>(job: Extract<ReadingJob, { kind: Kind }>): Promise<ReadingResults[Kind]>;
}

/** Starts as many readers as there are jobs at once. @param options.jobs 1: everything is read in this thread */
export function startReaders(options: {
  jobs: number;
  onBytes: (bytes: number) => void;
  signal?: AbortSignal | undefined;
}): Readers {
  return startJobs({
    ...options,
    run: runReadingJob,
    thread: threadFile('operations/verify/reading-thread'),
  }) as JobRunner<ReadingJob, never>;
}
