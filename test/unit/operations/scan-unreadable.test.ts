import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { findBinlogFiles } from '../../../src/operations/binlog-files.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const FORBIDDEN = /(?:server-key\.pem|binlog\.000002(?:\.gz)?)$/;

// No mode keeps root from reading, and tests may run as root: so the refusal is made here.
vi.mock('node:fs/promises', async (load) => {
  const real = await load<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (path, ...rest) => {
    if (typeof path !== 'string' || !FORBIDDEN.test(path)) return await real.open(path, ...rest);
    throw Object.assign(new Error(`EACCES: permission denied, open '${path}'`), { code: 'EACCES', syscall: 'open' });
  };
  return { ...real, open };
});

const LOG = Buffer.concat([Buffer.from([0xfe, 0x62, 0x69, 0x6e]), Buffer.alloc(30)]);

describe('what this user may not read in a folder that is scanned', () => {
  it('is passed over when no server calls a log so: the key of a data folder', async () => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await writeFile(join(folder.path, 'binlog.000001'), LOG);
    await writeFile(join(folder.path, 'server-key.pem'), 'secret');
    const [series] = await findBinlogFiles([folder.path]);
    expect(series?.map(({ name }) => name)).toEqual(['binlog.000001']);
  });

  it.each(['binlog.000002', 'binlog.000002.gz'])('ends the scan, by name, when it is a log: %s', async (name) => {
    await using folder = await makeTempDirectory('lastgood-test-');
    await writeFile(join(folder.path, 'binlog.000001'), LOG);
    await writeFile(join(folder.path, name), LOG);
    await expect(findBinlogFiles([folder.path])).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining(`cannot read '${join(folder.path, name)}': EACCES`) as string,
    });
  });
});
