import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { findOpenSecrets } from '../../../src/operations/doctor/secret-files.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';

/** A file that every user may read on every machine; one of our own may lie below a folder that is closed. */
const OPEN = '/etc/passwd';

async function put(path: string, mode: number): Promise<string> {
  await writeFile(path, 'secret');
  await chmod(path, mode);
  return path;
}

it('a password file that every user may read is told of once, with the command that closes it', async () => {
  expect(await findOpenSecrets([OPEN, OPEN])).toEqual([
    {
      severity: 'warning',
      check: 'secret file',
      object: OPEN,
      found: 'has mode 0644: every user of this machine may read it',
      fix: `Close it: chmod o-rwx ${OPEN}; the user that lastgood runs as must own it, or be in its group.`,
    },
  ]);
});

it('so is one behind a link, wherever the link is', async () => {
  await using folder = await makeTempDirectory('lastgood-secret-');
  const link = join(folder.path, 'link');
  await symlink(OPEN, link);
  expect(await findOpenSecrets([link])).toMatchObject([{ object: link }]);
});

it('one for its owner and its group is not, nor one in a folder that others cannot enter', async () => {
  await using folder = await makeTempDirectory('lastgood-secret-');
  await chmod(folder.path, 0o755);
  const closed = join(folder.path, 'closed');
  await mkdir(closed, { mode: 0o750 });
  const files = [await put(join(folder.path, 'password'), 0o640), await put(join(closed, 'password'), 0o644)];
  expect(await findOpenSecrets(files)).toEqual([]);
});

it('one that cannot be looked at is told of', async () => {
  await using folder = await makeTempDirectory('lastgood-secret-');
  expect(await findOpenSecrets([join(folder.path, 'gone')])).toMatchObject([
    { severity: 'warning', found: expect.stringContaining('ENOENT') as string },
  ]);
});
