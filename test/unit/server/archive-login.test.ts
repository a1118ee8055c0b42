import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { login } from '../../../src/server/archive-login.ts';
import { PacketSocket } from '../../../src/server/packet-socket.ts';

const PROTOCOL_41 = 0x200;
const SECURE_CONNECTION = 0x8000;
const PLUGIN_AUTH = 0x80000;
const CONNECT_WITH_DB = 0x8;

/** A server's end and a client's end of one connection; both go with the test. */
async function pair(): Promise<AsyncDisposable & { server: Socket; client: PacketSocket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const client = connect((listener.address() as AddressInfo).port, '127.0.0.1');
  const [server] = (await once(listener, 'connection')) as [Socket];
  client.on('error', () => undefined);
  return {
    server,
    client: new PacketSocket(client),
    async [Symbol.asyncDispose]() {
      client.destroy();
      server.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}

const OPTIONS = { serverVersion: '8.0.36', connectionId: 7, user: 'lastgood', password: 'open sesame', tls: null };

interface Attempt {
  readonly user?: string;
  readonly plugin?: string | null;
  readonly answer: Buffer;
}

function response({ user = 'lastgood', plugin = null, answer }: Attempt): Buffer {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(PROTOCOL_41 | SECURE_CONNECTION | CONNECT_WITH_DB | (plugin === null ? 0 : PLUGIN_AUTH));
  return Buffer.concat([
    ...[head, Buffer.from(`${user}\0`), Buffer.from([answer.length]), answer, Buffer.from('shop\0')],
    Buffer.from(plugin === null ? '' : `${plugin}\0`),
  ]);
}

/** The 20 bytes that the greeting has in two parts. */
function challengeOf(greeting: Buffer): Buffer {
  const at = greeting.indexOf(0) + 1 + 4;
  return Buffer.concat([greeting.subarray(at, at + 8), greeting.subarray(at + 27, at + 39)]);
}

const sha = (algorithm: string, ...parts: Buffer[]): Buffer =>
  createHash(algorithm).update(Buffer.concat(parts)).digest();
const xor = (a: Buffer, b: Buffer): Buffer => Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)));

function native(password: string, challenge: Buffer): Buffer {
  const once = sha('sha1', Buffer.from(password));
  return xor(once, sha('sha1', challenge, sha('sha1', once)));
}

function sha2(password: string, challenge: Buffer): Buffer {
  const once = sha('sha256', Buffer.from(password));
  return xor(once, sha('sha256', sha('sha256', once), challenge));
}

/** What the client reads until it is in or out. */
async function attempt(
  make: (challenge: Buffer) => Attempt,
  again?: (challenge: Buffer) => Buffer,
): Promise<{ packets: Buffer[]; outcome: string | null }> {
  await using ends = await pair();
  const { client } = ends;
  const outcome = login(ends.server, OPTIONS);
  const greeting = await client.read();
  if (greeting === null) throw new Error('no greeting');
  client.write(response(make(challengeOf(greeting))));
  const packets: Buffer[] = [];
  for (;;) {
    const packet = await client.read();
    if (packet === null) break;
    packets.push(packet);
    if (packet[0] === 0xfe && again !== undefined) {
      const nonce = packet.indexOf(0) + 1;
      client.write(again(packet.subarray(nonce, nonce + 20)));
      continue;
    }
    if (packet[0] === 0 || packet[0] === 0xff) break;
  }
  const result = await outcome;
  return { packets, outcome: result instanceof PacketSocket ? 'in' : result };
}

const DENIED = 'access denied: wrong user or password';

describe('a login', () => {
  it.each([null, 'mysql_native_password'])(
    'takes the password in the form that all clients know: %s',
    async (plugin) => {
      const { packets, outcome } = await attempt((challenge) => ({ plugin, answer: native('open sesame', challenge) }));

      expect(outcome).toBe('in');
      expect(packets.map((packet) => packet[0])).toEqual([0]);
    },
  );

  it('takes it in the form of newer clients, without a key and without TLS', async () => {
    const { packets, outcome } = await attempt(
      () => ({ plugin: 'caching_sha2_password', answer: Buffer.alloc(32) }),
      (challenge) => sha2('open sesame', challenge),
    );

    expect(outcome).toBe('in');
    expect(packets.map((packet) => packet[0])).toEqual([0xfe, 1, 0]);
    expect(packets[0]?.toString('latin1')).toContain('caching_sha2_password');
  });

  it('asks a client with another plugin for the form that all know', async () => {
    const { packets, outcome } = await attempt(
      () => ({ plugin: 'client_ed25519', answer: Buffer.alloc(0) }),
      (challenge) => native('open sesame', challenge),
    );

    expect(outcome).toBe('in');
    expect(packets[0]?.toString('latin1')).toContain('mysql_native_password');
  });

  it.each<[string, (challenge: Buffer) => Attempt]>([
    ['another password', (challenge) => ({ answer: native('open sesame!', challenge) })],
    ['no password', () => ({ answer: Buffer.alloc(0) })],
    ['another user', (challenge) => ({ user: 'root', answer: native('open sesame', challenge) })],
    ['the challenge of another connection', () => ({ answer: native('open sesame', Buffer.alloc(20, 1)) })],
  ])('refuses %s', async (_, make) => {
    const { packets, outcome } = await attempt(make);

    expect(outcome).toBe(DENIED);
    expect(packets.at(-1)?.toString('latin1')).toContain(`#28000${DENIED}`);
  });

  it('refuses a wrong answer in the newer form', async () => {
    const { outcome } = await attempt(
      () => ({ plugin: 'caching_sha2_password', answer: Buffer.alloc(32) }),
      (challenge) => sha2('', challenge),
    );

    expect(outcome).toBe(DENIED);
  });

  it.each([
    Buffer.alloc(0),
    Buffer.alloc(3),
    Buffer.alloc(33),
    Buffer.alloc(200, 0xff),
    Buffer.from('GET / HTTP/1.1\r\n'),
  ])('refuses what is no login: %j', async (bytes) => {
    await using ends = await pair();
    const outcome = login(ends.server, OPTIONS);
    await ends.client.read();
    ends.client.write(bytes);

    expect(await outcome).toBe('the archive server cannot read this login');
  });

  it('says nothing about a client that leaves', async () => {
    await using ends = await pair();
    const outcome = login(ends.server, OPTIONS);
    await ends.client.read();
    ends.client.socket.end();

    expect(await outcome).toBeNull();
  });

  it('lets nobody in without TLS where that is set', async () => {
    await using ends = await pair();
    const outcome = login(ends.server, { ...OPTIONS, tls: { cert: 'unused', key: 'unused' } });
    const greeting = await ends.client.read();
    ends.client.write(response({ answer: native('open sesame', challengeOf(greeting ?? Buffer.alloc(0))) }));

    expect(await outcome).toBe('the archive server takes connections over TLS only: MASTER_SSL = 1');
  });
});
