import { InvalidArgumentError } from 'commander';

/** How many files are read at once: `--jobs`. */
export function parseJobs(text: string): number {
  const jobs = Number(text);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= 256) return jobs;
  throw new InvalidArgumentError('It must be a number from 1 to 256.');
}
