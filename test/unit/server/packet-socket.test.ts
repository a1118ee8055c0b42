import { PassThrough } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { PacketSocket } from '../../../src/server/packet-socket.ts';

/** What a socket is to its reader, and its other end. */
const stream = (): Socket => new PassThrough() as unknown as Socket;
const turn = async (): Promise<void> => {
  await new Promise((resolve) => setImmediate(resolve));
};
const PACKET = Buffer.from([5, 0, 0, 0, ...Buffer.from('query')]);

describe('packets of a client', () => {
  it('are read however they are cut on their way, and everybody else has a turn meanwhile', async () => {
    const socket = stream();
    const packets = new PacketSocket(socket);
    const read = packets.read();
    for (const byte of PACKET) {
      socket.write(Buffer.from([byte]));
      await turn();
    }

    expect(String(await read)).toBe('query');
  });

  it('are read one by one when they come together', async () => {
    const socket = stream();
    socket.end(Buffer.concat([PACKET, PACKET]));
    const packets = new PacketSocket(socket);

    expect(String(await packets.read())).toBe('query');
    expect(String(await packets.read())).toBe('query');
    expect(await packets.read()).toBeNull();
  });

  it('end with a client that leaves inside one', async () => {
    const socket = stream();
    const read = new PacketSocket(socket).read();
    socket.end(PACKET.subarray(0, 7));

    expect(await read).toBeNull();
  });

  it('are short until it has signed in', async () => {
    const long = Buffer.concat([Buffer.from([0, 0, 1, 0]), Buffer.alloc(65_536)]);
    const [before, after] = [stream(), stream()];
    before.end(long);
    after.end(long);
    const signedIn = new PacketSocket(after);
    signedIn.signedIn();

    expect(await new PacketSocket(before).read()).toBeNull();
    expect(await signedIn.read()).toHaveLength(65_536);
  });
});
