import { logCase } from './log-case.ts';
import { scanCase } from './scan-case.ts';
import { statementCase } from './statement-case.ts';

/** One of so many cases runs the built program. */
const SCAN_EVERY = 5000;

/** Which target a seed is for: the same number repeats a case. */
export function targetOf(seed: number): 'scan' | 'log' | 'statement' {
  if (seed % SCAN_EVERY === 0) return 'scan';
  return seed % 3 === 0 ? 'log' : 'statement';
}

/** Runs the case of a seed. @throws Error for what must not happen, whatever the bytes are */
export async function runCase(seed: number): Promise<void> {
  const target = targetOf(seed);
  if (target === 'scan') await scanCase(seed);
  else if (target === 'log') logCase(seed);
  else statementCase(seed);
}
