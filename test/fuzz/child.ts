/** Runs cases one after the other from the seed given on, and says before each which it is. It ends at the first that fails. */
import { runCase } from './cases.ts';

const MAX_RSS_BYTES = 400 * 1024 * 1024;
const MEMORY_EVERY = 100;

/** What the child says. */
export interface Report {
  readonly seed: number;
  readonly rss?: number;
  readonly failure?: string;
}

const tell = (report: Report): void => {
  process.send?.(report);
};

const [first = 1, count = Infinity, deadline = Infinity] = process.argv.slice(2).map(Number);
for (let seed = first; seed < first + count && Date.now() < deadline; seed += 1) {
  try {
    tell({ seed });
    await runCase(seed);
    if (seed % MEMORY_EVERY === 0) checkMemory(seed);
  } catch (error) {
    tell({ seed, failure: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    break;
  }
}
if (process.connected) process.disconnect();

function checkMemory(seed: number): void {
  const { rss } = process.memoryUsage();
  tell({ seed, rss });
  if (rss > MAX_RSS_BYTES) throw new Error(`${rss} bytes of memory are in use`);
}
