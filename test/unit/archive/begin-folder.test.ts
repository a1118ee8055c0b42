import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/archive/repository.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

/** A folder that holds these files; a name with a slash at its end is a folder. */
async function fill(path: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (name.endsWith('/')) await mkdir(join(path, name), { recursive: true });
    else await writeFile(join(path, name), 'x');
  }
}

describe('a repository is begun', () => {
  it.each([
    ['nothing', []],
    ['what a file system makes', ['lost+found/', '.snapshot/']],
    ['hidden files', ['.bash_history', '.cache/']],
    ['the configuration', ['lastgood.toml']],
    ['a begin that was killed', ['lineages/', 'backups/']],
    ['a begin that was killed later', ['lineages/', 'backups/', 'rehearsals/', 'repository.json.partial']],
  ])('in a folder that holds %s', async (_, names) => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    await fill(folder.path, names);
    const { id } = await openRepository(folder.path, { create: true });
    expect((await openRepository(folder.path)).id).toBe(id);
  });
});

describe('no repository is begun, and nothing is written', () => {
  it.each([
    ["a server's data folder", ['ibdata1', 'mysql/', 'aria_log_control'], 'aria_log_control'],
    ['a folder of another program', ['lineages/', 'photos/'], 'photos'],
    ['an empty schema of a server', ['shop/'], 'shop'],
    ['folders that are called like ours', ['backups/', 'backups/monday/'], 'backups/monday'],
  ])('in %s', async (_, names, found) => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    await fill(folder.path, names);
    const before = await readdir(folder.path, { recursive: true });
    await expect(openRepository(folder.path, { create: true })).rejects.toMatchObject({
      code: 'REPOSITORY_MISSING',
      exitCode: 10,
      message: `no repository at '${folder.path}', and none is begun there: the folder holds '${found}', which is not of an archive`,
      hint: expect.stringContaining('a folder that is empty or does not exist yet') as string,
      details: { path: folder.path, found },
    });
    expect(await readdir(folder.path, { recursive: true })).toEqual(before);
  });
});
