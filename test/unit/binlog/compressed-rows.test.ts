import { randomBytes } from 'node:crypto';
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  BinlogBuilder,
  encodeEvent,
  gtidList,
  mariadbGtid,
  query,
  tableMap,
  xid,
  type RawEvent,
} from '../../support/binlog-builder.ts';
import { listeningReader, readInPieces } from '../../support/binlog-reading.ts';
import { plainRows } from '../../../src/binlog/compressed-rows.ts';
import type { EventView } from '../../../src/binlog/event-view.ts';

const ROWS = Buffer.from('what stands in the rows, '.repeat(40));
const MIB = 1024 * 1024;

/** Table id 18, flags 0, of version 2 the empty extra data, one column; an UPDATE says twice which. */
function head(type: number): Buffer {
  const extra = type >= 169 ? [2, 0] : [];
  const bitmaps = type === 167 || type === 170 ? [1, 1] : [1];
  return Buffer.from([18, 0, 0, 0, 0, 0, 0, 0, ...extra, 1, ...bitmaps]);
}

function packed(rows: Buffer, says = rows.length): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(says);
  return Buffer.concat([Buffer.from([0x84]), length, deflateSync(rows)]);
}

const compressed = (type: number, rows = packed(ROWS)): RawEvent => ({ type, body: Buffer.concat([head(type), rows]) });

function viewOf(event: RawEvent, available?: number): EventView {
  const bytes = encodeEvent(event, { time: 5, checksum: 'none' });
  return {
    buffer: bytes,
    data: new DataView(bytes.buffer, bytes.byteOffset, bytes.length),
    at: 0,
    available: available ?? bytes.length,
    length: bytes.length,
    offset: 4711,
    number: 1,
    type: event.type,
    time: 5,
    serverId: 101,
    flags: 0,
  };
}

describe('compressed rows of MariaDB', () => {
  it.each([
    [166, 23],
    [167, 24],
    [168, 25],
    [169, 30],
    [170, 31],
    [171, 32],
  ])('of type %i are those of type %i', (type, plainType) => {
    const view = viewOf(compressed(type));
    const plain = plainRows(view, view.length);
    expect(plain).toMatchObject({ type: plainType, offset: 4711, time: 5, serverId: 101 });
    expect(plain?.buffer.subarray(19)).toEqual(Buffer.concat([head(type), ROWS]));
    expect(plain).toMatchObject({ available: plain?.buffer.length, length: plain?.buffer.length });
  });

  it('of an event too large to hold give their first rows', () => {
    const noise = randomBytes(9000);
    const event = compressed(168, packed(noise));
    const plain = plainRows(viewOf(event, 2000), 2000);
    expect(plain?.available).toBeGreaterThan(100);
    expect(plain?.available).toBeLessThan(plain?.length ?? 0);
    expect(noise.subarray(0, 50)).toEqual(plain?.buffer.subarray(19 + 10, 19 + 10 + 50));
  });

  it('that are longer than is kept give their first rows', () => {
    const view = viewOf(compressed(168, packed(Buffer.alloc(17 * MIB))));
    const plain = plainRows(view, view.length);
    expect(plain?.available).toBeLessThan(plain?.length ?? 0);
  });

  it.each([
    ['a mark of another algorithm', Buffer.concat([Buffer.from([0x94]), packed(ROWS).subarray(1)])],
    ['no mark', ROWS],
    ['a length that is too small', packed(ROWS, 5)],
    ['a length that is too large', packed(ROWS, ROWS.length + 1)],
    ['bytes that are cut off', packed(ROWS).subarray(0, 20)],
    ['nothing', Buffer.alloc(0)],
  ])('with %s are reported, and reading goes on', (_, rows) => {
    const builder = new BinlogBuilder()
      .between(gtidList('0-101-5'))
      .group([mariadbGtid('0-101-6'), tableMap('shop', 't'), compressed(168, rows), xid()], {
        gtid: '0-101-6',
        ending: 'commit',
      })
      .group([mariadbGtid('0-101-7', { standalone: true }), query('DROP TABLE t')], {
        gtid: '0-101-7',
        ending: 'statement',
      });
    const at = builder.events.find(({ type }) => type === 168)?.start;
    const { reading, heard } = readInPieces(builder.bytes);
    expect(heard.groups.map(({ gtid }) => gtid)).toEqual(['0-101-6', '0-101-7']);
    expect(reading.problems).toEqual([
      { kind: 'not-understood', offset: at, problem: 'the compressed rows cannot be read' },
    ]);
    expect(heard.unread).toEqual([at]);
  });

  it('that grow a thousand times take no more memory than what is kept of others', () => {
    const event = compressed(168, packed(Buffer.alloc(200 * MIB)));
    const { bytes } = new BinlogBuilder()
      .between(gtidList('0-101-5'))
      .group([mariadbGtid('0-101-6'), tableMap('shop', 't'), event, xid()], { gtid: '0-101-6', ending: 'commit' });
    const { reader, heard } = listeningReader();
    const before = process.memoryUsage().arrayBuffers;
    reader.walk(bytes, 0, bytes.length);
    expect(heard.groups).toHaveLength(1);
    expect(reader.problems).toEqual([]);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(48 * MIB);
  });
});
