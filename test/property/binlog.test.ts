import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../src/binlog/event-type.ts';
import { flavorOf } from '../../src/binlog/format-description.ts';
import { parseGtid, parseGtidState } from '../../src/binlog/gtid-text.ts';
import { feed } from '../../src/binlog/read-binlog.ts';
import { listeningReader, readInPieces, type Heard } from '../support/binlog-reading.ts';
import { logs, pieceSizes, type BuiltLog } from './support/logs.ts';

const IN_USE_BYTE = 4 + 17;

/** The state before each group is the first one and every GTID since. */
function expectStates({ builder, gtidStart }: BuiltLog, heard: Heard): void {
  const running = gtidStart === null ? null : parseGtidState(flavorOf(builder.version), gtidStart);
  const expected = builder.groups.map(({ gtid }) => {
    const before = running?.toString() ?? null;
    if (gtid !== null) running?.add(parseGtid(gtid));
    return before;
  });
  expect(heard.states).toEqual(expected);
}

describe('reading a binary log', () => {
  it('finds the groups that were written, however the bytes arrive', () => {
    fc.assert(
      fc.property(logs(), pieceSizes, (log, sizes) => {
        const { reading, heard } = readInPieces(log.builder.bytes, sizes);
        expect(heard.groups).toEqual(log.builder.groups);
        expect(reading).toMatchObject({
          groups: log.builder.groups.length,
          events: log.builder.events.length,
          bytes: log.builder.size,
          wholeTo: log.builder.size,
          end: log.end,
          problems: [],
        });
        expect(reading.gtidStart?.toString() ?? null).toBe(log.gtidStart);
        expect(reading.gtidEnd?.toString() ?? null).toBe(log.gtidEnd);
        expectStates(log, heard);
      }),
    );
  });

  it('hands over every statement with its offset, however the bytes arrive', () => {
    fc.assert(
      fc.property(logs(), pieceSizes, (log, sizes) => {
        const inOne = readInPieces(log.builder.bytes).heard.statements;
        expect(readInPieces(log.builder.bytes, sizes).heard.statements).toEqual(inOne);
        const queries = log.builder.events.filter(
          ({ type }) => type === EVENT.QUERY || type === EVENT.QUERY_COMPRESSED || type === EVENT.TRANSACTION_PAYLOAD,
        );
        const starts = new Set(queries.map(({ start }) => start));
        expect(inOne.every(({ offset }) => starts.has(offset))).toBe(true);
      }),
    );
  });

  it('finds the same from a source that gives bytes in pieces', async () => {
    await fc.assert(
      fc.asyncProperty(logs(), pieceSizes, async (log, sizes) => {
        const { reader, heard } = listeningReader();
        let at = 0;
        let turn = 0;
        await feed(
          {
            read: (target, index) => {
              const size = sizes[Math.min(turn++, sizes.length - 1)] ?? 1;
              const got = log.builder.bytes.copy(target, index, at, at + size);
              at += got;
              return Promise.resolve(got);
            },
          },
          reader,
        );
        expect(heard.groups).toEqual(log.builder.groups);
        expect(reader.finish()).toMatchObject({ bytes: log.builder.size, end: log.end, problems: [] });
      }),
      { numRuns: 30 },
    );
  });

  it('goes on from any group boundary as if it had read from the start', () => {
    fc.assert(
      fc.property(logs(), fc.nat(), (log, pick) => {
        const { builder } = log;
        const whole = readInPieces(builder.bytes);
        const index = builder.groups.length === 0 ? -1 : pick % builder.groups.length;
        const group = builder.groups[index];
        const { format } = whole.reading;
        if (group === undefined || format === null) return;
        const before = readInPieces(builder.bytes.subarray(0, group.start)).reading.gtidEnd;
        const start = { format, offset: group.start, gtidState: before };
        const { reading, heard } = readInPieces(builder.bytes.subarray(group.start), [100], { start });
        expect(heard.groups).toEqual(builder.groups.slice(index));
        expect(heard.states).toEqual(whole.heard.states.slice(index));
        expect(reading.gtidEnd?.toString() ?? null).toBe(log.gtidEnd);
        expect(reading).toMatchObject({ wholeTo: builder.size, bytes: builder.size, problems: [] });
      }),
    );
  });
});

describe('a log that is cut', () => {
  it('is whole up to the last group boundary, at whatever byte the cut is', () => {
    fc.assert(
      fc.property(logs(), pieceSizes, fc.nat(), (log, sizes, pick) => {
        const { builder } = log;
        const cut = pick % (builder.size + 1);
        const { reading, heard } = readInPieces(builder.bytes.subarray(0, cut), sizes);
        const wholeTo = builder.boundaryBefore(cut);
        expect(reading.wholeTo).toBe(wholeTo);
        expect(reading.bytes).toBe(cut);
        expect(heard.groups).toEqual(builder.groups.filter(({ end }) => end <= cut));
        const whole = wholeTo === cut && cut > 4;
        expect(reading.problems.map(({ kind }) => kind)).toEqual(whole ? [] : ['torn']);
        expect(reading.end === 'torn').toBe(!whole);
      }),
    );
  });

  it('is torn at the event or group that is not whole', () => {
    fc.assert(
      fc.property(logs(), fc.nat(), (log, pick) => {
        const { builder } = log;
        const cut = 5 + (pick % (builder.size - 4));
        const [problem] = readInPieces(builder.bytes.subarray(0, cut)).reading.problems;
        const event = builder.eventAt(cut);
        const expected = event.start === cut || cut === builder.size ? builder.boundaryBefore(cut) : event.start;
        if (problem !== undefined) expect(problem.offset).toBe(expected);
      }),
    );
  });
});

describe('a log with one wrong bit', () => {
  it('has a problem at just the event that holds it', () => {
    fc.assert(
      fc.property(logs({ checksum: 'crc32' }), pieceSizes, fc.nat(), fc.nat(7), (log, sizes, pick, bit) => {
        const { bytes } = log.builder;
        const at = pick % bytes.length;
        const mask = 1 << bit;
        fc.pre(at !== IN_USE_BYTE || mask !== EVENT_FLAG.BINLOG_IN_USE);
        bytes[at] = (bytes[at] ?? 0) ^ mask;
        const { reading } = readInPieces(bytes, sizes);
        const [first] = reading.problems;
        expect(first?.offset).toBe(log.builder.eventAt(at).start);
        expect(reading.problems.some(({ kind }) => kind === 'damage' || kind === 'unreadable')).toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  it('never throws and never hangs without checksums either', () => {
    fc.assert(
      fc.property(
        logs({ checksum: 'none' }),
        pieceSizes,
        fc.array(fc.nat(), { minLength: 1, maxLength: 6 }),
        (log, sizes, picks) => {
          const { bytes } = log.builder;
          for (const pick of picks) bytes[pick % bytes.length] = (bytes[pick % bytes.length] ?? 0) ^ (1 << (pick % 8));
          const { reading } = readInPieces(bytes, sizes);
          expect(reading.wholeTo).toBeLessThanOrEqual(log.builder.size);
        },
      ),
      { numRuns: 400 },
    );
  });
});
