import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { installDatadir } from '../../../src/server/local-server.ts';
import { requirePlainPath } from '../../../src/server/plain-path.ts';

describe('requirePlainPath', () => {
  it.each(['/srv/restored', '/srv/a-b_c.d,e:f=g@h%i+j~k/1', '/srv/Müller/数据', '/srv/mu\u0308ller'])(
    'takes %j',
    (path) => {
      expect(requirePlainPath(path)).toBe(path);
    },
  );

  it.each([
    ['/srv/victim y', 'a blank'],
    ['/srv/a\tb', 'a blank'],
    ['/srv/a\nb', 'a blank'],
    ['/srv/*', "'*'"],
    ['/srv/a?', "'?'"],
    ['/srv/[ab]', "'['"],
    ['/srv/a\\b', "'\\'"],
    ['/srv/$HOME', "'$'"],
    ['/srv/`id`', "'`'"],
    ['/srv/a;b', "';'"],
    ["/srv/it's", "'''"],
  ])('refuses %j', (path, sign) => {
    const message = `cannot install a server in '${path}': the path holds ${sign}`;
    expect(() => requirePlainPath(path)).toThrow(
      expect.objectContaining({ code: 'PREFLIGHT_FAILED', message }) as Error,
    );
  });

  it('looks at the whole path of a relative one', () => {
    expect(requirePlainPath('restored')).toBe(resolve('restored'));
  });
});

describe('installDatadir', () => {
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  it('refuses a path with a blank before it runs or makes anything', async () => {
    await using folder = await makeTempDirectory('lastgood-unit-');
    const programs = join(folder.path, 'bin');
    await mkdir(programs);
    await writeFile(join(programs, 'mariadb-install-db'), `#!/bin/sh\n: > ${folder.path}/ran\n`);
    await chmod(join(programs, 'mariadb-install-db'), 0o755);
    vi.stubEnv('PATH', `${programs}:/usr/bin:/bin`);

    await expect(installDatadir({ datadir: join(folder.path, 'victim y') })).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      hint: expect.stringContaining('TMPDIR') as string,
    });

    expect(await readdir(folder.path)).toEqual(['bin']);
  });
});
