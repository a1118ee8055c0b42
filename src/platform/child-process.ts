import { spawn, type ChildProcess } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hasCode } from './error-code.ts';
import { LastgoodError } from './errors.ts';
import { interrupted, throwIfAborted } from './wait.ts';

const STDERR_TAIL_CHARACTERS = 4096;
/** Between asking a tool to end and ending it. */
const GRACE_MS = 5000;
/** Where distributions keep servers, often not in a user's PATH. */
const MORE_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/local/bin', '/usr/libexec'];

/** The first of `names` that is installed, as an absolute path. @throws LastgoodError `TOOL_MISSING` */
export function findProgram(names: readonly string[]): string {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== ''), ...MORE_FOLDERS];
  for (const name of names) {
    const found = folders.map((folder) => join(folder, name)).find(isExecutable);
    if (found !== undefined) return found;
  }
  throw new LastgoodError('TOOL_MISSING', `cannot find the program ${names.map((name) => `'${name}'`).join(' or ')}`);
}

/** Our environment and more, for a child process. */
export function environmentWith(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  return { ...process.env, ...more };
}

export interface ToolRun {
  readonly program: string;
  /** Visible to every user of the machine: never a secret. */
  readonly args: readonly string[];
  /** Added to the environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: AsyncIterable<Uint8Array> | Readable;
  /** Takes stdout piece by piece, one call at a time; without it stdout is collected. */
  readonly onOutput?: (chunk: Buffer) => void | Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/** What a tool printed: stdout is '' when `onOutput` took it, stderr is its tail. */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end. When the signal comes, or `input` or `onOutput` fails, the program is ended first.
 *
 * @throws LastgoodError `TOOL_MISSING`, `TOOL_FAILED` with the status and the tail of stderr, `INTERRUPTED`
 */
export async function runTool({ program, args, env, input, onOutput, signal }: ToolRun): Promise<ToolOutput> {
  throwIfAborted(signal);
  // A process group of its own: it is ended with all it started, and a Ctrl-C meant for us does not reach it.
  const child = spawn(program, args, {
    env: environmentWith(env),
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const exit = exitOf(child, program);
  const stop = (): void => {
    terminate(child);
  };
  signal?.addEventListener('abort', stop, { once: true });
  const stderr = collectTail(child.stderr);
  const stdout: Buffer[] = [];
  try {
    const [{ ok, how }] = await Promise.all([
      exit,
      feed(child, input).catch(rethrowAfter(stop)),
      drain(child.stdout, onOutput ?? ((chunk) => void stdout.push(chunk))).catch(rethrowAfter(stop)),
    ]);
    throwIfAborted(signal);
    if (!ok) throw failure(program, how, stderr());
    return { stdout: Buffer.concat(stdout).toString('utf8'), stderr: stderr() };
  } catch (error) {
    await exit.catch(() => undefined); // never return while the program may still be at work
    throw signal?.aborted === true ? interrupted(error) : error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not for us: the next folder may have it
  }
}

async function exitOf(child: ChildProcess, program: string): Promise<{ ok: boolean; how: string }> {
  return await new Promise((resolve, reject) => {
    child.once('error', (cause) => {
      reject(new LastgoodError('TOOL_MISSING', `cannot start the program '${program}': ${cause.message}`, { cause }));
    });
    child.once('close', (status, signal) => {
      const how = status === null ? `was ended by ${signal ?? 'a signal'}` : `exited with status ${status}`;
      resolve({ ok: status === 0, how });
    });
  });
}

async function feed(child: ChildProcess, input: ToolRun['input']): Promise<void> {
  const { stdin } = child;
  if (stdin === null) return;
  if (input === undefined) {
    stdin.on('error', () => undefined); // a program that never read its input is no failure
    stdin.end();
    return;
  }
  try {
    await pipeline(input, stdin);
  } catch (error) {
    if (!isBrokenPipe(error)) throw error; // the program ended early: its status tells why
  }
}

async function drain(stdout: Readable, take: (chunk: Buffer) => void | Promise<void>): Promise<void> {
  for await (const chunk of stdout) await take(chunk as Buffer);
}

function collectTail(stderr: Readable): () => string {
  let tail = '';
  stderr.setEncoding('utf8').on('data', (text: string) => {
    tail = (tail + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  return () => tail.trim();
}

function terminate(child: ChildProcess): void {
  killGroup(child, 'SIGTERM');
  const timer = setTimeout(() => {
    killGroup(child, 'SIGKILL');
  }, GRACE_MS);
  child.once('close', () => {
    clearTimeout(timer);
  });
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return; // it never started
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error; // it ended just now
  }
}

function rethrowAfter(stop: () => void): (error: unknown) => never {
  return (error) => {
    stop();
    throw error;
  };
}

function isBrokenPipe(error: unknown): boolean {
  return hasCode(error, 'EPIPE', 'ERR_STREAM_PREMATURE_CLOSE');
}

function failure(program: string, how: string, stderr: string): LastgoodError {
  return new LastgoodError('TOOL_FAILED', `${program} ${how}: ${stderr === '' ? 'it printed no message' : stderr}`);
}
