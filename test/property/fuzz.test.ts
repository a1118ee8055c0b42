import { describe, expect, it } from 'vitest';
import { logCase } from '../fuzz/log-case.ts';
import { statementCase } from '../fuzz/statement-case.ts';

/** A few seconds of `npm run fuzz`, always the same cases. */
const FIRST_SEED = 20_261_122;

function failures(cases: number, run: (seed: number) => void): string[] {
  const found: string[] = [];
  for (let seed = FIRST_SEED; seed < FIRST_SEED + cases; seed += 1) {
    try {
      run(seed);
    } catch (error) {
      found.push(`seed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }
  return found;
}

describe('fuzzing', () => {
  it('finds no statement that cannot be read to its end', () => {
    expect(failures(3000, statementCase)).toEqual([]);
  });

  it('finds no damaged log that throws, gives places outside the file, or reads differently in pieces', () => {
    expect(failures(700, logCase)).toEqual([]);
  });
});
