import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How one run of a program went. */
export interface Measurement {
  /** From start to end, by the clock. */
  readonly seconds: number;
  /** The most memory it held, in bytes; 0 where /proc does not tell. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const TASKSET = '/usr/bin/taskset';
const SAMPLE_MS = 10;

/**
 * Runs a program to its end, on core 0 alone where `taskset` exists.
 *
 * @param options.anyCore true lets it run on every core, beside a server that needs one
 * @param options.keepOutput false throws its output away, as `>/dev/null` does
 */
export async function measure(
  program: string,
  args: readonly string[],
  { keepOutput, anyCore = false }: { keepOutput: boolean; anyCore?: boolean },
): Promise<Measurement> {
  const pinned = !anyCore && existsSync(TASKSET) ? [TASKSET, '-c', '0', program, ...args] : [program, ...args];
  const started = performance.now();
  const child = spawn(pinned[0] ?? program, pinned.slice(1), {
    stdio: ['ignore', keepOutput ? 'pipe' : 'ignore', 'inherit'],
  });
  let stdout = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject).once('close', (status) => {
      resolve(status ?? -1);
    });
  });
  const peak = watchPeak(child.pid ?? 0, ended);
  const status = await ended;
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${program} ended with status ${status}`);
  return { seconds, peakBytes: await peak, stdout };
}

/** The kernel keeps the peak itself; the last look before the end may miss the last few milliseconds. */
async function watchPeak(pid: number, ended: Promise<number>): Promise<number> {
  const running = { yes: true };
  void ended.catch(() => -1).then(() => (running.yes = false));
  let peak = 0;
  while (running.yes) {
    peak = Math.max(peak, await readPeak(pid));
    await sleep(SAMPLE_MS);
  }
  return peak;
}

async function readPeak(pid: number): Promise<number> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It has ended, or there is no /proc.
  }
}

/** The middle one; of an even count the lower of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
