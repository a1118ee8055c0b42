import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { ownLinesWarning, readOwnLines, withOwnLines } from '../../../src/recovery/own-options.ts';

it('what a person adds to the option file goes through a later restore, byte for byte', async () => {
  await using folder = await makeTempDirectory('lastgood-unit-');
  const path = join(folder.path, 'lastgood.cnf');
  expect(await readOwnLines(folder.path)).toBe('');
  await writeFile(path, withOwnLines({ port: '3307' }, ''));
  expect(await readOwnLines(folder.path)).toBe('');

  const added = 'log_bin = binlog\n# of mine\n[mysqld]\nskip_name_resolve\n';
  await writeFile(path, added, { flag: 'a' });
  const own = await readOwnLines(folder.path);
  expect(own).toBe(added);
  const next = withOwnLines({ port: '3308' }, own);
  await writeFile(path, next);
  expect(next).toContain('port = "3308"');
  expect(await readOwnLines(folder.path)).toBe(added);

  expect(ownLinesWarning(folder.path, own)).toContain("lastgood.cnf' stays there (log_bin, skip_name_resolve), and");
  expect(ownLinesWarning(folder.path, '\n# only this\n')).toBeNull();
});
