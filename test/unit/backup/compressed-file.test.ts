import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { decompress } from 'zstd-napi';
import { writeCompressed } from '../../../src/backup/compressed-file.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

describe('writeCompressed', () => {
  it('writes all that is handed over, with room for more than fits into memory at once', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'dump.sql.zst');
    const line = `${'x'.repeat(65_535)}\n`;
    const written = await writeCompressed(path, async (write) => {
      for (let n = 0; n < 100; n += 1) await write(line);
    });
    const stored = await readFile(path);
    expect(written.bytes).toBe(stored.length);
    expect(decompress(stored).toString()).toBe(line.repeat(100));
  });

  it('leaves nothing when what is written fails half-way', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const writing = writeCompressed(join(folder.path, 'dump.sql.zst'), async (write) => {
      await write('first half');
      throw new Error('the tool failed');
    });
    await expect(writing).rejects.toThrow('the tool failed');
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('tells when the file cannot be written, and does not wait for room for ever', async () => {
    const writing = writeCompressed('/no/such/folder/dump.sql.zst', async (write) => {
      for (let n = 0; n < 100; n += 1) await write('x'.repeat(1_000_000));
    });
    await expect(writing).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});
