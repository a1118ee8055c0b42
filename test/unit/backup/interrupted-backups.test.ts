import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInterruptedBackups, removeUnfinished } from '../../../src/backup/interrupted-backups.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

const STATE = {
  format: 1,
  startedAt: '2026-11-22T10:15:00.000Z',
  applying: 'stopped',
  server: { name: 'replica', reachedAt: '127.0.0.1:3306', serverId: 102 },
};

describe('findInterruptedBackups', () => {
  it('lists unfinished ones with what they had begun, and no finished one', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    for (const name of ['a.partial', 'b', 'c.partial']) await mkdir(join(folder.path, name));
    await writeFile(join(folder.path, 'c.partial/state.json'), JSON.stringify(STATE));
    expect(await findInterruptedBackups(folder.path)).toEqual([
      { id: 'a', folder: join(folder.path, 'a.partial'), state: null },
      { id: 'c', folder: join(folder.path, 'c.partial'), state: STATE },
    ]);
  });

  it('does not take a marker it cannot read for none', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await mkdir(join(folder.path, 'a.partial'));
    await writeFile(join(folder.path, 'a.partial/state.json'), '{');
    await expect(findInterruptedBackups(folder.path)).rejects.toMatchObject({ code: 'REPOSITORY_UNREADABLE' });
  });
});

describe('removeUnfinished', () => {
  it('removes the folder with all it holds', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await mkdir(join(folder.path, 'a.partial'));
    await writeFile(join(folder.path, 'a.partial/dump.sql.zst.partial'), 'half');
    await removeUnfinished(join(folder.path, 'a.partial'));
    expect(await readdir(folder.path)).toEqual([]);
  });
});
