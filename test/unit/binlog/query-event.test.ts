import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { EVENT, EVENT_FLAG } from '../../../src/binlog/event-type.ts';
import type { EventView } from '../../../src/binlog/event-view.ts';
import type { QueryEvent } from '../../../src/binlog/group.ts';
import { parseQueryEvent } from '../../../src/binlog/query-event.ts';
import { compressedQuery, encodeEvent, query, type QueryParts, type RawEvent } from '../../support/binlog-builder.ts';

/** @param present how many of the event's bytes are in memory; all of them when not given */
function parse(event: RawEvent, present?: number): QueryEvent | null {
  const buffer = encodeEvent(event, { time: 1_000, checksum: 'none', position: 400 });
  const available = present ?? buffer.length;
  const view: EventView = {
    buffer,
    data: new DataView(buffer.buffer, buffer.byteOffset, buffer.length),
    at: 0,
    available,
    length: buffer.length,
    offset: 400,
    number: 1,
    type: event.type,
    time: 1_000,
    serverId: 101,
    flags: event.flags ?? 0,
  };
  return parseQueryEvent(view, available);
}

function textOf(event: QueryEvent | null): string | undefined {
  return event?.text.toString();
}

/** Status variables as servers write them: code, then the value. */
const FLAGS2 = Buffer.from([0, 1, 2, 3, 4]);
const SQL_MODE = Buffer.from([1, 0x04, 0, 0x10, 0x50, 1, 0, 0, 0]);
const CATALOG_OLD = Buffer.from([2, 3, 0x73, 0x74, 0x64, 0]);
const AUTO_INCREMENT = Buffer.from([3, 1, 0, 1, 0]);
const TIME_ZONE = Buffer.from([5, 6, ...Buffer.from('SYSTEM')]);
const CATALOG = Buffer.from([6, 3, ...Buffer.from('std')]);
const CHARSET = Buffer.from([4, 0x21, 0x01, 8, 0, 8, 0]);
const COLLATIONS = Buffer.from([131, 2, 33, 0, 0, 8, 45, 0, 0, 9]);
const MICROSECONDS = Buffer.from([13, 1, 2, 3]);

function withVariables(...variables: Buffer[]): QueryEvent | null {
  return parse(query('drop table t', { variables: Buffer.concat(variables) }));
}

describe('parseQueryEvent', () => {
  it('reads text, schema, thread, error and place', () => {
    const parts: QueryParts = { schema: 'дб', threadId: 4711, errorCode: 1051 };
    expect(parse(query('drop table `t`,`nosuch`', parts))).toEqual({
      offset: 400,
      time: 1_000,
      threadId: 4711,
      errorCode: 1051,
      sqlMode: 0,
      clientCharset: null,
      schema: 'дб',
      text: Buffer.from('drop table `t`,`nosuch`'),
      threadSpecific: false,
      truncated: false,
    });
  });

  it('leaves the text as the bytes that the client sent', () => {
    const bytes = Buffer.from([0x64, 0xe4, 0x00, 0xff]);
    expect(parse(query(bytes))?.text).toEqual(bytes);
  });

  it('reads the statement of LOAD DATA, which has more before its variables', () => {
    const statement = "LOAD DATA INFILE 'x' REPLACE INTO TABLE `t`";
    const { body } = query(statement, { schema: 'shop', threadId: 7, variables: CHARSET });
    const load = Buffer.concat([body.subarray(0, 13), Buffer.alloc(13, 9), body.subarray(13)]);
    const found = parse({ type: EVENT.EXECUTE_LOAD_QUERY, body: load });
    expect(found).toMatchObject({ threadId: 7, schema: 'shop', clientCharset: 0x121 });
    expect(textOf(found)).toBe(statement);
    expect(parse({ type: EVENT.EXECUTE_LOAD_QUERY, body: load.subarray(0, 20) })).toBeNull();
  });

  it('tells whether the statement used a temporary table', () => {
    expect(parse({ ...query('truncate t'), flags: EVENT_FLAG.THREAD_SPECIFIC })).toMatchObject({
      threadSpecific: true,
    });
  });

  it('finds sql_mode and the character set behind the variables that servers write before them', () => {
    const found = withVariables(FLAGS2, SQL_MODE, CATALOG, AUTO_INCREMENT, CHARSET, TIME_ZONE, MICROSECONDS);
    expect(found).toMatchObject({ sqlMode: 0x50100004, clientCharset: 0x121 });
  });

  it('passes over every variable that may stand before the character set', () => {
    for (const before of [FLAGS2, SQL_MODE, CATALOG_OLD, AUTO_INCREMENT, TIME_ZONE, CATALOG, COLLATIONS])
      expect(withVariables(before, CHARSET)?.clientCharset).toBe(0x121);
  });

  it('knows nothing behind a variable that it does not know', () => {
    expect(withVariables(SQL_MODE, MICROSECONDS, CHARSET)).toMatchObject({ sqlMode: 0x50100004, clientCharset: null });
  });

  it('takes nothing from a variable that is cut', () => {
    expect(withVariables(SQL_MODE.subarray(0, 6))).toMatchObject({ sqlMode: 0, clientCharset: null });
    expect(withVariables(CHARSET.subarray(0, 4))).toMatchObject({ clientCharset: null });
    expect(withVariables(COLLATIONS.subarray(0, 6))).toMatchObject({ clientCharset: null });
  });

  it('gives null when the lengths do not fit into the event', () => {
    const shortBody = { type: EVENT.QUERY, body: Buffer.alloc(12) };
    const schema = query('x', { schema: '' });
    schema.body.writeUInt8(3, 8);
    const variables = query('x', { schema: '' });
    variables.body.writeUInt16LE(40, 11);
    expect([shortBody, schema, variables].map((event) => parse(event))).toEqual([null, null, null]);
  });

  it('marks the head of a statement whose rest is not in memory', () => {
    const event = query(`insert into t values ('${'x'.repeat(100)}')`);
    expect(parse(event, 19 + event.body.length - 90)).toMatchObject({ truncated: true });
    expect(textOf(parse(event, 19 + event.body.length - 90))).toBe("insert into t values ('" + 'x'.repeat(12));
  });
});

describe('a compressed statement', () => {
  const text = `insert into t values ('${'abc'.repeat(5000)}')`;

  it('is inflated, with all that stands before it', () => {
    const parts = { schema: 'shop', errorCode: 7, variables: Buffer.concat([SQL_MODE, CHARSET]) };
    const found = parse(compressedQuery(text, parts));
    expect(textOf(found)).toBe(text);
    expect(found).toMatchObject({ schema: 'shop', errorCode: 7, clientCharset: 0x121, truncated: false });
  });

  it('says its length in one to four bytes', () => {
    for (const [length, bytes] of [
      [200, 1],
      [60_000, 2],
      [70_000, 3],
      [70_000, 4],
    ] as const) {
      const plain = Buffer.alloc(length, 0x61);
      const head = Buffer.alloc(1 + bytes);
      head.writeUInt8(0x80 | bytes);
      head.writeUIntBE(length, 1, bytes);
      const packed = { ...query(Buffer.concat([head, deflateSync(plain)])), type: EVENT.QUERY_COMPRESSED };
      expect(parse(packed)?.text.equals(plain)).toBe(true);
    }
  });

  it('whose rest is not in memory gives its head', () => {
    const long = Array.from({ length: 4000 }, (_, n) => `(${(n * 7919) % 10_007})`).join();
    const event = compressedQuery(`insert into t values ${long}`);
    const found = parse(event, 19 + event.body.length - 1000);
    expect(found?.truncated).toBe(true);
    expect(textOf(found)?.startsWith('insert into t values (0),(7919)')).toBe(true);
    expect(found?.text.length).toBeLessThan(long.length);
  });

  it('of more than memory should hold gives its head', () => {
    const found = parse(compressedQuery(Buffer.alloc(40 * 1024 * 1024, 0x61)));
    expect(found?.truncated).toBe(true);
    expect(found?.text.subarray(0, 5).toString()).toBe('aaaaa');
  });

  it('gives null when it is damaged', () => {
    const damage = (change: (body: Buffer) => void): QueryEvent | null => {
      const event = compressedQuery(text, { schema: '' });
      change(event.body);
      return parse(event);
    };
    const textAt = 14;
    expect(damage((body) => body.writeUInt8(0x80, textAt))).toBeNull();
    expect(damage((body) => body.writeUInt8(0x87, textAt))).toBeNull();
    expect(damage((body) => body.fill(0xff, textAt + 5, textAt + 30))).toBeNull();
    expect(damage((body) => body.writeUInt32BE(text.length + 1, textAt + 1))).toBeNull();
    expect(damage((body) => body.writeUInt32BE(text.length - 1, textAt + 1))).toBeNull();
  });
});
