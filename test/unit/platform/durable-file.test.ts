import { createHash } from 'node:crypto';
import { readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  makeDirectory,
  storageFailure,
  writeFileDurably,
  writeStreamDurably,
} from '../../../src/platform/durable-file.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

describe('writeFileDurably', () => {
  it('replaces the whole content, for the owner only', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'record.json');
    await writeFileDurably(path, 'a long first version');
    await writeFileDurably(path, 'second');
    expect(await readFile(path, 'utf8')).toBe('second');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(folder.path)).toEqual(['record.json']);
  });

  it('says which file cannot be written', async () => {
    await expect(writeFileDurably('/nowhere/record.json', '')).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.stringContaining("cannot write '/nowhere/record.json': ENOENT") as string,
      hint: 'Is the path right? A folder on the way to it is not there.',
    });
  });

  it('does not send who may not write to free space', () => {
    const refused = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES', syscall: 'open' });
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    expect(storageFailure('/repository/x', refused)).toMatchObject({
      code: 'STORAGE_FAILED',
      hint: 'May this user write there? Run as the user who owns it.',
    });
    expect(storageFailure('/repository/x', full)).toMatchObject({
      hint: expect.stringContaining('free space') as string,
    });
  });
});

describe('writeStreamDurably', () => {
  it('tells how many bytes it wrote and their SHA-256', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'dump');
    const written = await writeStreamDurably(path, [Buffer.from('ab'), Buffer.from('c')]);
    expect(written).toEqual({ bytes: 3, sha256: createHash('sha256').update('abc').digest('hex') });
    expect(await readFile(path, 'utf8')).toBe('abc');
  });

  it('leaves the old content and nothing else when the source fails half-way', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'dump');
    await writeFileDurably(path, 'old');
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('new');
      await Promise.resolve();
      throw new Error('source failed');
    }
    await expect(writeStreamDurably(path, failing())).rejects.toThrow('source failed');
    expect(await readFile(path, 'utf8')).toBe('old');
    expect(await readdir(folder.path)).toEqual(['dump']);
  });
});

describe('makeDirectory', () => {
  it('makes missing parents for the owner only, and accepts what is there', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'a/b/c');
    await makeDirectory(path);
    await makeDirectory(path);
    expect((await stat(join(folder.path, 'a'))).mode & 0o777).toBe(0o700);
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('makes it also when several want it at once', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const path = join(folder.path, 'a/b/c');
    await Promise.all(Array.from({ length: 8 }, () => makeDirectory(path)));
    expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('says that it cannot where a link to nothing or a file is', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    await symlink('nothing', join(folder.path, 'link'));
    await writeFile(join(folder.path, 'file'), '');
    for (const name of ['link', 'link/x', 'file', 'file/x'])
      await expect(makeDirectory(join(folder.path, name))).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
  });
});
