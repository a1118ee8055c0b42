import { randomBytes } from 'node:crypto';
import { compress } from 'zstd-napi';
import { describe, expect, it } from 'vitest';
import { EVENT } from '../../../src/binlog/event-type.ts';
import {
  ANONYMOUS,
  BinlogBuilder,
  formatDescription,
  MYSQL,
  mysqlGtid,
  previousGtids,
  query,
  rotate,
  tableMap,
  THREAD,
  writeRows,
  xaPrepare,
  xid,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { listeningReader, readInPieces } from '../../support/binlog-reading.ts';
import { innerBytes, payloadOf, storedPayload, transactionPayload } from '../../support/payload-builder.ts';

const UUID = '5577bbaa-0402-11f1-b1b8-4ef0c4956feb';
const BEGIN = query('BEGIN');
const ROWS = [tableMap('shop', 't'), writeRows(20)];
const DROP = query('DROP TABLE t');
const MIB = 1024 * 1024;

function mysql(checksum: 'crc32' | 'none' = 'crc32'): BinlogBuilder {
  return new BinlogBuilder({ version: MYSQL, checksum }).between(previousGtids([{ uuid: UUID, intervals: [[1, 6]] }]));
}

/** A group of a GTID and one payload, and a whole group of another kind behind it. */
function withPayload(payload: RawEvent, is: Partial<Parameters<BinlogBuilder['group']>[1]> = {}): BinlogBuilder {
  return mysql()
    .group([mysqlGtid(`${UUID}:6`), payload], { gtid: `${UUID}:6`, ending: 'commit', ...is })
    .group([mysqlGtid(`${UUID}:7`), query('TRUNCATE t')], { gtid: `${UUID}:7`, ending: 'statement' });
}

const payloadStart = (builder: BinlogBuilder): number =>
  builder.events.find(({ type }) => type === EVENT.TRANSACTION_PAYLOAD)?.start ?? -1;

/** What is wrong with a file whose payload is wrong: its place, and that the groups are where they would be. */
function wrongWith(builder: BinlogBuilder): string | undefined {
  const { reading, heard } = readInPieces(builder.bytes);
  expect(heard.groups.map(({ start, end, gtid }) => ({ start, end, gtid }))).toEqual(
    builder.groups.map(({ start, end, gtid }) => ({ start, end, gtid })),
  );
  expect(heard.statements.map(({ text }) => text)).toContain('TRUNCATE t');
  expect(reading.problems).toMatchObject([{ kind: 'not-understood', offset: payloadStart(builder) }]);
  expect(heard.unread).toEqual([payloadStart(builder)]);
  return reading.problems[0]?.problem.replace('the TRANSACTION_PAYLOAD event cannot be read: ', '');
}

describe('a group in a TRANSACTION_PAYLOAD', () => {
  it.each([
    ['commit', xid()],
    ['commit', query('COMMIT')],
    ['rollback', query('ROLLBACK')],
    ['prepare', xaPrepare('x')],
  ] as const)('has its statements at the place of the payload, its thread, and ends with %s', (ending, last) => {
    const builder = withPayload(transactionPayload([BEGIN, DROP, ...ROWS, last]), { ending });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.groups).toMatchObject(builder.groups);
    expect(heard.statements[0]).toEqual({ offset: payloadStart(builder), text: 'DROP TABLE t' });
    expect(reading).toMatchObject({ problems: [], events: builder.events.length, wholeTo: builder.size });
  });

  it('begins at the payload where the source writes no GTIDs', () => {
    const builder = new BinlogBuilder({ version: MYSQL }).group([transactionPayload([BEGIN, DROP, xid()])], {
      ending: 'commit',
    });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.groups).toMatchObject(builder.groups);
    expect(reading.problems).toEqual([]);
  });

  it.each([
    ['in several frames', { frames: 5 }],
    ['that is stored as it is', { compression: 'none' }],
    ['that does not say how long it is', { plainBytes: null }],
    ['with a field that is not known', { unknownField: true }],
  ] as const)('is read from a payload %s', (_, options) => {
    const builder = withPayload(transactionPayload([BEGIN, DROP, query('TRUNCATE other'), xid()], options));
    const { reading, heard } = readInPieces(builder.bytes, [13]);
    expect(heard.statements.map(({ text }) => text)).toEqual(['DROP TABLE t', 'TRUNCATE other', 'TRUNCATE t']);
    expect(reading.problems).toEqual([]);
  });

  it('is read without checksums, too', () => {
    const builder = mysql('none').group([ANONYMOUS, transactionPayload([BEGIN, DROP, xid()])], { ending: 'commit' });
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.groups).toMatchObject(builder.groups);
    expect(reading.problems).toEqual([]);
  });
});

describe('a large payload', () => {
  /** Nothing in it can be packed, so that its event is large as stored. */
  const noise = (bytes: number): RawEvent => writeRows(randomBytes(bytes));

  it.each([
    ['of many events', Array.from({ length: 700 }, () => noise(8000))],
    ['with an event too large to hold', [noise(3 * MIB)]],
  ])('%s is read as it comes, up to its last statement', (_, rows) => {
    const inner = [BEGIN, ...rows, DROP, xid()];
    for (const compression of ['zstd', 'none'] as const) {
      const builder = withPayload(transactionPayload(inner, { compression }));
      const { reading, heard } = readInPieces(builder.bytes, [700_001]);
      expect(heard.groups).toMatchObject(builder.groups);
      expect(heard.statements[0]).toEqual({ offset: payloadStart(builder), text: 'DROP TABLE t' });
      expect(reading).toMatchObject({ problems: [], events: builder.events.length });
    }
  });

  it('begins a group where the source writes no GTIDs', () => {
    const builder = new BinlogBuilder({ version: MYSQL }).group(
      [transactionPayload([BEGIN, noise(2 * MIB), DROP, xid()])],
      { ending: 'commit' },
    );
    expect(readInPieces(builder.bytes, [700_001]).heard.groups).toMatchObject(builder.groups);
  });

  it('counts for nothing before it is whole', () => {
    const builder = withPayload(transactionPayload([BEGIN, DROP, noise(3 * MIB), xid()]));
    const { reading, heard } = readInPieces(builder.bytes.subarray(0, payloadStart(builder) + 2 * MIB), [700_001]);
    expect(heard.groups).toEqual([]);
    expect(reading).toMatchObject({ end: 'torn', wholeTo: builder.groups[0]?.start });
    expect(reading.problems).toMatchObject([{ kind: 'torn', problem: 'the file ends inside an event' }]);
  });

  it('that grows 20,000 times takes no more memory than any other', () => {
    const event = innerBytes([writeRows(64 * MIB)]);
    const frames = [innerBytes([BEGIN]), ...Array.from({ length: 8 }, () => event), innerBytes([DROP, xid()])];
    const stored = Buffer.concat(frames.map((frame) => compress(frame)));
    const plainBytes = frames.reduce((sum, { length }) => sum + length, 0);
    expect(stored.length * 20_000).toBeLessThan(2 * plainBytes);
    const { bytes } = withPayload(storedPayload(stored, { plainBytes }));
    const { reader, heard } = listeningReader();
    const before = process.memoryUsage();
    reader.walk(bytes, 0, bytes.length);
    const after = process.memoryUsage();
    expect(heard.statements.map(({ text }) => text)).toEqual(['DROP TABLE t', 'TRUNCATE t']);
    expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(16 * MIB);
  });
});

describe('a payload that is damaged', () => {
  const plain = innerBytes([BEGIN, DROP, ...ROWS, xid()]);
  const stored = Buffer.from(compress(plain));

  it.each([
    ['compression 3 is not known', payloadOf(plain, { compression: 3 })],
    [`its payload cannot have ${stored.length + 1} bytes`, storedPayload(stored, { payloadBytes: stored.length + 1 })],
    ['its compressed bytes end too early', storedPayload(stored.subarray(0, -1), {})],
    [
      `it says that it holds ${plain.length + 1} bytes, and holds ${plain.length}`,
      payloadOf(plain, { plainBytes: plain.length + 1 }),
    ],
    [`it says that it holds 5 bytes, and holds at least ${plain.length}`, payloadOf(plain, { plainBytes: 5 })],
    ['it ends inside an event', payloadOf(plain.subarray(0, -1))],
    ['its fields are cut off', { type: EVENT.TRANSACTION_PAYLOAD, body: Buffer.from([2, 1, 0, 1, 254]) }],
    ['its fields are cut off', { type: EVENT.TRANSACTION_PAYLOAD, body: Buffer.alloc(0) }],
    ['it holds an event of type 40', transactionPayload([BEGIN, transactionPayload([DROP]), xid()])],
    ['it holds an event of type 33', transactionPayload([mysqlGtid(`${UUID}:8`), DROP])],
    ['it holds an event of type 15', transactionPayload([BEGIN, formatDescription(MYSQL, 'crc32'), xid()])],
    ['it holds an event of type 4', transactionPayload([BEGIN, rotate('binlog.000009'), xid()])],
    ['it holds events behind the end of its transaction', transactionPayload([BEGIN, xid(), DROP])],
    ['inside it, an event cannot have 0 bytes', payloadOf(Buffer.concat([plain.subarray(0, 71), Buffer.alloc(500)]))],
  ])('is reported as: %s', (problem, payload) => {
    expect(wrongWith(withPayload(payload))).toBe(problem);
  });

  it('harms no other group and throws nothing, whatever bit of its compressed bytes is wrong', () => {
    for (let bit = 0; bit < 8 * stored.length; bit += 5) {
      const wrong = Buffer.from(stored);
      wrong.writeUInt8(wrong.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const { reading, heard } = readInPieces(withPayload(storedPayload(wrong, { plainBytes: plain.length })).bytes);
      expect(heard.groups.map(({ gtid }) => gtid)).toEqual([`${UUID}:6`, `${UUID}:7`]);
      for (const { kind } of reading.problems) expect(['damage', 'not-understood', 'unknown-type']).toContain(kind);
    }
  });

  it('keeps what stood before the damage', () => {
    const cut = Buffer.concat([plain.subarray(0, innerBytes([BEGIN, DROP]).length), Buffer.alloc(19, 0xff)]);
    const { heard } = readInPieces(withPayload(payloadOf(cut)).bytes);
    expect(heard.statements.map(({ text }) => text)).toEqual(['DROP TABLE t', 'TRUNCATE t']);
    expect(heard.groups[0]).toMatchObject({ ending: 'commit', threadId: THREAD });
  });
});
