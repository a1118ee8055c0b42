import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fillFolder } from '../../../src/operations/export-folder.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

/** Writes a file into the folder; fails behind it when told to. */
function writing(folder: string, name: string, fails = false): (note: (file: string) => void) => Promise<string> {
  return async (note) => {
    const path = join(folder, name);
    note(path);
    await writeFile(path, name);
    if (fails) throw new Error('failed half-way');
    return name;
  };
}

describe('fillFolder', () => {
  it('makes the folder with its parents, and leaves in it what was written and nothing else', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const out = join(folder.path, 'a/b');
    expect(await fillFolder(out, writing(out, 'one'))).toBe('one');
    expect(await readdir(out)).toEqual(['one']);
  });

  it('lets in one of two runs at once; the other one takes nothing of it away, failing before or behind it', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const out = join(folder.path, 'out');
    const first = fillFolder(out, async (note) => {
      await expect(fillFolder(out, writing(out, 'one'))).rejects.toMatchObject({
        code: 'TARGET_NOT_EMPTY',
        exitCode: 40,
        message: expect.stringContaining("'.lastgood-export' is in it") as string,
      });
      return await writing(out, 'one')(note);
    });
    expect(await first).toBe('one');
    await expect(fillFolder(out, writing(out, 'one', true))).rejects.toMatchObject({ code: 'TARGET_NOT_EMPTY' });
    expect(await readdir(out)).toEqual(['one']);
  });

  it('of two that begin at the same moment one fills the folder, whichever it is', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const out = join(folder.path, 'deep/out');
    const runs = await Promise.allSettled(['one', 'two'].map((name) => fillFolder(out, writing(out, name))));
    const names = runs.flatMap((run) => (run.status === 'fulfilled' ? [run.value] : []));
    expect(names).toHaveLength(1);
    expect(await readdir(out)).toEqual(names);
    const [refused] = runs.flatMap((run) => (run.status === 'rejected' ? [run.reason as unknown] : []));
    expect(refused).toMatchObject({ code: 'TARGET_NOT_EMPTY' });
  });

  it('removes what it wrote and the folders it made when the work fails, and no other', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const out = join(folder.path, 'a/b/c');
    await expect(fillFolder(out, writing(out, 'one', true))).rejects.toThrow('failed half-way');
    expect(await readdir(folder.path)).toEqual([]);
    await mkdir(join(folder.path, 'a'));
    await expect(fillFolder(out, writing(out, 'one', true))).rejects.toThrow('failed half-way');
    expect(await readdir(join(folder.path, 'a'))).toEqual([]);
  });

  it('removes the parents that it made also when the folder itself cannot be made', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const out = join(folder.path, 'a/b', 'x'.repeat(255), 'x'.repeat(300));
    await expect(fillFolder(out, writing(out, 'one'))).rejects.toMatchObject({
      exitCode: expect.any(Number) as number,
    });
    expect(await readdir(folder.path)).toEqual([]);
  });

  it.each([
    ['a file', 'file', 'is not a folder'],
    ['a way through a file', 'file/x/y', 'is not a folder'],
    ['a link to itself', 'loop', 'cannot be read: ELOOP'],
    ['a way through a link to itself', 'loop/x', 'cannot be read: ELOOP'],
    ['a folder that holds something', 'full', 'is not empty'],
  ])('refuses %s before anything is written', async (_, name, why) => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await writeFile(join(folder.path, 'file'), '');
    await symlink('loop', join(folder.path, 'loop'));
    await mkdir(join(folder.path, 'full/deep'), { recursive: true });
    const out = join(folder.path, name);
    const refused = fillFolder(out, () => Promise.reject(new Error('asked to write')));
    await expect(refused).rejects.toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      message: expect.stringContaining(why) as string,
      hint: expect.stringContaining('nothing was written') as string,
    });
    expect(await readdir(join(folder.path, 'full'))).toEqual(['deep']);
  });
});
