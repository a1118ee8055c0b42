import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readKeyRing } from '../../../src/archive/key-ring.ts';
import { packThreadFor } from '../../../src/archive/pack-thread.ts';
import { archive } from '../../../src/operations/archive.ts';
import { archiveFolder, type ArchiveFolder } from '../../support/archive-folder.ts';
import { silentLog } from '../../support/archiver.ts';
import { BinlogBuilder, gtidList, rotate } from '../../support/binlog-builder.ts';
import { aLineage } from '../../support/in-memory-log.ts';

const [FIRST, SECOND] = ['binlog.000001', 'binlog.000002'] as const;

/** One sealed segment, encrypted or in clear, and an open one. */
async function folderWith(isEncrypted: boolean): Promise<{ folder: ArchiveFolder; keyFile: string }> {
  const folder = await archiveFolder();
  const keyFile = join(folder.repository.path, '..', 'archive.key');
  await writeFile(keyFile, `${'0123456789abcdef'.repeat(4)}\n`, { mode: 0o600 });
  await using packs = packThreadFor('none', isEncrypted ? await readKeyRing(keyFile) : null);
  const { writer } = folder.writer(await folder.end(), { packs });
  const first = new BinlogBuilder().between(gtidList('')).between(rotate(SECOND)).bytes;
  const second = new BinlogBuilder().between(gtidList('')).bytes;
  for (const [file, bytes] of [
    [FIRST, first],
    [SECOND, second],
  ] as const) {
    writer.rotate(file, 4);
    writer.append(bytes, 4, bytes.length);
  }
  await writer.finish();
  return { folder, keyFile };
}

/** The folder's sealed segment once more, in clear and under another lineage, as far as a start looks at it. */
async function addInClear(from: ArchiveFolder, lineage: string, sealedAt: string): Promise<void> {
  const manifest = JSON.parse((await from.read(`${FIRST}.json`)).toString()) as object;
  const record = JSON.stringify({ ...manifest, encryption: null, compression: 'none', sealedAt });
  const folder = from.repository.lineageFolder(lineage);
  for (const [name, content] of [
    [FIRST, ''],
    [`${FIRST}.json`, record],
  ] as const)
    await writeFile(join(folder, name), content);
}

/** How an archiver ends that nobody answers. */
async function outcome(
  { repository: { path } }: ArchiveFolder,
  { name = 'shop', ...options }: { name?: string; keyFile?: string; storesInClear?: boolean } = {},
): Promise<unknown> {
  const primary = {
    name,
    host: '127.0.0.1',
    port: 1,
    user: 'x',
    password: '',
    tls: 'off',
    serverId: 9,
  } as const;
  const settings = { sync: 'group', semiSync: false, compression: 'none' } as const;
  return await archive({
    repositoryPath: path,
    primary,
    archive: settings,
    untilCurrent: true,
    log: silentLog,
    signal: new AbortController().signal,
    ...options,
  }).catch((error: unknown) => error);
}

describe('an archiver whose key file was taken out of the configuration', () => {
  it('does not start, before any server is asked, and says what to do', async () => {
    const { folder } = await folderWith(true);
    await using _folder = folder;
    expect(await outcome(folder)).toMatchObject({
      code: 'CONFIG_INVALID',
      exitCode: 2,
      message: expect.stringContaining(`segment '${FIRST}' of 'shop' is encrypted with key `) as string,
      hint: expect.stringContaining('encryption = "off"') as string,
    });
  });

  it('does not start either where a lineage has only begun behind the encrypted one', async () => {
    const { folder } = await folderWith(true);
    await using _folder = folder;
    const next = aLineage({ id: 'shop-next' });
    await folder.repository.writeLineage({ ...next, createdAt: '2099-01-01T00:00:00Z', parent: folder.lineage.id });
    expect(await outcome(folder)).toMatchObject({ code: 'CONFIG_INVALID' });
  });

  it('does not start under another name either that has no sealed segment yet, also with a lineage of it', async () => {
    const { folder } = await folderWith(true);
    await using _folder = folder;
    const refused = { code: 'CONFIG_INVALID', message: expect.stringContaining(`'${FIRST}' of 'shop' is`) as string };
    expect(await outcome(folder, { name: 'shop2' })).toMatchObject(refused);
    await folder.repository.writeLineage(aLineage({ id: 'shop2-1', name: 'shop2' }));
    expect(await outcome(folder, { name: 'shop2' })).toMatchObject(refused);
    expect(await outcome(folder, { name: 'shop2', storesInClear: true })).toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it('is judged under another name by the newest sealed segment of any, and by its own once it has one', async () => {
    const { folder } = await folderWith(true);
    await using _folder = folder;
    const clear = aLineage({ id: 'clear-1', name: 'clear' });
    await folder.repository.writeLineage({ ...clear, createdAt: '2000-01-01T00:00:00Z' });
    await addInClear(folder, clear.id, '2000-01-01T00:00:00Z');
    expect(await outcome(folder, { name: 'new' })).toMatchObject({ code: 'CONFIG_INVALID' });
    expect(await outcome(folder, { name: 'clear' })).toMatchObject({ code: 'SERVER_UNREACHABLE' });
    await addInClear(folder, clear.id, '2099-01-01T00:00:00Z');
    expect(await outcome(folder, { name: 'new' })).toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });

  it.each([
    { name: 'with the key file', isEncrypted: true, withKey: true, storesInClear: false },
    { name: 'when told to store in clear', isEncrypted: true, withKey: false, storesInClear: true },
    { name: 'where nothing was encrypted', isEncrypted: false, withKey: false, storesInClear: false },
  ])('goes on to its server $name', async ({ isEncrypted, withKey, storesInClear }) => {
    const { folder, keyFile } = await folderWith(isEncrypted);
    await using _folder = folder;
    const options = { storesInClear, ...(withKey && { keyFile }) };
    expect(await outcome(folder, options)).toMatchObject({ code: 'SERVER_UNREACHABLE' });
  });
});
