import type { Writable } from 'node:stream';
import { interrupted, throwIfAborted } from '../platform/wait.ts';

/**
 * Writes pieces as fast as they are taken. A stream that takes no more ends it without an error: what that means is told where
 * its errors are listened for. `| head` closes its end, and that is all right.
 *
 * @throws LastgoodError `INTERRUPTED` as soon as the signal comes, also while nobody takes anything
 */
export async function streamOut(out: Writable, pieces: AsyncIterable<string>, signal: AbortSignal): Promise<void> {
  for await (const piece of pieces) {
    throwIfAborted(signal);
    if (!(await writeOut(out, piece, signal))) return;
  }
}

/** Writes one piece, and waits until it is taken. @returns false when the stream takes no more @throws LastgoodError `INTERRUPTED` */
export async function writeOut(out: Writable, text: string | Uint8Array, signal: AbortSignal): Promise<boolean> {
  return await new Promise((resolve, reject) => {
    const stop = (): void => {
      reject(interrupted(signal.reason));
    };
    signal.addEventListener('abort', stop, { once: true });
    out.write(text, (error) => {
      signal.removeEventListener('abort', stop);
      resolve(error === null || error === undefined);
    });
  });
}
