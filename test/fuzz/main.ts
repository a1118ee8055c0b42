import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chooseSeed } from '../support/random.ts';
import { targetOf } from './cases.ts';
import type { Report } from './child.ts';
import { Watch } from './watch.ts';

/** A case takes a millisecond or so; one of the built program about a second. */
const HANG_MS = 30_000;
const HEAP_MB = 96;
const MAX_FINDINGS = 20;
const CHILD = join(import.meta.dirname, 'child.ts');

/** Of one child: how far it came, and what ended it; null: nothing but the time. */
interface Outcome {
  readonly last: number;
  readonly failure: string | null;
}

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' }, cases: { type: 'string' } } });
if (!existsSync(join(import.meta.dirname, '../../dist/cli/main.js'))) {
  throw new Error('there is no dist/: run `npm run build` first');
}
const first = chooseSeed();
const deadline = Date.now() + Number(values.minutes) * 60_000;
const cases = Number(values.cases ?? Infinity);
const worst = { memoryBytes: 0, caseMs: 0 };
process.stdout.write(`seed ${first}; LASTGOOD_SEED=N npm run fuzz -- --cases 1 repeats one\n`);
process.exitCode = (await fuzz()) === 0 ? 0 : 1;

async function fuzz(): Promise<number> {
  let findings = 0;
  let next = first;
  while (Date.now() < deadline && next < first + cases && findings < MAX_FINDINGS) {
    const { last, failure } = await runChild(next, first + cases - next);
    next = last + 1;
    if (failure === null) continue;
    findings += 1;
    process.stdout.write(`\nseed ${last} (${targetOf(last)}): ${failure}\n`);
  }
  const memory = `${Math.round(worst.memoryBytes / 1e6)} MB at most, the longest case took ${worst.caseMs} ms`;
  process.stdout.write(`${next - first} cases, ${findings} findings; ${memory}\n`);
  return findings;
}

/** Another process, so that a hang can be ended and memory has a bound. */
async function runChild(from: number, count: number): Promise<Outcome> {
  const child = fork(CHILD, [String(from), String(count), String(deadline)], {
    execArgv: [`--max-old-space-size=${HEAP_MB}`, '--import', 'tsx'],
  });
  const watch = new Watch(from, worst);
  child.on('message', (report) => {
    watch.hear(report as Report);
  });
  const timer = setInterval(() => {
    endHang(child, watch);
  }, 200);
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearInterval(timer);
  const ended = code === 0 ? null : `the process ended with ${signal ?? `code ${String(code)}`}`;
  return { last: watch.seed, failure: watch.failure ?? ended };
}

function endHang(child: ChildProcess, watch: Watch): void {
  if (watch.busyMs <= HANG_MS) return;
  watch.failure = `it did not end within ${HANG_MS} ms`;
  child.kill('SIGKILL');
}
