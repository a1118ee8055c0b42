import { describe, expect, it } from 'vitest';
import type { BinlogReading } from '../../../src/binlog/binlog-reader.ts';
import { EVENT } from '../../../src/binlog/event-type.ts';
import { MAX_WHOLE_EVENT_BYTES } from '../../../src/binlog/event-walker.ts';
import { feed } from '../../../src/binlog/read-binlog.ts';
import {
  BinlogBuilder,
  gtidList,
  mariadbGtid,
  MYSQL,
  MYSQL_55,
  query,
  rotate,
  tableMap,
  writeRows,
  xid,
} from '../../support/binlog-builder.ts';
import { listeningReader, readInPieces, type Heard } from '../../support/binlog-reading.ts';

const MIB = MAX_WHOLE_EVENT_BYTES;
const BLOCK = 4 * MIB;
const CHECKSUMS = ['crc32', 'none'] as const;
/** Header, table id and the rest of a rows event around its rows. */
const ROWS_OVERHEAD = 19 + 10;

/** One group of a single rows event, which has so many bytes in all. */
function withRowsEvent(length: number, checksum: 'crc32' | 'none' = 'crc32'): BinlogBuilder {
  const rows = length - ROWS_OVERHEAD - (checksum === 'crc32' ? 4 : 0);
  const events = [mariadbGtid('0-101-1'), tableMap('shop', 't'), writeRows(rows), xid()];
  return new BinlogBuilder({ checksum })
    .between(gtidList(''))
    .group(events, { gtid: '0-101-1', threadId: null, ending: 'commit' })
    .group([mariadbGtid('0-101-2', { standalone: true }), query('create table t2 (a int)')], {
      gtid: '0-101-2',
      ending: 'statement',
    })
    .between(rotate('binlog.000002'));
}

/** Reads as the program does: in blocks of 4 MiB, from a source that gives so many bytes at a time. */
async function readInBlocks(bytes: Buffer, perRead = Infinity): Promise<{ reading: BinlogReading; heard: Heard }> {
  const { reader, heard } = listeningReader();
  let at = 0;
  await feed(
    {
      read: (target, index) => {
        const got = bytes.copy(target, index, at, Math.min(at + perRead, bytes.length));
        at += got;
        return Promise.resolve(got);
      },
    },
    reader,
  );
  return { reading: reader.finish(), heard };
}

function problemsOf(bytes: Buffer, sizes?: readonly number[]): BinlogReading['problems'] {
  return readInPieces(bytes, sizes).reading.problems;
}

describe('events larger than a mebibyte', () => {
  it.each(CHECKSUMS)('are read like small ones, checksum %s', async (checksum) => {
    for (const length of [MIB - 1, MIB, MIB + 1, 3 * MIB, 9 * MIB + 17]) {
      const builder = withRowsEvent(length, checksum);
      const { reading, heard } = await readInBlocks(builder.bytes);
      expect(heard.groups).toEqual(builder.groups);
      expect(reading).toMatchObject({
        bytes: builder.size,
        events: builder.events.length,
        problems: [],
        end: 'rotate',
      });
    }
  });

  it('may end exactly where a block ends, a byte before it and a byte after it', async () => {
    const before = withRowsEvent(2 * MIB).events.find(({ type }) => type === 23)?.start ?? 0;
    for (const end of [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 2 * BLOCK - 1]) {
      const builder = withRowsEvent(end - before);
      expect(builder.events.find(({ type }) => type === 23)?.end).toBe(end);
      const { reading, heard } = await readInBlocks(builder.bytes);
      expect(heard.groups).toEqual(builder.groups);
      expect(reading.problems).toEqual([]);
    }
  });

  it('are read from a source that gives few bytes at a time', async () => {
    const builder = withRowsEvent(MIB + 100_000);
    const { reading, heard } = await readInBlocks(builder.bytes, 65_537);
    expect(heard.groups).toEqual(builder.groups);
    expect(reading.problems).toEqual([]);
  });

  it('are torn when the file ends inside them, and the bytes seen of them are counted', async () => {
    const builder = withRowsEvent(5 * MIB);
    const rows = builder.events.find(({ type }) => type === 23);
    for (const cut of [MIB / 2, MIB + 1, 4 * MIB, 5 * MIB - 1].map((bytes) => (rows?.start ?? 0) + bytes)) {
      const { reading } = await readInBlocks(builder.bytes.subarray(0, cut));
      expect(reading).toMatchObject({ bytes: cut, wholeTo: builder.boundaryBefore(cut), end: 'torn' });
      expect(reading.problems).toEqual([
        { kind: 'torn', offset: rows?.start, problem: 'the file ends inside an event' },
      ]);
    }
  });

  it('are damaged when a bit behind their first mebibyte is wrong', async () => {
    const builder = withRowsEvent(9 * MIB);
    const rows = builder.events.find(({ type }) => type === 23);
    const { bytes } = builder;
    const at = (rows?.start ?? 0) + 6 * MIB;
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    const { reading, heard } = await readInBlocks(bytes);
    expect(reading.problems).toEqual([
      { kind: 'damage', offset: rows?.start, problem: 'the checksum of the event is wrong' },
    ]);
    expect(heard.groups).toEqual(builder.groups);
  });

  it('are damaged at once when their length and their end contradict each other', () => {
    const builder = withRowsEvent(2 * MIB);
    const { bytes } = builder;
    const start = builder.events.find(({ type }) => type === 23)?.start ?? 0;
    bytes.writeUInt32LE(64 * MIB, start + 9);
    const [first] = problemsOf(bytes);
    expect(first).toMatchObject({ kind: 'damage', offset: start });
    expect(first?.problem).toBe(`the event says it ends at ${start + 2 * MIB}, but it ends at ${start + 64 * MIB}`);
  });

  it('hand over the head of a large statement, marked as such', async () => {
    const text = `insert into t values ('${'x'.repeat(9 * MIB)}')`;
    for (const options of [
      { version: MYSQL_55, checksum: 'none' },
      { version: MYSQL, checksum: 'crc32' },
    ] as const) {
      const builder = new BinlogBuilder(options).group([query(text, { schema: 'shop' })], { ending: 'statement' });
      const { reading, heard } = await readInBlocks(builder.bytes);
      expect(heard.groups).toEqual(builder.groups);
      expect(heard.statements).toEqual([
        { offset: builder.groups[0]?.start, text: text.slice(0, MIB - 19 - 13 - 'shop'.length - 1) },
      ]);
      expect(reading.problems).toEqual([]);
    }
  });
});

describe('a file that is no readable binary log', () => {
  const unreadable = (bytes: Buffer): string[] =>
    problemsOf(bytes, [3]).map(({ kind, offset, problem }) => `${kind} ${offset}: ${problem}`);
  const log = (): Buffer => new BinlogBuilder().between(gtidList('')).bytes;

  it('is reported as encrypted when MySQL encrypted it', () => {
    const bytes = log();
    bytes[0] = 0xfd;
    expect(unreadable(bytes)).toEqual([
      'unreadable 0: the file is encrypted by its server: it cannot be read without the key',
    ]);
  });

  it.each(['PK and more', 'x\n', 'x'])('is reported when it begins with anything else: %j', (text) => {
    expect(unreadable(Buffer.from(text))).toEqual(['unreadable 0: not a binary log: the magic number is missing']);
  });

  it('is reported when its first event is too long to say only how the others are written', () => {
    const bytes = log();
    bytes.writeUInt32LE(2 * MIB, 4 + 9);
    expect(unreadable(bytes)).toEqual(['unreadable 4: the first event is no FORMAT_DESCRIPTION']);
  });

  it('is reported when MySQL 4.1 wrote it', () => {
    const bytes = log();
    bytes[8] = EVENT.START_V3;
    expect(unreadable(bytes)).toEqual([
      'unreadable 4: the first event is no FORMAT_DESCRIPTION: it was written by MySQL 4.1 or older',
    ]);
  });

  it('is reported once where an event cannot have the length it says, and nothing behind is read', () => {
    for (const length of [0, 18, 22, 0x40200000, 0xffffffff]) {
      const builder = withRowsEvent(200);
      const { bytes } = builder;
      const start = builder.events[2]?.start ?? 0;
      bytes.writeUInt32LE(length, start + 9);
      for (const sizes of [[bytes.length], [start, 200], [1]]) {
        const { reading, heard } = readInPieces(bytes, sizes);
        expect(reading.problems.filter(({ kind }) => kind === 'unreadable')).toEqual([
          { kind: 'unreadable', offset: start, problem: `an event cannot have ${length} bytes` },
        ]);
        expect(heard.groups).toEqual([]);
        expect(reading).toMatchObject({ wholeTo: start, end: 'torn' });
      }
    }
  });

  it('is reported as empty when it holds nothing, or only the magic number', () => {
    for (const bytes of [Buffer.alloc(0), log().subarray(0, 4)])
      expect(problemsOf(bytes)).toEqual([{ kind: 'torn', offset: bytes.length, problem: 'the file is empty' }]);
  });
});

describe('the end of a file', () => {
  it('is damaged, not torn, when the last event was whole and its length is wrong', () => {
    const builder = withRowsEvent(300);
    const { bytes } = builder;
    const last = builder.events.at(-1)?.start ?? 0;
    bytes.writeUInt32LE(500, last + 9);
    expect(problemsOf(bytes, [50])).toEqual([
      { kind: 'damage', offset: last, problem: 'the event says it ends elsewhere than its length does' },
    ]);
  });

  it('is damaged, not torn, when it is the length of the first event that is wrong', () => {
    const { bytes } = withRowsEvent(300);
    bytes.writeUInt32LE(60_000, 4 + 9);
    expect(problemsOf(bytes, [50])).toMatchObject([{ kind: 'damage', offset: 4 }]);
  });

  it('is torn where something stands that was never an event, as a power cut may leave it', () => {
    const builder = withRowsEvent(300);
    expect(problemsOf(Buffer.concat([builder.bytes, Buffer.alloc(33, 1)]), [50])).toEqual([
      { kind: 'torn', offset: builder.size, problem: 'the file ends inside an event' },
    ]);
  });

  it('is torn in a relay log, whose end positions tell nothing of it', () => {
    const builder = new BinlogBuilder({ relayLog: true, positionsFrom: 2 ** 32 - 20 }).between(rotate('binlog.000002'));
    expect(problemsOf(builder.bytes.subarray(0, -5))).toEqual([
      { kind: 'torn', offset: builder.events[1]?.start, problem: 'the file ends inside an event' },
    ]);
  });

  it('is torn after an event that is not whole, whose header is right', () => {
    const builder = withRowsEvent(300);
    const last = builder.events.at(-1)?.start ?? 0;
    expect(problemsOf(builder.bytes.subarray(0, last + 19), [50])).toEqual([
      { kind: 'torn', offset: last, problem: 'the file ends inside an event' },
    ]);
  });
});

describe('positions', () => {
  it('of 0 inside a group are left out by the server, not wrong', () => {
    const builder = withRowsEvent(100, 'none');
    const { bytes } = builder;
    bytes.writeUInt32LE(0, (builder.events[2]?.start ?? 0) + 13);
    expect(problemsOf(bytes)).toEqual([]);
  });

  it('that are wrong are reported at their event, and reading goes on', () => {
    const builder = withRowsEvent(100, 'none');
    const { bytes } = builder;
    const { start = 0, end = 0 } = builder.events[2] ?? {};
    bytes.writeUInt32LE(end + 1, start + 13);
    const { reading, heard } = readInPieces(bytes);
    expect(reading.problems).toEqual([
      { kind: 'damage', offset: start, problem: `the event says it ends at ${end + 1}, but it ends at ${end}` },
    ]);
    expect(heard.groups).toEqual(builder.groups);
  });

  /** As a reader sees the end of a file of more than 4 GiB: it begins at a boundary just below. */
  it('begin again at 4 GiB, and offsets go on', () => {
    const offset = 2 ** 32 - 150;
    const { format } = readInPieces(new BinlogBuilder().bytes).reading;
    const builder = new BinlogBuilder({ format: false, positionsFrom: offset });
    for (let n = 1; n <= 4; n += 1) {
      const gtid = `0-101-${n}`;
      const events = [mariadbGtid(gtid), tableMap('shop', 't'), writeRows(40), xid()];
      builder.group(events, { gtid, threadId: null, ending: 'commit' });
    }
    if (format === null) throw new Error('no format');
    const start = { format, offset, gtidState: null };
    const { reading, heard } = readInPieces(builder.bytes, [77], { start });
    const places = builder.groups.map((group) => [offset + group.start, offset + group.end]);
    expect(heard.groups.map((group) => [group.start, group.end])).toEqual(places);
    expect(places.at(-1)?.[0]).toBeGreaterThan(2 ** 32);
    expect(reading).toMatchObject({ problems: [], wholeTo: offset + builder.size, bytes: offset + builder.size });
  });

  it('are still checked above 4 GiB', () => {
    const offset = 2 ** 32 + 1000;
    const { format } = readInPieces(new BinlogBuilder().bytes).reading;
    const builder = new BinlogBuilder({ format: false, positionsFrom: offset + 1 });
    builder.group([mariadbGtid('0-101-1', { standalone: true }), query('create table t (a int)')], {
      ending: 'statement',
    });
    if (format === null) throw new Error('no format');
    const { reading } = readInPieces(builder.bytes, undefined, { start: { format, offset, gtidState: null } });
    expect(reading.problems.map((problem) => problem.offset)).toEqual([
      offset,
      offset + (builder.events[1]?.start ?? 0),
    ]);
  });
});

describe('a FORMAT_DESCRIPTION', () => {
  it('has a right checksum whether the file is in use or closed', () => {
    for (const inUse of [true, false]) expect(problemsOf(new BinlogBuilder({ inUse }).bytes)).toEqual([]);
  });

  it('has a checksum of its own in a file without checksums', () => {
    const { bytes } = new BinlogBuilder({ checksum: 'none' });
    bytes[30] = (bytes[30] ?? 0) ^ 1;
    expect(problemsOf(bytes)).toMatchObject([{ kind: 'damage', offset: 4 }]);
  });

  it('is not trusted to be too old for checksums when it knows newer events', () => {
    const { bytes } = new BinlogBuilder();
    bytes.write('00.11', 4 + 19 + 2);
    expect(problemsOf(bytes)).toMatchObject([{ kind: 'damage', offset: 4 }]);
  });
});

describe('a badly damaged file', () => {
  it('gives a hundred problems and counts the rest', () => {
    const builder = new BinlogBuilder();
    for (let n = 0; n < 150; n += 1) builder.between(rotate('binlog.000002'));
    const { bytes } = builder;
    for (const { start } of builder.events.slice(1)) bytes[start] = 0xff;
    const problems = problemsOf(bytes);
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)?.problem).toBe('the checksum of the event is wrong (the last of 50 more problems)');
    expect(problems.at(-1)?.offset).toBe(builder.events.at(-1)?.start);
  });

  it('is read to its end without checks when no checks are asked for', () => {
    const builder = withRowsEvent(300);
    const { bytes } = builder;
    const rows = builder.events.find(({ type }) => type === 23);
    bytes[(rows?.start ?? 0) + 40] = 0;
    const { reading, heard } = readInPieces(bytes, undefined, { verifyChecksums: false });
    expect(reading.problems).toEqual([]);
    expect(heard.groups).toEqual(builder.groups);
  });
});
