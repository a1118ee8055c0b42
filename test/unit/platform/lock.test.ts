import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { acquireLock, readLock } from '../../../src/platform/lock.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const HOLDER = join(import.meta.dirname, '../../support/lock-holder.ts');

/** Another process that takes the lock and holds it until it is ended; answers 'held' or the error's code. */
async function inAnotherProcess(path: string): Promise<{ process: ChildProcess; answer: string }> {
  const child = fork(HOLDER, [path], { execArgv: ['--import', 'tsx'] });
  const [answer] = (await once(child, 'message')) as [string];
  return { process: child, answer };
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await once(child, 'exit');
}

describe('acquireLock', () => {
  it('refuses a second holder and names the first', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    await using _held = await acquireLock(path, 'archive shop');
    await expect(acquireLock(path, 'archive shop')).rejects.toMatchObject({
      code: 'LOCKED',
      message: expect.stringContaining(
        `is held by process ${process.pid} on ${hostname()} (archive shop, since `,
      ) as string,
      details: { pid: process.pid, purpose: 'archive shop' },
    });
  });

  it('is free again once released, and leaves nothing behind', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    for (const purpose of ['first', 'second']) {
      await using _held = await acquireLock(path, purpose);
      expect(await readLock(path)).toMatchObject({ pid: process.pid, purpose, alive: true });
    }
    expect(await readLock(path)).toBeNull();
    expect(await readdir(folder.path)).toEqual([]);
  });

  it('holds against another live process, and is taken over from a killed one', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    const other = await inAnotherProcess(path);
    expect(other.answer).toBe('held');
    await expect(acquireLock(path, 'mine')).rejects.toMatchObject({
      code: 'LOCKED',
      details: { pid: other.process.pid },
    });
    await kill(other.process);
    expect(await readLock(path)).toMatchObject({ alive: false });
    await using _held = await acquireLock(path, 'mine');
    expect(await readLock(path)).toMatchObject({ pid: process.pid, purpose: 'mine', alive: true });
    expect(await readdir(folder.path)).toEqual(['archiver.lock']);
  });

  it('gives a stale lock to exactly one of several that want it', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    const dead = await inAnotherProcess(path);
    await kill(dead.process);
    const attempts = await Promise.allSettled(
      Array.from({ length: 8 }, async (_, n) => await acquireLock(path, `${n}`)),
    );
    const got = attempts.filter(({ status }) => status === 'fulfilled');
    expect(got).toHaveLength(1);
  });

  it('recognises a process number that was given out again', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    await using _held = await acquireLock(path, 'old');
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...content, processStart: '1' }));
    expect(await readLock(path)).toMatchObject({ pid: process.pid, alive: false });
  });

  it('does not judge a holder on another host', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    await using _held = await acquireLock(path, 'old');
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    const other = { host: 'elsewhere', bootId: 'of-another-kernel', pid: 1, processStart: '1' };
    await writeFile(path, JSON.stringify({ ...content, ...other }));
    await expect(acquireLock(path, 'mine')).rejects.toMatchObject({ code: 'LOCKED' });
  });

  it('knows a dead holder also after the machine was given another name', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    const dead = await inAnotherProcess(path);
    await kill(dead.process);
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...content, host: 'old-name' }));
    expect(await readLock(path)).toMatchObject({ host: 'old-name', alive: false });
    await using _held = await acquireLock(path, 'mine');
    expect(await readLock(path)).toMatchObject({ pid: process.pid });
  });

  it('knows that a holder from before a restart of the machine is gone', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    await using _held = await acquireLock(path, 'old');
    const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
    await writeFile(path, JSON.stringify({ ...content, bootId: 'of-the-boot-before' }));
    expect(await readLock(path)).toMatchObject({ pid: process.pid, alive: false });
  });

  it('is not kept from anyone by what killed processes left: a draft, half a draft, a takeover', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    const dead = await inAnotherProcess(path);
    await kill(dead.process);
    const content = await readFile(path, 'utf8');
    const { nonce } = JSON.parse(content) as { nonce: string };
    for (const [name, text] of [
      [`${path}.11111111-2222`, content],
      [`${path}.11111111-3333`, ''],
      [`${path}.takeover-${nonce}`, content.replace(nonce, 'of-the-taker')],
      [`${path}.takeover-${nonce}.takeover-of-the-taker`, content.replace(nonce, 'of-the-next-taker')],
    ] as const) {
      await writeFile(name, text);
    }
    await using _held = await acquireLock(path, 'mine');
    expect(await readLock(path)).toMatchObject({ pid: process.pid, purpose: 'mine' });
    expect(await readdir(folder.path)).toEqual(['archiver.lock']);
  });

  it('does not release a lock that another process has taken over', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'archiver.lock');
    {
      await using _held = await acquireLock(path, 'old');
      const content = JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;
      await writeFile(path, JSON.stringify({ ...content, nonce: 'of-another' }));
    }
    expect(await readLock(path)).not.toBeNull();
  });
});
