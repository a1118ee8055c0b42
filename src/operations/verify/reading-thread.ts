/** A thread that reads for `readers.ts`. Loaded by its name, never imported. */
import { serveJobs } from '../../platform/thread-jobs.ts';
import { runReadingJob } from './reading-job.ts';

serveJobs(runReadingJob);
