import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import * as files from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { acquireLock } from '../../../src/platform/lock.ts';
import { makeSweptDirectory } from '../../../src/platform/swept-directory.ts';
import { ownTempFolder } from '../../support/own-temp-folder.ts';

const LOCK = '.lastgood.lock';
const MAKER = join(import.meta.dirname, '../../support/folder-maker.ts');

/** A file system that has no hard links, as FAT and some network and container mounts; a step that fails, as when it is killed. */
const faults = vi.hoisted(() => ({ keep: '' }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof files>();
  return {
    ...real,
    link: () => Promise.reject(Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' })),
    rm: async (path: string, options: object) => {
      if (faults.keep !== '' && path.endsWith(faults.keep)) throw new Error('killed');
      await real.rm(path, options);
    },
  };
});

const temporary = ownTempFolder();

/** A folder whose maker was killed, with a password in it. */
async function left(): Promise<string> {
  const maker = fork(MAKER, { execArgv: ['--import', 'tsx'] });
  const [folder] = (await once(maker, 'message')) as [string];
  maker.kill('SIGKILL');
  await once(maker, 'exit');
  return folder;
}

async function next(): Promise<void> {
  await using folder = await makeSweptDirectory('lastgood-verify-');
  expect(existsSync(join(folder.path, LOCK))).toBe(true);
}

async function ours(): Promise<string[]> {
  return (await files.readdir(temporary.path)).filter((name) => name.startsWith('lastgood-'));
}

it('works where there are no hard links, also several at once', async () => {
  await expect(acquireLock(join(temporary.path, 'lock'), 'test')).rejects.toThrow('EPERM');
  await left();
  await Promise.all([next(), next(), next()]);
  expect(await ours()).toEqual([]);
});

it('can be gone on with when the one who sweeps is killed', async () => {
  await left();
  faults.keep = 'client.cnf';
  await next();
  const [half = ''] = await ours();
  expect(await files.readdir(join(temporary.path, half))).toContain(LOCK);
  faults.keep = '';
  await next();
  expect(await ours()).toEqual([]);
});
