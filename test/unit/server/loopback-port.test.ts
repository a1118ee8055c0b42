import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { makeTempDirectory } from '../../../src/platform/temp-dir.ts';
import { startLocalServer } from '../../../src/server/local-server.ts';
import { findFreePort, requireFreePort } from '../../../src/server/loopback-port.ts';

/** A port that is listened on until it is disposed of. */
async function takenPort(): Promise<{ port: number } & AsyncDisposable> {
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

describe('requireFreePort', () => {
  it('takes a free port', async () => {
    await expect(requireFreePort(await findFreePort())).resolves.toBeUndefined();
  });

  it('refuses one in use and names it', async () => {
    await using taken = await takenPort();
    await expect(requireFreePort(taken.port)).rejects.toMatchObject({
      code: 'PREFLIGHT_FAILED',
      message: `port ${taken.port} on 127.0.0.1 is in use`,
    });
  });
});

it('a local server is not started on a port in use', async () => {
  await using taken = await takenPort();
  await using folder = await makeTempDirectory('lastgood-unit-');
  const paths = { datadir: folder.path, socket: join(folder.path, 's'), errorLog: join(folder.path, 'log') };
  const started = startLocalServer({ ...paths, port: taken.port, args: [], program: '/no/such/program' });
  await expect(started).rejects.toThrow(`port ${taken.port} on 127.0.0.1 is in use`);
});
