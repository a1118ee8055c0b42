import { setTimeout as sleep } from 'node:timers/promises';
import { LastgoodError } from './errors.ts';

export interface WaitOptions {
  readonly timeoutMs: number;
  /** Pause between two probes; 50 when not given. */
  readonly intervalMs?: number;
  /** What is waited for, as in 'waited 5 s for <what>'. */
  readonly what: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Probes until the probe gives something other than `undefined` or `false`, and returns that. What the probe
 * throws ends the wait.
 *
 * @throws LastgoodError `TOOL_FAILED` when the time is over, `INTERRUPTED` when the signal came
 */
export async function waitFor<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { timeoutMs, intervalMs = 50, what, signal }: WaitOptions,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    throwIfAborted(signal);
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (performance.now() >= deadline) {
      throw new LastgoodError('TOOL_FAILED', `waited ${timeoutMs / 1000} s in vain for ${what}`);
    }
    await pause(intervalMs, signal);
  }
}

/** Resolves after `ms` milliseconds. @throws LastgoodError `INTERRUPTED` as soon as the signal comes */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch (cause) {
    throw signal?.aborted === true ? interrupted(cause) : cause;
  }
}

/** What `work` comes to. @throws LastgoodError `INTERRUPTED` as soon as the signal comes: what is asked may never answer */
export async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  throwIfAborted(signal);
  const done = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    const stop = (): void => {
      reject(interrupted(signal.reason));
    };
    signal.addEventListener('abort', stop, { once: true, signal: done.signal });
  });
  work.catch(() => undefined); // it may fail when nobody waits for it any more
  try {
    return await Promise.race([work, aborted]);
  } finally {
    done.abort();
  }
}

/** What `work` comes to in the time, else `otherwise`. */
export async function within<T>(ms: number, work: Promise<T>, otherwise: T): Promise<T> {
  const over = new AbortController();
  const late = sleep(ms, otherwise, { signal: over.signal });
  late.catch(() => undefined); // over before its time
  work.catch(() => undefined); // it may fail when nobody waits for it any more
  try {
    return await Promise.race([work, late]);
  } finally {
    over.abort();
  }
}

/** @throws LastgoodError `INTERRUPTED` when the signal has come */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw interrupted(signal.reason);
}

/** The error for work that was told to stop. */
export function interrupted(cause?: unknown): LastgoodError {
  return new LastgoodError('INTERRUPTED', 'interrupted', { cause });
}
