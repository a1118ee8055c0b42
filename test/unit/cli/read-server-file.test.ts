import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { readServerFile } from '../../../src/cli/config/read-server-file.ts';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import type { ServerOptions } from '../../../src/server/server-options.ts';

async function read(text: string): Promise<ServerOptions> {
  await using folder = await makeTempDirectory('lastgood-test-');
  const path = join(folder.path, 'spare.cnf');
  await writeFile(path, text);
  return await readServerFile(path, { flag: '--server', name: 'target server' });
}

it('reads where a server is and who to be there', async () => {
  expect(await read('[client]\nuser = admin\npassword = "p#w"\nhost = db9\nport = 3307\n[mysqld]\nport = 1\n')).toEqual(
    {
      ...{ name: 'target server', user: 'admin', password: 'p#w', host: 'db9', port: 3307, tls: 'preferred' },
      optionFile: expect.stringMatching(/spare\.cnf$/) as string,
    },
  );
});

it("takes the socket, as the servers' own programs do, unless another host is named", async () => {
  const socket = 'socket=/run/mysqld.sock\n';
  expect(await read(`[client]\nuser=root\n${socket}port=3306\n`)).toMatchObject({ socket: '/run/mysqld.sock' });
  expect(await read(`[client]\nuser=root\n${socket}host=localhost\n`)).toMatchObject({ socket: '/run/mysqld.sock' });
  expect(await read(`[client]\nuser=root\n${socket}host=db9\n`)).toMatchObject({ host: 'db9', port: 3306 });
});

it('needs a user, and a place', async () => {
  await expect(read('[client]\nhost=db9\n')).rejects.toThrow(/^--server: .*spare\.cnf has no user in \[client\]$/);
  await expect(read('[client]\nuser=root\n')).rejects.toThrow(/^--server: .*spare\.cnf has neither host nor socket in/);
});

it('says which file it cannot read', async () => {
  await expect(readServerFile('/nowhere/spare.cnf', { flag: '--server', name: 'target server' })).rejects.toMatchObject(
    {
      code: 'FILE_UNREADABLE',
      message: "--server: cannot read '/nowhere/spare.cnf'",
    },
  );
});
