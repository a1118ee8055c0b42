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

/** As a semi-synchronous source sends an event: 1 when a commit waits for it. */
function semiSyncPacket(event: Buffer, flag: 0 | 1): Buffer {
  return packetsOf(Buffer.concat([OK, Buffer.from([0xef, flag]), event]));
}

describe('a semi-synchronous dump', () => {
  const first = encodeEvent(
    { ...rotate('binlog.000042', 4), flags: EVENT_FLAG.ARTIFICIAL },
    { time: 0, checksum: 'none' },
  );

  /** What comes for each event: its length, and 'awaited' when a commit waits for it. */
  function hear(wire: Buffer, size: number): (number | string)[] {
    const heard: (number | string)[] = [];
    let bytes = 0;
    const packets = new DumpPackets(
      {
        rotate: (file, position) => heard.push(`${file}:${position}`),
        formatAgain: () => undefined,
        append: (_, from, to) => (bytes += to - from),
        awaited: () => heard.push(bytes, 'awaited'),
      },
      { semiSync: true },
    );
    feed(packets, wire, size);
    return [...heard, bytes];
  }

  it.each([1, 7, 65_536])(
    'tells of each commit that waits once all its bytes are handed over, in chunks of %i',
    (size) => {
      const large = rowsEvent(FULL_PACKET + 10);
      const wire = Buffer.concat([
        semiSyncPacket(first, 0),
        semiSyncPacket(small, 0),
        semiSyncPacket(small, 1),
        ...(size === 1 ? [] : [semiSyncPacket(large, 1)]),
        semiSyncPacket(small, 0),
      ]);
      const large1 = size === 1 ? [] : [2 * small.length + large.length, 'awaited'];
      const total = 3 * small.length + (size === 1 ? 0 : large.length);
      expect(hear(wire, size)).toEqual(['binlog.000042:4', 2 * small.length, 'awaited', ...large1, total]);
    },
  );

  it('is an ordinary one when the source does not take part', () => {
    const efTime = encodeEvent(query('select 1'), { time: 0x01ef, checksum: 'crc32', position: 4 });
    const wire = Buffer.concat([first, efTime, small].map((event) => packetsOf(Buffer.concat([OK, event]))));
    expect(hear(wire, wire.length)).toEqual(['binlog.000042:4', efTime.length + small.length]);
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

describe('an event without an end position', () => {
  // Source: MariaDB 11.4, which leaves it 0 in events of a group; artificial events have the flag as well.
  it('is of the file, unless it is marked as artificial', () => {
    const options = { time: 5, checksum: 'crc32' } as const;
    const genuine = encodeEvent(query('insert into t values (1)'), options);
    const artificial = encodeEvent({ ...query('x'), flags: EVENT_FLAG.ARTIFICIAL }, options);
    expect([genuine, artificial].map((event) => event.readUInt32LE(13))).toEqual([0, 0]);
    const { packets, bytes } = listen();
    for (const event of [genuine, artificial, small]) packets.feed(packetsOf(Buffer.concat([OK, event])));
    expect(bytes().equals(Buffer.concat([genuine, small]))).toBe(true);
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
