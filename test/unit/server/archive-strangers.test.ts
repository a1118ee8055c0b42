import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startArchiveServer, type ArchiveServer } from '../../../src/server/archive-server.ts';
import { connect } from '../../../src/server/connection.ts';
import { seededRandom } from '../../support/random.ts';
import { MARIADB_SOURCE } from '../../support/served-identity.ts';

const log = pino({ level: 'silent' });
const identity = MARIADB_SOURCE;

/** A client that has read the greeting and keeps its end open, whatever the server does. */
async function stranger({ host, port }: ArchiveServer): Promise<Socket> {
  const socket = connectSocket({ host, port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  await once(socket, 'data');
  return socket;
}

/** Until the server has let go of the connection: it has ended it, or answers no more. */
const letGo = async (socket: Socket): Promise<unknown> =>
  await Promise.race([once(socket, 'end'), once(socket, 'close')]);

const packet = (payload: Buffer, length = payload.length): Buffer =>
  Buffer.concat([Buffer.from([length & 0xff, (length >> 8) & 0xff, length >> 16, 1]), payload]);

describe('an archive server and whoever is not signed in', () => {
  let server: ArchiveServer;

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    server = await startArchiveServer({ identity, ranges: [], log });
  });

  afterEach(async () => {
    vi.useRealTimers();
    await server[Symbol.asyncDispose]();
  });

  it('ends with one that sends byte after byte of a login that never ends', async () => {
    const socket = await stranger(server);
    const gone = letGo(socket);
    for (let seconds = 0; seconds < 12; seconds += 1) {
      if (socket.writable) socket.write(Buffer.from([200]));
      await vi.advanceTimersByTimeAsync(1000);
    }

    await gone;
  });

  it('ends with one that was refused and does not go', async () => {
    const socket = await stranger(server);
    const refused = letGo(socket);
    socket.write(packet(Buffer.from('no login')));
    await refused;
    await vi.advanceTimersByTimeAsync(11_000);
    while (!socket.destroyed) {
      socket.write(Buffer.from('still here'));
      await new Promise((resolve) => setImmediate(resolve));
    }

    expect(socket.errored).not.toBeNull();
  });

  it('ends at once with one that announces more than any login has', async () => {
    const socket = await stranger(server);
    const gone = letGo(socket);
    socket.write(packet(Buffer.alloc(10), 0xffffff));

    await gone;
  });

  it('outlives whatever they send', async () => {
    const random = seededRandom(7);
    for (let turn = 0; turn < 200; turn += 1) {
      const socket = await stranger(server);
      const gone = letGo(socket);
      const bytes = Buffer.from(Array.from({ length: 1 + random() * 300 }, () => random() * 256));
      socket.end(turn % 2 === 0 ? packet(bytes) : bytes);
      await gone;
    }
    await using client = await connect({ ...server, name: 'archive server', tls: 'off' });

    expect(client.version).toBe(identity.serverVersion);
  });
});

describe('an archive server', () => {
  it('does not start with a certificate that it cannot show', async () => {
    const tls = { cert: 'no certificate', key: 'no key' };

    await expect(startArchiveServer({ identity, ranges: [], log, tls })).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('cannot use the TLS certificate') as unknown,
    });
  });

  it.each([
    ['a value of 70000 characters', [`SET @a = '${'x'.repeat(70_000)}'`, 'SELECT @a']],
    ['a thousand columns', [`SELECT ${Array.from({ length: 1000 }, () => '@a').join(', ')}`]],
  ])('goes on when a client asks for %s', async (_, questions) => {
    await using server = await startArchiveServer({ identity, ranges: [], log });
    await using client = await connect({ ...server, name: 'archive server', tls: 'off' });
    for (const question of questions) await client.query(question).catch(() => undefined);
    await using other = await connect({ ...server, name: 'archive server', tls: 'off' });

    expect(other.version).toBe(identity.serverVersion);
  });
});
