import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { waitFor } from '../../src/platform/wait.ts';

const PROGRAM = join(import.meta.dirname, '../../bin/lastgood');

export interface Outcome {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** For its standard input; without it there is none. */
  readonly input?: Buffer;
}

/** Runs the built program as a user does, without a terminal and without this machine's configuration. */
export async function runLastgood(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  return await startLastgood(args, options).outcome;
}

export interface RunningProgram {
  readonly outcome: Promise<Outcome>;
  /** Resolves when stderr has shown `words`. */
  said(words: string): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

/** Starts the program; the test must see to its end. */
export function startLastgood(args: readonly string[], { cwd, env = {}, input }: RunOptions = {}): RunningProgram {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: cwd ?? import.meta.dirname,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', TZ: 'UTC', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = Promise.all([text(child.stdout), once(child, 'close')]);
  return {
    outcome: ended.then(([stdout]) => ({ exitCode: child.exitCode, stdout, stderr })),
    said: async (words) => {
      await waitFor(() => stderr.includes(words), { timeoutMs: 20_000, what: `'${words}' on stderr` });
    },
    signal: (name) => {
      child.kill(name);
    },
  };
}

/** The error document that `--json` puts on stdout. */
export interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly hint: string;
    readonly details: Readonly<Record<string, unknown>>;
    readonly exitCode: number;
  };
}

export function parseError({ stdout }: Outcome): ErrorDocument['error'] {
  return (JSON.parse(stdout) as ErrorDocument).error;
}
