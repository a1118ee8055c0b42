import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** How one run of a program went. */
export interface Measurement {
  /** From start to end, by the clock. */
  readonly seconds: number;
  /** Of all its threads, in user and system mode; NaN where /proc does not tell. */
  readonly cpuSeconds: number;
  /** The most memory it held, in bytes; 0 where /proc does not tell. */
  readonly peakBytes: number;
  readonly stdout: string;
}

const TASKSET = '/usr/bin/taskset';
const SAMPLE_MS = 10;
/** Source: proc(5), sysconf(_SC_CLK_TCK), on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

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
  const usage = watchUsage(child.pid ?? 0, ended);
  const status = await ended;
  const seconds = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${program} ended with status ${status}`);
  return { seconds, ...(await usage), stdout };
}

type Usage = Pick<Measurement, 'cpuSeconds' | 'peakBytes'>;

/** The kernel keeps both itself; the last look before the end may miss the last few milliseconds. */
async function watchUsage(pid: number, ended: Promise<number>): Promise<Usage> {
  const running = { yes: true };
  void ended.catch(() => -1).then(() => (running.yes = false));
  let usage: Usage = { cpuSeconds: NaN, peakBytes: 0 };
  while (running.yes) {
    usage = (await readUsage(pid)) ?? usage;
    await sleep(SAMPLE_MS);
  }
  return usage;
}

async function readUsage(pid: number): Promise<Usage | null> {
  try {
    const status = await readFile(`/proc/${pid}/status`, 'utf8');
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const peakBytes = Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) * 1024;
    if (Number.isNaN(peakBytes)) return null; // It has ended, and waits to be looked at.
    return { cpuSeconds: cpuOf(stat).own, peakBytes };
  } catch {
    return null; // It has ended, or there is no /proc.
  }
}

/** CPU seconds, user and system mode, NaN where /proc does not tell: a process's own, and those of its children that have ended. */
export interface CpuSeconds {
  readonly own: number;
  readonly children: number;
}

export async function readCpu(pid: number): Promise<CpuSeconds> {
  return cpuOf(await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ''));
}

/** Behind the name, which may hold anything, utime, stime, cutime and cstime are fields 12 to 15. Source: proc(5). */
function cpuOf(stat: string): CpuSeconds {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const sum = (from: number): number =>
    (Number(fields[from] ?? NaN) + Number(fields[from + 1] ?? NaN)) / TICKS_A_SECOND;
  return { own: sum(11), children: sum(13) };
}

/** The middle one; of an even count the lower of both. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN;
}
