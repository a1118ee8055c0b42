import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { saveLostRows } from '../../../src/operations/evidence/save-lost-rows.ts';
import { writeChecked } from '../../../src/operations/salvage/write-file.ts';
import { requireNewFile } from '../../../src/platform/new-file.ts';
import { makeTempDirectory, type TempDirectory } from '../../../src/platform/temp-dir.ts';

async function scene(): Promise<TempDirectory> {
  const folder = await makeTempDirectory('lastgood-unit-');
  await writeFile(join(folder.path, 'file'), '');
  await mkdir(join(folder.path, 'sub'));
  return folder;
}

async function* never(): AsyncGenerator<string> {
  yield await Promise.reject(new Error('asked for rows'));
}

const MAKERS: readonly [string, (path: string) => Promise<unknown>][] = [
  ['requireNewFile', requireNewFile],
  [
    'a salvaged dump',
    (path) =>
      writeChecked(
        path,
        () => Promise.reject(new Error('asked to write')),
        async () => {},
      ),
  ],
  ['saved rows', (path) => saveLostRows(never(), path)],
];

describe.each(MAKERS)('%s, before any work is done', (_, make) => {
  const refusal = async (name: string): Promise<{ folder: string; error: unknown }> => {
    await using folder = await scene();
    const error = await make(join(folder.path, name)).catch((reason: unknown) => reason);
    expect((await readdir(folder.path)).toSorted()).toEqual(['file', 'sub']);
    return { folder: folder.path, error };
  };

  it.each(['file', 'sub'])('does not take the place of what is there: %s', async (name) => {
    const { folder, error } = await refusal(name);
    expect(error).toMatchObject({ code: 'TARGET_NOT_EMPTY', message: `'${join(folder, name)}' exists already` });
  });

  it('says which folder is not there', async () => {
    const { folder, error } = await refusal('none/deep/x.sql');
    const message = `cannot write '${folder}/none/deep/x.sql': there is no folder '${folder}/none/deep'`;
    expect(error).toMatchObject({ code: 'STORAGE_FAILED', exitCode: 10, message });
  });

  it.each(['file/x.sql', 'file/deep/x.sql'])('says what is no folder on the way: %s', async (name) => {
    const { folder, error } = await refusal(name);
    expect(error).toMatchObject({
      code: 'STORAGE_FAILED',
      message: `cannot write '${folder}/${name}': '${folder}/file' is not a folder`,
      hint: 'Give the name of a file in a folder that is there; nothing was written.',
    });
  });
});

it('lets a new name pass', async () => {
  await using folder = await scene();
  await expect(requireNewFile(join(folder.path, 'sub/x.sql'))).resolves.toBeUndefined();
});
