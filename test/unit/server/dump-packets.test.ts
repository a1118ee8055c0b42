import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../../src/binlog/event-type.ts';
import { DumpPackets } from '../../../src/server/dump-packets.ts';
import { encodeEvent, query, rotate, writeRows } from '../../support/binlog-builder.ts';
import { packetsOf } from '../../support/packets.ts';

const FULL_PACKET = 0xffffff;
const OK = Buffer.from([0]);

function listen(): { packets: DumpPackets; bytes: () => Buffer; rotations: string[] } {
  const pieces: Buffer[] = [];
  const rotations: string[] = [];
  const packets = new DumpPackets({
    rotate: (file, position) => rotations.push(`${file}:${position}`),
    formatAgain: () => undefined,
    append: (chunk, from, to) => pieces.push(Buffer.from(chunk.subarray(from, to))),
  });
  return { packets, rotations, bytes: () => Buffer.concat(pieces) };
}

function feed(packets: DumpPackets, wire: Buffer, size: number): void {
  for (let at = 0; at < wire.length; at += size) packets.feed(wire.subarray(at, at + size));
}

const small = encodeEvent(query('create table t (a int)'), { time: 5, checksum: 'crc32', position: 4 });

/** A rows event of so many bytes in all. */
function rowsEvent(length: number): Buffer {
  const rows = Buffer.alloc(length - 19 - 10 - 4, 0x77);
  return encodeEvent(writeRows(rows), { time: 5, checksum: 'crc32', position: 4 });
}

describe('events of more than one packet', () => {
  // The status byte counts: an event of 0xffffff - 1 bytes fills its packet, and an empty one follows.
  it.each([FULL_PACKET - 2, FULL_PACKET - 1, FULL_PACKET, 2 * FULL_PACKET - 1, 2 * FULL_PACKET + 5])(
    'are put together: %i bytes',
    (length) => {
      const event = rowsEvent(length);
      const wire = Buffer.concat([small, event, small].map((bytes) => packetsOf(Buffer.concat([OK, bytes]))));
      for (const size of [65_536, wire.length]) {
        const { packets, bytes } = listen();
        feed(packets, wire, size);
        expect(bytes().equals(Buffer.concat([small, event, small]))).toBe(true);
      }
    },
  );

  it('are left out whole when they are not of the file', () => {
    const artificial = rowsEvent(FULL_PACKET + 10);
    artificial.writeUInt16LE(EVENT_FLAG.ARTIFICIAL, 17);
    const wire = Buffer.concat([small, artificial, small].map((bytes) => packetsOf(Buffer.concat([OK, bytes]))));
    const { packets, bytes } = listen();
    feed(packets, wire, 65_536);
    expect(bytes().equals(Buffer.concat([small, small]))).toBe(true);
  });
});

/** Found by trying: with it the checksum of the event below is four digits. */
const SERVER_ID_OF_DIGITS = 178_935;

describe('an artificial ROTATE', () => {
  const artificial = (checksum: 'crc32' | 'none', serverId = 101): Buffer =>
    encodeEvent({ ...rotate('binlog.000042', 1537), flags: EVENT_FLAG.ARTIFICIAL }, { time: 0, serverId, checksum });

  it('names the file with and without a checksum behind it', () => {
    for (const checksum of ['crc32', 'none'] as const) {
      const { packets, rotations } = listen();
      packets.feed(packetsOf(Buffer.concat([OK, artificial(checksum)])));
      expect(rotations).toEqual(['binlog.000042:1537']);
    }
  });

  it('names the file also when its checksum looks like four more digits of the name', () => {
    const event = artificial('crc32', SERVER_ID_OF_DIGITS);
    expect(event.subarray(-4).toString('latin1')).toMatch(/^\d{4}$/);
    const { packets, rotations } = listen();
    packets.feed(packetsOf(Buffer.concat([OK, event])));
    expect(rotations).toEqual(['binlog.000042:1537']);
  });

  it('is not mistaken for the ROTATE at the end of a file', () => {
    const real = encodeEvent(rotate('binlog.000043'), { time: 5, checksum: 'crc32', position: 400 });
    const { packets, rotations, bytes } = listen();
    packets.feed(packetsOf(Buffer.concat([OK, real])));
    expect(rotations).toEqual([]);
    expect(bytes().equals(real)).toBe(true);
  });
});

describe('what is no event', () => {
  it('is refused with its length', () => {
    const { packets } = listen();
    expect(() => {
      packets.feed(packetsOf(Buffer.from([0, 0, 0, 2, 0, 0, 0])));
    }).toThrow('the source sent a packet of 7 bytes that is no event');
  });

  it('does not end the stream when it is a heartbeat', () => {
    const { packets, bytes } = listen();
    const heartbeat = encodeEvent(
      { type: EVENT.HEARTBEAT, body: Buffer.from('binlog.000042') },
      { time: 0, checksum: 'crc32', position: 900 },
    );
    feed(packets, Buffer.concat([packetsOf(Buffer.concat([OK, heartbeat])), packetsOf(Buffer.concat([OK, small]))]), 7);
    expect(bytes().equals(small)).toBe(true);
    expect(packets.end).toBeUndefined();
  });
});
