import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../../src/binlog/event-type.ts';
import { ArchiveStream } from '../../../src/server/archive-stream.ts';
import { EventPackets } from '../../../src/server/event-packets.ts';
import type { ServedRange } from '../../../src/server/served-range.ts';
import { BinlogBuilder, encodeEvent, query } from '../../support/binlog-builder.ts';

const MIB = 1024 * 1024;
const EVENT_BYTES = 1000;

/** A client whose socket takes nothing until it is told to. */
class SlowSocket extends Writable {
  readonly chunks: Buffer[] = [];
  #taken: (() => void) | null = null;
  #takes = false;

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.chunks.push(Buffer.from(chunk));
    if (this.#takes) done();
    else this.#taken = done;
  }

  /** From now on it takes everything. */
  takeAll(): void {
    this.#takes = true;
    this.#taken?.();
  }
}

/** A file of many equal events, made as it is read. */
function longFile(events: number): ServedRange & { readBytes: number } {
  const builder = new BinlogBuilder({ checksum: 'none' });
  const from = builder.size;
  const body = query('x'.repeat(EVENT_BYTES - 19 - 13 - 5), {}).body;
  const range = {
    ...{ file: 'binlog.000001', from, to: from + events * EVENT_BYTES, readBytes: 0 },
    checksum: 'none' as const,
    formatEvent: builder.bytes.subarray(4),
    open: async (offset: number) => {
      let at = offset;
      return await Promise.resolve({
        read: async (target: Buffer, into: number) => {
          const whole = Math.floor((target.length - into) / EVENT_BYTES);
          const count = Math.min(whole, (range.to - at) / EVENT_BYTES);
          for (let index = 0; index < count; index += 1, at += EVENT_BYTES) {
            const event = encodeEvent({ type: EVENT.QUERY, body }, { time: 1, checksum: 'none', position: at });
            event.copy(target, into + index * EVENT_BYTES);
          }
          range.readBytes += count * EVENT_BYTES;
          return await Promise.resolve(count * EVENT_BYTES);
        },
        [Symbol.asyncDispose]: async () => {
          await Promise.resolve();
        },
      });
    },
  };
  return range;
}

function streamTo(
  socket: Writable,
  ranges: readonly ServedRange[],
  heartbeatMs = 0,
): { stream: ArchiveStream; stop: () => void } {
  const controller = new AbortController();
  const stream = new ArchiveStream({
    packets: new EventPackets(socket, 1),
    ...{ serverId: 101, ranges, checksum: 'none', heartbeatMs, signal: controller.signal },
  });
  return {
    stream,
    stop: () => {
      controller.abort();
    },
  };
}

/** Until nothing is left to do but to wait for the client. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 1000; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** The events behind packet headers and OK bytes; none of them is long. */
function eventsOf(bytes: Buffer): Buffer[] {
  const events: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUIntLE(at, 3);
    events.push(bytes.subarray(at + 5, at + 4 + length));
    at += 4 + length;
  }
  return events;
}

describe('a stream to a client', () => {
  it('reads no further than a slow client has taken, and all once it takes', async () => {
    const file = longFile(40_000);
    const socket = new SlowSocket();
    const { stream } = streamTo(socket, [file]);
    const sent = stream.sendRanges();
    await settled();
    expect(file.readBytes).toBeGreaterThan(0);
    expect(file.readBytes).toBeLessThan(4 * MIB);

    socket.takeAll();
    await sent;

    expect(file.readBytes).toBe(40_000 * EVENT_BYTES);
    expect(stream.reached).toEqual({ file: 'binlog.000001', position: file.to });
  });

  it('leads over what is left out by the name, the place and the format, as a server does at a start', async () => {
    const file = longFile(10);
    const socket = new SlowSocket();
    socket.takeAll();
    const behind = file.from + 6 * EVENT_BYTES;
    const { stream } = streamTo(socket, [
      { ...file, to: file.from + 4 * EVENT_BYTES },
      { ...file, from: behind },
    ]);

    await stream.sendRanges();
    const events = eventsOf(Buffer.concat(socket.chunks));
    const types = events.map((event) => event[4]);
    const lead = [EVENT.ROTATE, EVENT.FORMAT_DESCRIPTION];

    expect(types).toEqual([
      ...lead,
      ...Array<number>(4).fill(EVENT.QUERY),
      ...lead,
      ...Array<number>(4).fill(EVENT.QUERY),
    ]);
    const rotate = events[6] ?? Buffer.alloc(0);
    expect(rotate.readUInt16LE(17)).toBe(EVENT_FLAG.ARTIFICIAL);
    expect(Number(rotate.readBigUInt64LE(19))).toBe(behind);
    expect(rotate.toString('latin1', 27)).toBe('binlog.000001');
    // Ends at 0: it moves no place.
    expect(events[7]?.readUInt32LE(13)).toBe(0);
  });

  it.each([
    [10, [2, 3, 3, 4, 8, 9]],
    [5000, [0, 10, 1500, 4000]],
  ])('passes over groups that are left out inside of a range, of %i events', async (events, gaps) => {
    const file = longFile(events);
    const socket = new SlowSocket();
    socket.takeAll();
    const leftOut = Float64Array.from(gaps, (event) => file.from + event * EVENT_BYTES);
    const { stream } = streamTo(socket, [{ ...file, leftOut }]);
    await stream.sendRanges();
    const isLeftOut = (event: number): boolean =>
      gaps.some((from, at) => at % 2 === 0 && from <= event && event < (gaps[at + 1] ?? 0));
    const expected = Array.from({ length: events }, (_, event) => event).filter((event) => !isLeftOut(event));
    const ends = eventsOf(Buffer.concat(socket.chunks))
      .slice(2)
      .map((event) => event.readUInt32LE(13));
    expect(ends).toEqual(expected.map((event) => file.from + (event + 1) * EVENT_BYTES));
    expect(stream.reached).toEqual({ file: 'binlog.000001', position: file.to });
  });

  it.each([
    [1000, [EVENT.HEARTBEAT]],
    [2 ** 32 + 1000, [EVENT.ROTATE, EVENT.FORMAT_DESCRIPTION]],
  ])('shows that it is alive at offset %i, with a sign that can say where that is', async (offset, sign) => {
    const socket = new SlowSocket();
    socket.takeAll();
    const file = longFile(1);
    const { stream, stop } = streamTo(socket, [{ ...file, from: offset, to: offset }], 1);
    await stream.sendRanges();
    const before = socket.chunks.length;
    const alive = stream.keepAlive();
    while (socket.chunks.length < before + 2) await new Promise((resolve) => setImmediate(resolve));
    stop();
    await expect(alive).rejects.toMatchObject({ name: 'AbortError' });

    const events = eventsOf(Buffer.concat(socket.chunks.slice(before)));
    expect(events.map((event) => event[4]).slice(0, sign.length)).toEqual(sign);
    expect(stream.reached).toEqual({ file: 'binlog.000001', position: offset });
  });
});
