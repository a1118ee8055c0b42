/** A thread that scans files for `scan.ts`. Loaded by its name, never imported. */
import { serveJobs } from '../../platform/thread-jobs.ts';
import { scanFile } from './scan-file.ts';

serveJobs(scanFile);
