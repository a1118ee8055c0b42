/**
 * The other end of `readers.ts`: a thread that runs one reading job after the other. Enters: a job. Leaves: what was read so
 * far, then the result. Loaded by its name, never imported.
 */
import { parentPort } from 'node:worker_threads';
import { runReadingJob, type ReadingJob } from './reading-job.ts';
import type { ThreadMessage } from './readers.ts';

/** Often enough for a bar, seldom enough to cost nothing. */
const TELL_EVERY_BYTES = 8 * 1024 * 1024;

parentPort?.on('message', (job: ReadingJob) => {
  void run(job);
});

async function run(job: ReadingJob): Promise<void> {
  let untold = 0;
  const tell = (message: ThreadMessage): void => parentPort?.postMessage(message);
  try {
    const result = await runReadingJob(job, (bytes) => {
      untold += bytes;
      if (untold < TELL_EVERY_BYTES) return;
      tell({ kind: 'bytes', bytes: untold });
      untold = 0;
    });
    tell({ kind: 'bytes', bytes: untold });
    tell({ kind: 'done', result });
  } catch (error) {
    tell({ kind: 'failed', error });
  }
}
