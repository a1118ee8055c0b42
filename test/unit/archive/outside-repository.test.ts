import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { refuseInside } from '../../../src/archive/outside-repository.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';

/** A repository's folder among others, a file, and links. */
async function scene(): Promise<TempDirectory> {
  const folder = await makeTempDirectory('lastgood-unit-');
  await mkdir(join(folder.path, 'repository/lineages'), { recursive: true });
  await writeFile(join(folder.path, 'file'), '');
  await symlink('loop', join(folder.path, 'loop'));
  await symlink('repository/lineages', join(folder.path, 'inside'));
  await symlink('repository/later', join(folder.path, 'to-nothing'));
  return folder;
}

async function outcome(path: string, repository = 'repository'): Promise<unknown> {
  await using folder = await scene();
  const tried = refuseInside(join(folder.path, repository), join(folder.path, path));
  return await tried.catch((error: unknown) => error);
}

describe('refuseInside', () => {
  it.each(['out', 'out/deep', 'repository-2', '..out'])('lets pass %s', async (path) => {
    expect(await outcome(path)).toBeUndefined();
  });

  it.each(['repository', 'repository/new/deep', 'inside', 'inside/new'])('refuses %s', async (path) => {
    expect(await outcome(path)).toMatchObject({ code: 'USAGE', exitCode: 2 });
  });

  it.each([
    ['file/x', "/file' is not a folder"],
    ['file/x/y', "/file' is not a folder"],
    ['to-nothing', 'is not a folder'],
    ['to-nothing/x', 'is not a folder'],
    ['loop', 'cannot be read: ELOOP'],
    ['loop/x', 'cannot be read: ELOOP'],
    ['x'.repeat(300), 'cannot be read: ENAMETOOLONG'],
  ])('has an error of the table for %s, which can be no folder', async (path, why) => {
    expect(await outcome(path)).toMatchObject({
      code: 'TARGET_NOT_EMPTY',
      exitCode: 40,
      message: expect.stringContaining(why) as string,
      hint: 'Give a folder that does not exist yet or is empty; nothing was written.',
    });
  });

  it('has one for a repository that is gone', async () => {
    expect(await outcome('out', 'none')).toMatchObject({ code: 'REPOSITORY_UNREADABLE', exitCode: 10 });
  });
});
