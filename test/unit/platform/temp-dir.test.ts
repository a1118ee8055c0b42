import { existsSync } from 'node:fs';
import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

describe('makeTempDirectory', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('makes a private folder that is gone afterwards with all it holds', async () => {
    let path: string;
    {
      await using folder = await makeTempDirectory('lastgood-unit-');
      path = folder.path;
      expect((await stat(path)).mode & 0o777).toBe(0o700);
      await writeFile(join(path, 'file'), 'content');
    }
    expect(existsSync(path)).toBe(false);
  });

  it('names the temporary folder that does not exist', async () => {
    vi.stubEnv('TMPDIR', '/nonexistent');
    await expect(makeTempDirectory('lastgood-unit-')).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: expect.stringMatching(/^cannot make a temporary folder in '\/nonexistent': ENOENT/) as string,
      hint: expect.stringContaining('TMPDIR') as string,
    });
  });
});
