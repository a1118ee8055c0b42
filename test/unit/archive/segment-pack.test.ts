import { existsSync } from 'node:fs';
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { SegmentPack } from '../../../src/archive/segment-pack.ts';
import { isDiskFull } from '../../../src/platform/disk-full.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { openFilesAt } from '../../support/open-files.ts';
import { keyRing } from '../../support/stored-segment.ts';

it('leaves nothing open and no file when it cannot begin: an archiver on a full disk tries for days', async () => {
  await using folder = await makeTempDirectory('lastgood-pack-');
  const file = 'binlog.000001';
  const plainPath = join(folder.path, file);
  const partialPath = `${plainPath}.enc.partial`;
  await writeFile(plainPath, 'bytes');
  const [key] = (await keyRing(folder.path)).keys;
  const begin = async (): Promise<unknown> => {
    await symlink('/dev/full', partialPath); // the header is written at once, and there is no room for it
    return new SegmentPack({
      identity: { lineage: 'shop-1a2b', file },
      plainPath,
      partialPath,
      compression: 'zstd',
      key,
      fingerprintKey: null,
    });
  };
  for (let attempt = 0; attempt < 3; attempt += 1)
    await expect(begin()).rejects.toSatisfy((error) => isDiskFull(error));
  expect([...openFilesAt(folder.path), ...openFilesAt('/dev/full')]).toEqual([]);
  expect(existsSync(partialPath)).toBe(false);
});

it('leaves nothing open when there is no place for what it stores', async () => {
  await using folder = await makeTempDirectory('lastgood-pack-');
  const plainPath = join(folder.path, 'binlog.000001');
  await writeFile(plainPath, 'bytes');
  const identity = { lineage: 'shop-1a2b', file: 'binlog.000001' };
  const job = {
    identity,
    plainPath,
    partialPath: join(folder.path, 'no/such'),
    compression: 'zstd',
    key: null,
    fingerprintKey: null,
  } as const;
  expect(() => new SegmentPack(job)).toThrow('ENOENT');
  expect(openFilesAt(folder.path)).toEqual([]);
});
