import { describe, expect, it } from 'vitest';
import { findFullDisk, isFull } from '../../../src/operations/full-disk.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const ROOT = 0;
const USER = 1000;

describe('a disk without any room', () => {
  it.each([
    ['nothing is free', { bfree: 0, bavail: 0 }, ROOT, true],
    ['nothing is free', { bfree: 0, bavail: 0 }, USER, true],
    ["root's reserve is free", { bfree: 50, bavail: 0 }, ROOT, false],
    ["root's reserve is free", { bfree: 50, bavail: 0 }, USER, true],
    ["root's reserve is free", { bfree: 50, bavail: 0 }, null, true],
    ['some is free', { bfree: 60, bavail: 10 }, USER, false],
  ])('where %s %o, for user %s: %s', (_, free, user, full) => {
    expect(isFull({ blocks: 1000, ...free }, user)).toBe(full);
  });

  it('is none where the file system does not say', () => {
    expect(isFull({ blocks: 0, bfree: 0, bavail: 0 }, USER)).toBe(false);
  });

  it('is not told of where there is room', async () => {
    await using folder = await makeTempDirectory('lastgood-disk-');
    expect(await findFullDisk(folder.path)).toEqual([]);
  });
});
