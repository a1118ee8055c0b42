import { readdirSync, readFileSync } from 'node:fs';
import { waitFor } from './wait.ts';

/**
 * Processes of this machine that were started with exactly this argument, ourselves left out. A process number that is kept in a
 * file may since have been given to another; an argument says whose it is. Source: proc(5), /proc/PID/cmdline.
 */
export function findProcesses(argument: string): number[] {
  return pids().filter((pid) => pid !== process.pid && argumentsOf(pid).includes(argument));
}

/**
 * Sends the signal to those processes, and resolves once all of them are gone.
 *
 * @throws LastgoodError `TOOL_FAILED` when one does not end in time
 */
export async function endProcesses(
  argument: string,
  o: { signal: 'SIGTERM' | 'SIGKILL'; timeoutMs: number },
): Promise<void> {
  for (const pid of findProcesses(argument)) send(pid, o.signal);
  const areGone = (): boolean => {
    const left = findProcesses(argument);
    // A script among them may have started another one meanwhile; only SIGTERM is to be sent once.
    if (o.signal === 'SIGKILL') for (const pid of left) send(pid, o.signal);
    return left.length === 0;
  };
  await waitFor(areGone, {
    timeoutMs: o.timeoutMs,
    intervalMs: 20,
    what: `the processes with '${argument}' to end`,
  });
}

function pids(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return []; // no Linux
  }
}

/** None of one that is gone, or only waits to be reaped. */
function argumentsOf(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
