import { afterEach, beforeEach, vi } from 'vitest';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';

/** Gives every test of a file a temporary folder of the system's of its own. @returns its path, while a test runs */
export function ownTempFolder(): { readonly path: string } {
  let temporary: TempDirectory;
  beforeEach(async () => {
    temporary = await makeTempDirectory('lastgood-unit-');
    vi.stubEnv('TMPDIR', temporary.path);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await temporary[Symbol.asyncDispose]();
  });
  return {
    get path() {
      return temporary.path;
    },
  };
}
