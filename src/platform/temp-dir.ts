import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LastgoodError } from './errors.ts';

/** A private folder that is gone, with all it holds, when it is disposed of. */
export interface TempDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Makes a new folder (mode 0700) in the system's temporary folder.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when there is no such folder, or it takes nothing
 */
export async function makeTempDirectory(prefix: string): Promise<TempDirectory> {
  const path = await make(prefix);
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function make(prefix: string): Promise<string> {
  try {
    return await mkdtemp(join(tmpdir(), prefix));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('PREFLIGHT_FAILED', `cannot make a temporary folder in '${tmpdir()}': ${why}`, {
      cause,
      details: { folder: tmpdir() },
      hint: 'Set TMPDIR to a folder that exists, has space, and that this user may write in.',
    });
  }
}
