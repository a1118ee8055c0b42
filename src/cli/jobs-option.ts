import { wholeNumber } from './number-option.ts';

/** How many files are read at once: `--jobs`. */
export const parseJobs = wholeNumber({ min: 1, max: 256 }, 'It must be a number from 1 to 256.');
