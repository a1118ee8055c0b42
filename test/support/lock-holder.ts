/** A program for tests: takes the lock named in its first argument, says so, and holds it until it is ended. */
import { isLastgoodError } from '../../src/platform/errors.ts';
import { acquireLock } from '../../src/platform/lock.ts';

try {
  await acquireLock(process.argv[2] ?? '', 'lock holder');
  process.send?.('held');
} catch (error) {
  process.send?.(isLastgoodError(error) ? error.code : String(error));
}
setInterval(() => undefined, 60_000);
