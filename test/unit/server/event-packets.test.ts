import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventPackets } from '../../../src/server/event-packets.ts';

const MAX_PAYLOAD = 0xffffff;

/** What `send` wrote, as a client receives it. */
async function received(send: (packets: EventPackets) => Promise<void>, sequence = 1): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [socket] = (await once(server, 'connection')) as [Socket];
  const chunks: Buffer[] = [];
  client.on('data', (chunk) => chunks.push(chunk));
  await send(new EventPackets(socket, sequence));
  socket.end();
  await once(client, 'close');
  server.close();
  return Buffer.concat(chunks);
}

/** Puts packets together to payloads, as the protocol says; checks that their numbers go on. */
function payloads(bytes: Buffer, sequence = 1): Buffer[] {
  const found: Buffer[] = [];
  let parts: Buffer[] = [];
  let next = sequence;
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntLE(at, 3);
    expect(bytes[at + 3]).toBe(next);
    next = (next + 1) % 256;
    parts.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
    if (length === MAX_PAYLOAD) continue;
    found.push(Buffer.concat(parts));
    parts = [];
  }
  expect(parts).toEqual([]);
  return found;
}

const eventOf = (length: number): Buffer => Buffer.alloc(length, String(length));

describe('event packets', () => {
  it('hold each event behind an OK byte, whatever the sizes and their order', async () => {
    const sizes = fc.array(fc.oneof(fc.integer({ min: 19, max: 300 }), fc.integer({ min: 19, max: 3_000_000 })), {
      maxLength: 30,
    });
    await fc.assert(
      fc.asyncProperty(sizes, async (lengths) => {
        const bytes = await received(async (packets) => {
          for (const length of lengths) {
            const event = eventOf(length);
            if (!packets.tryEvent(event, 0, length)) await packets.event(event);
          }
          await packets.drain();
        });
        const expected = lengths.map((length) => Buffer.concat([Buffer.from([0]), eventOf(length)]));
        const found = payloads(bytes);
        expect(found.length).toBe(expected.length);
        expect(found.every((payload, index) => payload.equals(expected[index] ?? Buffer.alloc(0)))).toBe(true);
      }),
      { numRuns: 25 },
    );
  });

  it.each([MAX_PAYLOAD - 2, MAX_PAYLOAD - 1, MAX_PAYLOAD, 2 * MAX_PAYLOAD - 1, 2 * MAX_PAYLOAD])(
    'split an event of %i bytes where the protocol wants it',
    async (length) => {
      const event = eventOf(length);
      const bytes = await received(async (packets) => {
        await packets.beginEvent(length);
        for (let at = 0; at < length; at += 1_000_003) await packets.piece(event.subarray(at, at + 1_000_003));
        await packets.event(eventOf(20));
        await packets.drain();
      });

      const [large, small] = payloads(bytes);

      expect(large?.length).toBe(length + 1);
      expect(large?.subarray(1).equals(event)).toBe(true);
      expect(small).toEqual(Buffer.concat([Buffer.from([0]), eventOf(20)]));
    },
  );

  it('go on counting where the command began, modulo 256', async () => {
    const bytes = await received(async (packets) => {
      for (let n = 0; n < 300; n += 1) packets.tryEvent(eventOf(19), 0, 19);
      await packets.drain();
    }, 7);

    expect(payloads(bytes, 7)).toHaveLength(300);
  });

  it('end with an error that names its number and text', async () => {
    const bytes = await received((packets) => packets.error(1236, 'not here'));

    const [payload] = payloads(bytes);

    expect(payload?.readUInt8(0)).toBe(0xff);
    expect(payload?.readUInt16LE(1)).toBe(1236);
    expect(payload?.toString('utf8', 3)).toBe('#HY000not here');
  });

  it('report that the client has gone', async () => {
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => undefined);
    await once(socket, 'close');
    server.close();

    await expect(new EventPackets(socket, 1).error(1236, 'nobody listens')).rejects.toThrow();
  });
});
