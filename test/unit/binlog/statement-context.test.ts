import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { EventView } from '../../../src/binlog/event-view.ts';
import { parseStatementContext, type StatementContext } from '../../../src/binlog/statement-context.ts';
import { encodeEvent, query } from '../../support/binlog-builder.ts';

function parse(variables: Buffer): StatementContext | null {
  const event = query('SELECT 1', { variables });
  const buffer = encodeEvent(event, { time: 1, checksum: 'none' });
  const data = new DataView(buffer.buffer, buffer.byteOffset, buffer.length);
  const size = { available: buffer.length, length: buffer.length };
  const view: EventView = {
    buffer,
    data,
    at: 0,
    ...size,
    offset: 4,
    number: 1,
    type: event.type,
    time: 1,
    serverId: 1,
    flags: 0,
  };
  return parseStatementContext(view, buffer.length);
}

const bytes = (...values: number[]): Buffer => Buffer.from(values);
const text = (value: string): Buffer => Buffer.concat([bytes(value.length), Buffer.from(value)]);

/** As a server writes them: in the order of their numbers. */
const EVERY = Buffer.concat([
  bytes(0, 0, 0, 0, 4),
  bytes(1, 8, 0, 0x20, 0x54, 1, 0, 0, 0),
  bytes(3, 7, 0, 3, 0),
  bytes(4, 45, 0, 33, 0, 8, 0),
  Buffer.concat([bytes(5), text('Europe/Rome')]),
  Buffer.concat([bytes(6), text('std')]),
  bytes(7, 4, 0),
  bytes(8, 8, 0),
  bytes(9, 1, 0, 0, 0, 0, 0, 0, 0),
  Buffer.concat([bytes(11), text('root'), text('localhost')]),
  Buffer.concat([bytes(12, 2), Buffer.from('shop\0crm\0')]),
  bytes(13, 0x40, 0x42, 0x0f),
  bytes(16, 1),
  bytes(17, 1, 0, 0, 0, 0, 0, 0, 0),
  bytes(18, 255, 0),
  bytes(19, 1),
  bytes(20, 0),
]);

describe('the context of a statement', () => {
  it('has every variable that servers write', () => {
    expect(parse(EVERY)).toEqual({
      flags2: 0x04000000,
      sqlMode: 0x154200008n,
      autoIncrement: { increment: 7, offset: 3 },
      charset: { client: 45, connection: 33, server: 8 },
      timeZone: 'Europe/Rome',
      lcTimeNames: 4,
      charsetDatabase: 8,
      invoker: { user: 'root', host: 'localhost' },
      microseconds: 1_000_000,
      explicitDefaultsForTimestamp: true,
      defaultCollationForUtf8mb4: 255,
      requirePrimaryKey: true,
      defaultTableEncryption: false,
    });
  });

  it.each([
    ['first', bytes(130, 2, 128, 1, 0, 0)],
    ['second', bytes(130, 4, 9, 0, 0, 0, 0, 0, 0, 0, 128, 1, 0, 0)],
  ])('of the %s half of a two-phase ALTER has what stands behind', (_, variables) => {
    expect(parse(variables)).toEqual({ microseconds: 1 });
  });

  it('of more schemas than are listed has what stands behind', () => {
    expect(parse(bytes(12, 254, 7, 4, 0))).toEqual({ lcTimeNames: 4 });
  });

  it('says which variable it does not know', () => {
    expect(parse(bytes(7, 4, 0, 99, 1, 2))).toEqual({ lcTimeNames: 4, unknown: 99 });
  });

  it('is none when it is cut off', () => {
    for (const cut of [3, 9, EVERY.length - 1]) expect(parse(EVERY.subarray(0, cut))).toBeNull();
  });

  it('never throws, whatever the bytes are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (any) => {
        parse(Buffer.from(any));
      }),
    );
  });
});
