import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A private folder that is gone, with all it holds, when it is disposed of. */
export interface TempDirectory extends AsyncDisposable {
  readonly path: string;
}

/** Makes a new folder (mode 0700) in the system's temporary folder. */
export async function makeTempDirectory(prefix: string): Promise<TempDirectory> {
  const path = await mkdtemp(join(tmpdir(), prefix));
  return {
    path,
    async [Symbol.asyncDispose]() {
      await rm(path, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}
