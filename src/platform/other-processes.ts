import { readdirSync, readFileSync, statSync } from 'node:fs';
import { hasCode } from './error-code.ts';
import { LastgoodError } from './errors.ts';
import { waitFor } from './wait.ts';

/**
 * What tells a process from all others: a number that is kept in a file may since have been given to another one.
 * Source: proc(5), /proc/PID/cmdline, comm and cwd.
 */
export interface ProcessMark {
  /** Exactly one of its arguments. */
  readonly argument: string;
  /** Or it is such a program, whatever its arguments are. */
  readonly program?: {
    /** Of its name. */
    readonly name: RegExp;
    /** The folder that it works in, by whatever path. */
    readonly folder: string;
    /** What it is started with before it goes to work there. */
    readonly argument: string;
    /** Decides where another user's process does not tell its folder. */
    readonly pidFile: string;
  };
}

/** With what a process was started; nothing for one that has ended. */
export function argumentsOf(pid: number): string[] {
  return read(`/proc/${pid}/cmdline`).split('\0');
}

/** The processes of this machine that have the mark, ourselves left out. */
export function findProcesses(mark: ProcessMark): number[] {
  return pids().filter((pid) => pid !== process.pid && hasMark(pid, mark));
}

/**
 * Sends the signal to those processes, and resolves once all of them are gone.
 *
 * @throws LastgoodError `TOOL_FAILED` when one does not end in time, `PREFLIGHT_FAILED` for one that we may not end
 */
export async function endProcesses(
  mark: ProcessMark,
  o: { signal: 'SIGTERM' | 'SIGKILL'; timeoutMs: number },
): Promise<void> {
  for (const pid of findProcesses(mark)) send(pid, o.signal, mark);
  const areGone = (): boolean => {
    const left = findProcesses(mark);
    // A script among them may have started another one meanwhile; only SIGTERM is to be sent once.
    if (o.signal === 'SIGKILL') for (const pid of left) send(pid, o.signal, mark);
    return left.length === 0;
  };
  await waitFor(areGone, {
    timeoutMs: o.timeoutMs,
    intervalMs: 20,
    what: `the processes with '${mark.argument}' to end`,
  });
}

/** True when a process other than ours was started with the folder, or with something in it, in one of its arguments. */
export function isNamedByProcess(folder: string): boolean {
  const names = (argument: string): boolean => argument.endsWith(folder) || argument.includes(`${folder}/`);
  return pids().some((pid) => pid !== process.pid && argumentsOf(pid).some(names));
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

function hasMark(pid: number, { argument, program }: ProcessMark): boolean {
  const started = argumentsOf(pid);
  if (started.includes(argument)) return true;
  // One that is gone, or only waits to be reaped, has no arguments any more.
  if (program === undefined || started.length < 2 || !program.name.test(read(`/proc/${pid}/comm`))) return false;
  return started.includes(program.argument) || worksIn(pid, program);
}

function worksIn(pid: number, { folder, pidFile }: NonNullable<ProcessMark['program']>): boolean {
  try {
    const its = statSync(`/proc/${pid}/cwd`, { bigint: true });
    const asked = statSync(folder, { bigint: true });
    return its.dev === asked.dev && its.ino === asked.ino;
  } catch (error) {
    return (hasCode(error, 'EACCES') || hasCode(error, 'EPERM')) && Number(read(pidFile)) === pid;
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended
  }
}

function send(pid: number, signal: NodeJS.Signals, { argument, program }: ProcessMark): void {
  try {
    process.kill(pid, signal);
  } catch (cause) {
    if (!hasCode(cause, 'EPERM')) return; // it ended by itself
    const where = program === undefined ? `has '${argument}'` : `works in '${program.folder}'`;
    throw new LastgoodError('PREFLIGHT_FAILED', `process ${pid} ${where}, and belongs to another user`, {
      cause,
      details: { pid },
      hint: `Once it has ended, run again: as its user, \`kill ${pid}\` tells it to.`,
    });
  }
}
