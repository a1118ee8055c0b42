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
    ['what a file system keeps quotas in', ['aquota.user', 'aquota.group']],
    ['what a storage device makes', ['@eaDir/', '#recycle/', 'System Volume Information/']],
    ['the configuration', ['lastgood.toml']],
    ['a configuration of another name, and what it names', ['shop.toml', 'archive.key', 'shop.password', 'password']],
    ['certificates, logs and notes', ['ca.pem', 'secrets.env', 'archiver.log', 'notes.txt', 'README.md']],
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
    ['a folder that is called like a key', ['archive.key/'], 'archive.key'],
    ['binary logs', ['binlog.000001', 'binlog.index'], 'binlog.000001'],
    ['an old table', ['shop.frm'], 'shop.frm'],
    [
      "a server's data folder with a schema that is called like one of ours",
      ['backups/', 'backups/t.ibd', 'ibdata1'],
      'ibdata1',
    ],
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

describe('a repository that lost its record is not begun anew, and says so', () => {
  it.each([
    ["an archiver's lock", ['archiver-shop.lock'], 'archiver-shop.lock'],
    ["an archiver's record", ['archiver-shop.json'], 'archiver-shop.json'],
    ['alerts', ['alerts-shop.jsonl'], 'alerts-shop.jsonl'],
    ['the catalog', ['catalog.sqlite', 'catalog.sqlite-wal'], 'catalog.sqlite'],
    ['the ledger', ['ledger.jsonl', 'photos/'], 'ledger.jsonl'],
    ['pins', ['pins.jsonl'], 'pins.jsonl'],
    ['the lock of a backup', ['backup.lock'], 'backup.lock'],
    ['a backup', ['lineages/', 'backups/', 'backups/20260101/'], 'backups/20260101'],
    ['a rehearsal', ['rehearsals/', 'rehearsals/1.json'], 'rehearsals/1.json'],
  ])('where it left %s', async (_, names, found) => {
    await using folder = await makeTempDirectory('lastgood-repository-');
    await fill(folder.path, names);
    const before = await readdir(folder.path, { recursive: true });
    await expect(openRepository(folder.path, { create: true })).rejects.toMatchObject({
      code: 'REPOSITORY_UNREADABLE',
      message: `cannot read '${join(folder.path, 'repository.json')}': it is not there, though '${found}' is`,
      hint: expect.stringContaining('from a second copy of the archive') as string,
    });
    expect(await readdir(folder.path, { recursive: true })).toEqual(before);
  });
});
