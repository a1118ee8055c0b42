import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeSweptDirectory } from '../../../src/platform/swept-directory.ts';
import { ownTempFolder } from '../../support/own-temp-folder.ts';

const MAKER = join(import.meta.dirname, '../../support/folder-maker.ts');

const temporary = ownTempFolder();

async function begun(): Promise<{ folder: string; kill: () => Promise<void> }> {
  const maker = fork(MAKER, { execArgv: ['--import', 'tsx'] });
  const [folder] = (await once(maker, 'message')) as [string];
  const kill = async (): Promise<void> => {
    maker.kill('SIGKILL');
    await once(maker, 'exit');
  };
  return { folder, kill };
}

/** Makes such a folder and gives it back, as any command does. */
async function next(): Promise<void> {
  await using folder = await makeSweptDirectory('lastgood-verify-');
  expect((await stat(folder.path)).mode & 0o777).toBe(0o700);
}

describe('makeSweptDirectory', () => {
  it('is gone afterwards, and so is what a killed process left, with the password in it', async () => {
    const { folder, kill } = await begun();
    expect(await readFile(join(folder, 'client.cnf'), 'utf8')).toContain('secret');
    await next();
    expect(existsSync(folder), 'its maker lives').toBe(true);
    await kill();
    await next();
    expect((await readdir(temporary.path)).filter((name) => name.startsWith('lastgood-'))).toEqual([]);
  });

  it('leaves a folder alone as long as a process works with something in it', async () => {
    const { folder, kill } = await begun();
    await kill();
    const option = `--socket=${join(folder, 'server.sock')}`;
    const server = spawn(process.execPath, ['-e', 'process.stdin.resume(); console.log(1)', '--', option]);
    await once(server.stdout, 'data');
    await next();
    expect(existsSync(folder)).toBe(true);
    server.kill('SIGKILL');
    await once(server, 'exit');
    await next();
    expect(existsSync(folder)).toBe(false);
  });

  it('leaves alone what says no maker, another host or container as its maker, another name, and what a link leads to', async () => {
    const { folder, kill } = await begun();
    await kill();
    const put = async (name: string): Promise<string> => {
      const copy = join(temporary.path, name);
      await cp(folder, copy, { recursive: true });
      return copy;
    };
    await put('backup-of-something');
    await symlink(join(temporary.path, 'backup-of-something'), join(temporary.path, 'lastgood-restore-alink'));
    const lock = '.lastgood.lock';
    await writeFile(join(await put('lastgood-restore-noone'), lock), '');
    const elsewhere = join(await put('lastgood-restore-host'), lock);
    const held = JSON.parse(await readFile(elsewhere, 'utf8')) as object;
    await writeFile(elsewhere, JSON.stringify({ ...held, host: 'another', bootId: 'another' }));
    const inContainer = join(await put('lastgood-restore-container'), lock);
    await writeFile(inContainer, JSON.stringify({ ...held, pidNamespace: 'pid:[1]' }));
    const before = await readdir(temporary.path);

    await next();
    expect(await readdir(temporary.path)).toEqual(before.filter((name) => name !== basename(folder)));
  });

  it('removes what another container left before the machine was started again', async () => {
    const { folder, kill } = await begun();
    await kill();
    const lock = join(folder, '.lastgood.lock');
    const held = JSON.parse(await readFile(lock, 'utf8')) as object;
    await writeFile(lock, JSON.stringify({ ...held, pidNamespace: 'pid:[1]', bootId: 'before' }));

    await next();
    expect(existsSync(folder)).toBe(false);
  });
});
