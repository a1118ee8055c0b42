import { describe, expect, it } from 'vitest';
import { findOffer } from '../../../src/server/archive-offer.ts';
import type { ServedIdentity, ServedRange } from '../../../src/server/served-range.ts';

const GIB = 2 ** 30;
const identity: ServedIdentity = {
  flavor: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  serverId: 101,
  gtidState: '1-1-5,0-101-335',
};

function rangeOf(file: string, from: number, to: number): ServedRange {
  const open = (): never => {
    throw new Error('an offer needs no bytes');
  };
  return { file, from, to, checksum: 'crc32', formatEvent: Buffer.alloc(0), open };
}

/** Places of what is offered, or why nothing is. */
function offered(ranges: readonly ServedRange[], request: { file?: string; position?: number; connectState?: string }) {
  const { file = '', position = 4, connectState = null } = request;
  const offer = findOffer({ identity, ranges }, { file, position, connectState });
  return typeof offer === 'string' ? offer : offer.map((range) => `${range.file}:${range.from}-${range.to}`);
}

describe('an offer', () => {
  const ranges = [rangeOf('binlog.000002', 400, 900), rangeOf('binlog.000003', 4, 700)];

  it('begins at the asked place and goes on to the last range', () => {
    expect(offered(ranges, { file: 'binlog.000002', position: 400 })).toEqual([
      'binlog.000002:400-900',
      'binlog.000003:4-700',
    ]);
    expect(offered(ranges, { file: 'binlog.000002', position: 500 })).toEqual([
      'binlog.000002:500-900',
      'binlog.000003:4-700',
    ]);
    expect(offered(ranges, { file: 'binlog.000003', position: 4 })).toEqual(['binlog.000003:4-700']);
  });

  it.each([
    ['binlog.000002', 4],
    ['binlog.000002', 900],
    ['binlog.000001', 4],
    ['binlog.000004', 4],
  ])('does not reach to %s:%i', (file, position) => {
    expect(offered(ranges, { file, position })).toBe(`the archive server does not offer ${file}:${position}`);
  });

  it('takes a position of four bytes for a range that begins beyond 4 GiB', () => {
    const large = [rangeOf('binlog.000009', 4 * GIB + 100, 5 * GIB)];

    expect(offered(large, { file: 'binlog.000009', position: 100 })).toEqual([
      `binlog.000009:${4 * GIB + 100}-${5 * GIB}`,
    ]);
  });

  it('does not guess which of two places in a file beyond 4 GiB is meant', () => {
    const large = [rangeOf('binlog.000009', 4, 5 * GIB)];

    expect(offered(large, { file: 'binlog.000009', position: 4 })).toHaveLength(1);
    expect(offered(large, { file: 'binlog.000009', position: 500 })).toMatch(/does not offer/);
  });

  it('is everything to a client in the very GTID state, however it is written', () => {
    expect(offered(ranges, { connectState: '0-101-335,1-1-5' })).toHaveLength(2);
  });

  it('is nothing to a client in any other GTID state', () => {
    expect(offered(ranges, { connectState: '0-101-336,1-1-5' })).toBe(
      "the archive server begins at GTID state '1-1-5,0-101-335', not at '0-101-336,1-1-5'",
    );
  });
});
