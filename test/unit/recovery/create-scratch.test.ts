import { mkdir, readdir } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { createScratchServer } from '../../../src/recovery/create-scratch.ts';
import { silentLog } from '../../support/archiver.ts';

function create(datadir: string, port: number, announce: () => Promise<void>): Promise<unknown> {
  const zone = { tz: null, fixed: null, warning: null };
  return createScratchServer(
    { datadir, port, serverId: 7, settings: {}, zone, dataBytes: 0, onError: 'empty', log: silentLog },
    announce,
  );
}

const fails = (): Promise<void> => Promise.reject(new Error('the disk is full'));

describe('a new server that cannot be made', () => {
  it('leaves no folder where there was none', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await expect(create(join(folder.path, 'new/deep'), 0, fails)).rejects.toThrow('the disk is full');
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('leaves an empty folder that was there, and what is above it', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await mkdir(join(folder.path, 'mine'));
    await expect(create(join(folder.path, 'mine'), 0, fails)).rejects.toThrow('the disk is full');
    await expect(create(join(folder.path, 'mine/new'), 0, fails)).rejects.toThrow('the disk is full');
    expect(await readdir(folder.path, { recursive: true })).toEqual(['mine']);
  });

  it('is refused where its port is in use before anything is written', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const begun = create(join(folder.path, 'new'), port, () => Promise.reject(new Error('asked to write a note')));
    await expect(begun).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `port ${port} on 127.0.0.1 is in use`,
    });
    await new Promise((resolve) => listener.close(resolve));
    expect(await readdir(folder.path)).toEqual([]);
  });
});
