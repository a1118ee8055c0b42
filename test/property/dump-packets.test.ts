import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../src/binlog/event-type.ts';
import { DumpPackets } from '../../src/server/dump-packets.ts';
import { encodeEvent, formatDescription, rotate, startEncryption, type RawEvent } from '../support/binlog-builder.ts';
import { packetsOf } from '../support/packets.ts';
import { logs, pieceSizes } from './support/logs.ts';

/** What a sink was told, with neighbouring bytes put together. */
type Told = { rotate: string } | { bytes: string } | { formatAgain: string } | { awaited: true };

function listen(options: { semiSync?: boolean } = {}): { packets: DumpPackets; told: () => Told[] } {
  const calls: (Buffer | Told)[] = [];
  const sink = {
    rotate: (file: string, position: number) => calls.push({ rotate: `${file}:${position}` }),
    formatAgain: (event: Buffer) => calls.push({ formatAgain: event.toString('hex') }),
    append: (chunk: Buffer, from: number, to: number) => calls.push(Buffer.from(chunk.subarray(from, to))),
    awaited: () => calls.push({ awaited: true }),
  };
  const packets = new DumpPackets(sink, options);
  return {
    packets,
    told: () => {
      const told: Told[] = [];
      let run: Buffer[] = [];
      const flush = (): void => {
        if (run.length > 0) told.push({ bytes: Buffer.concat(run).toString('hex') });
        run = [];
      };
      for (const call of calls) {
        if (Buffer.isBuffer(call)) run.push(call);
        else {
          flush();
          told.push(call);
        }
      }
      flush();
      return told;
    },
  };
}

const ok = (event: Buffer): Buffer => packetsOf(Buffer.concat([Buffer.from([0]), event]));

const artificial = (event: RawEvent, o: { checksum: 'crc32' | 'none'; position?: number }): Buffer =>
  encodeEvent({ ...event, flags: EVENT_FLAG.ARTIFICIAL }, { time: 0, ...o });

/** Neither a flag nor an end position of 0 tells it: a heartbeat says where the log's end is. */
const heartbeat = (type: number, checksum: 'crc32' | 'none'): Buffer =>
  encodeEvent({ type, body: Buffer.from('binlog.000001') }, { time: 0, checksum, position: 38_000 });

/** What a server says itself in between. In the middle of an encrypted file it sends its START_ENCRYPTION again. */
function notOfTheFile(type: number, checksum: 'crc32' | 'none', position: number): Buffer {
  if (type === EVENT.START_ENCRYPTION) return encodeEvent(startEncryption({ inStream: true }), { time: 0, checksum });
  if (type !== EVENT.GTID_LIST) return heartbeat(type, checksum);
  return artificial({ type, body: Buffer.alloc(4) }, { checksum, position });
}

/** A stream in packets, with what must come out of it. */
interface Stream {
  readonly wire: Buffer;
  readonly file: Buffer;
}

const noise = fc.array(fc.constantFrom(EVENT.HEARTBEAT, EVENT.HEARTBEAT_V2, EVENT.GTID_LIST, EVENT.START_ENCRYPTION), {
  maxLength: 3,
});

/** A whole file as a server dumps it: an artificial ROTATE, its events, and between them what is not of the file. */
const stream: fc.Arbitrary<Stream> = fc
  .record({ log: logs(), negotiated: fc.constantFrom('crc32' as const, 'none' as const), noises: fc.array(noise) })
  .map(({ log, negotiated, noises }) => {
    const { bytes, events, checksum } = log.builder;
    const wire = [ok(artificial(rotate('binlog.000001'), { checksum: negotiated }))];
    events.forEach(({ start, end }, index) => {
      wire.push(ok(bytes.subarray(start, end)));
      for (const type of noises[index] ?? []) {
        wire.push(ok(notOfTheFile(type, checksum, end)));
      }
    });
    return { wire: Buffer.concat(wire), file: bytes.subarray(4) };
  });

function feedInPieces(packets: DumpPackets, wire: Buffer, sizes: readonly number[]): void {
  let at = 0;
  for (let turn = 0; at < wire.length; turn += 1) {
    const size = sizes[Math.min(turn, sizes.length - 1)] ?? 1;
    const chunk = Buffer.from(wire.subarray(at, at + size));
    packets.feed(chunk);
    chunk.fill(0xee); // the socket uses it again
    at += size;
  }
}

describe('DumpPackets', () => {
  it('hands over exactly the bytes of the file, wherever the stream is cut into chunks', () => {
    fc.assert(
      fc.property(stream, pieceSizes, ({ wire, file }, sizes) => {
        const { packets, told } = listen();
        feedInPieces(packets, wire, sizes);
        expect(told()).toEqual([{ rotate: 'binlog.000001:4' }, { bytes: file.toString('hex') }]);
        expect(packets.end).toBeUndefined();
      }),
      { numRuns: 200 },
    );
  });

  it('tells behind which byte a commit waits, wherever the stream is cut into chunks', () => {
    fc.assert(
      fc.property(
        logs(),
        fc.array(fc.boolean()),
        pieceSizes,
        ({ builder: { bytes, events, checksum } }, waits, sizes) => {
          const packet = (event: Buffer, isAwaited: boolean): Buffer =>
            packetsOf(Buffer.concat([Buffer.from([0, 0xef, isAwaited ? 1 : 0]), event]));
          const wire = [packet(artificial(rotate('binlog.000001'), { checksum }), false)];
          const expected: Told[] = [{ rotate: 'binlog.000001:4' }];
          let from = 4;
          const flush = (to: number): void => {
            if (to > from) expected.push({ bytes: bytes.toString('hex', from, to) });
            from = to;
          };
          events.forEach(({ start, end }, index) => {
            const isAwaited = waits[index] === true;
            wire.push(packet(bytes.subarray(start, end), isAwaited));
            if (isAwaited) flush(end);
            if (isAwaited) expected.push({ awaited: true });
          });
          flush(bytes.length);
          const { packets, told } = listen({ semiSync: true });
          feedInPieces(packets, Buffer.concat(wire), sizes);
          expect(told()).toEqual(expected);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('keeps the order of files and bytes over several files', () => {
    fc.assert(
      fc.property(stream, stream, pieceSizes, (first, second, sizes) => {
        const { packets, told } = listen();
        feedInPieces(packets, Buffer.concat([first.wire, second.wire]), sizes);
        expect(told()).toEqual([
          { rotate: 'binlog.000001:4' },
          { bytes: first.file.toString('hex') },
          { rotate: 'binlog.000001:4' },
          { bytes: second.file.toString('hex') },
        ]);
      }),
      { numRuns: 30 },
    );
  });

  it('gives the format of a file that is continued to the side, not into the file', () => {
    fc.assert(
      fc.property(pieceSizes, fc.constantFrom('crc32' as const, 'none' as const), (sizes, checksum) => {
        const format = encodeEvent(formatDescription('10.11.19-MariaDB', checksum), { time: 5, checksum });
        const event = encodeEvent({ type: EVENT.XID, body: Buffer.alloc(8) }, { time: 5, checksum, position: 900 });
        const wire = Buffer.concat([ok(artificial(rotate('binlog.000007', 900), { checksum })), ok(format), ok(event)]);
        const { packets, told } = listen();
        feedInPieces(packets, wire, sizes);
        expect(told()).toEqual([
          { rotate: 'binlog.000007:900' },
          { formatAgain: format.toString('hex') },
          { bytes: event.toString('hex') },
        ]);
      }),
    );
  });

  it('stops at the last word of the server, whatever follows', () => {
    const refusal = Buffer.concat([Buffer.from([0xff, 0xd4, 0x04]), Buffer.from('#HY000binlog truncated')]);
    const lastWord = fc.constantFrom(Buffer.from([0xfe, 0, 0, 2, 0]), refusal);
    fc.assert(
      fc.property(stream, lastWord, pieceSizes, ({ wire, file }, word, sizes) => {
        const { packets, told } = listen();
        feedInPieces(packets, Buffer.concat([wire, packetsOf(word), wire]), sizes);
        expect(told()).toEqual([{ rotate: 'binlog.000001:4' }, { bytes: file.toString('hex') }]);
        const error = packets.end?.kind === 'error' ? packets.end.packet.toString('hex') : null;
        expect([packets.end?.kind, error]).toEqual(
          word === refusal ? ['error', refusal.toString('hex')] : ['eof', null],
        );
      }),
      { numRuns: 60 },
    );
  });
});
