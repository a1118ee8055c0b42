import { describe, expect, it } from 'vitest';
import { GtidSet } from '../../../src/binlog/mysql-gtid.ts';
import { findOffer, type OfferRequest } from '../../../src/server/archive-offer.ts';
import type { ServedIdentity, ServedLog, ServedRange } from '../../../src/server/served-range.ts';
import { groupsOffered, mariadbFile, mysqlFile, servedBytes } from '../../support/served-bytes.ts';

const GIB = 2 ** 30;
const identity: ServedIdentity = {
  flavor: 'mariadb',
  serverVersion: '10.11.19-MariaDB-log',
  serverId: 101,
  gtidState: '',
};

function rangeOf(file: string, from: number, to: number): ServedRange {
  const open = (): never => {
    throw new Error('an offer needs no bytes');
  };
  return { file, from, to, checksum: 'crc32', formatEvent: Buffer.alloc(0), open };
}

/** Places of what is offered, or why nothing is. */
async function offered(log: ServedLog, request: OfferRequest): Promise<string[] | string> {
  const offer = await findOffer(log, request);
  return typeof offer === 'string' ? offer : offer.map(({ file, from, to }) => `${file}:${from}-${to}`);
}

describe('an offer by file and position', () => {
  const first = mariadbFile('', ['0-101-1', '0-101-2', '0-101-3'], 'binlog.000003');
  const [one, two, three] = first.groups;
  if (one === undefined || two === undefined || three === undefined) throw new Error('three groups were built');
  const second = mariadbFile('0-101-3', ['0-101-4'], 'binlog.000004');
  const end = second.size;
  const ranges = [
    servedBytes('binlog.000002', first.bytes, { from: one.start, to: two.start }),
    servedBytes('binlog.000002', first.bytes, { from: two.end, to: three.end }),
    servedBytes('binlog.000003', second.bytes),
  ];
  const at = (file: string, position: number, all: readonly ServedRange[] = ranges): Promise<string[] | string> =>
    offered({ identity, ranges: all }, { by: 'place', file, position });

  it('begins at the asked place and goes on to the last range', async () => {
    const rest = [`binlog.000002:${two.end}-${three.end}`, `binlog.000003:4-${end}`];

    expect(await at('binlog.000002', one.start)).toEqual([`binlog.000002:${one.start}-${two.start}`, ...rest]);
    expect(await at('binlog.000002', two.end)).toEqual(rest);
    expect(await at('binlog.000003', 4)).toEqual(rest.slice(1));
  });

  it('begins at any event inside a range', async () => {
    const inside = first.events.find(({ start }) => start > two.end)?.start ?? 0;

    expect(await at('binlog.000002', inside)).toEqual([
      `binlog.000002:${inside}-${three.end}`,
      `binlog.000003:4-${end}`,
    ]);
  });

  it('goes on behind what is left out for a client that lost its connection just there', async () => {
    expect(await at('binlog.000002', two.start)).toEqual(await at('binlog.000002', two.end));
    expect(await at('binlog.000002', three.end)).toEqual([`binlog.000003:4-${end}`]);
  });

  it('begins with the first range for a client that names no file', async () => {
    expect(await at('', 4)).toHaveLength(3);
    expect(await at('', 500)).toMatch(/does not offer/);
  });

  it('is empty at the end for a client that has everything', async () => {
    expect(await at('binlog.000003', end)).toEqual([`binlog.000003:${end}-${end}`]);
  });

  it('waits with a client that the last ROTATE led to a file that is not offered', async () => {
    expect(await at('binlog.000004', 4)).toEqual(['binlog.000004:4-4']);
    expect(await at('binlog.000004', 4, ranges.slice(0, 2))).toMatch(/does not offer/);
    expect(await at('binlog.000004', 4, [rangeOf('binlog.000003', 4, Infinity)])).toMatch(/does not offer/);
  });

  it('goes on behind what is left out at the start of a file, also for a client that a ROTATE led there', async () => {
    const [group] = second.groups;
    const later = servedBytes('binlog.000003', second.bytes, { from: group?.end ?? 0 });
    const all = [servedBytes('binlog.000002', first.bytes, { from: three.start }), later];

    expect(await at('binlog.000003', 4, all)).toEqual([`binlog.000003:${group?.end}-${end}`]);
  });

  it.each([
    ['binlog.000002', 4],
    ['binlog.000002', two.start + 1],
    ['binlog.000001', 4],
    ['binlog.000004', 120],
    ['binlog.000005', 4],
  ])('does not reach to %s:%i', async (file, position) => {
    expect(await at(file, position)).toBe(`the archive server does not offer ${file}:${position}`);
  });

  it('does not begin where no event does', async () => {
    expect(await at('binlog.000002', one.start + 1)).toBe(
      `the archive server does not offer binlog.000002:${one.start + 1}: no event begins there`,
    );
  });

  it('takes a position of four bytes for a range that begins beyond 4 GiB', async () => {
    const large = [rangeOf('binlog.000009', 4 * GIB + 100, 5 * GIB)];

    expect(await at('binlog.000009', 100, large)).toEqual([`binlog.000009:${4 * GIB + 100}-${5 * GIB}`]);
  });

  it.each([
    ['an event begins', 4 * GIB + 300, true],
    ['none does', 4 * GIB + 301, false],
  ])('does not take the end of a large range for a place where, 4 GiB before, %s', async (_, to, isRefused) => {
    const head = Buffer.alloc(19);
    head.writeUInt32LE(19, 9);
    head.writeUInt32LE(300 + 19, 13);
    const bytes = servedBytes('binlog.000009', head);
    const open: ServedRange['open'] = async (offset) => await bytes.open(offset === 300 ? 0 : head.length);
    const offer = await at('binlog.000009', to % 2 ** 32, [{ ...rangeOf('binlog.000009', 4, to), open }]);

    if (isRefused) expect(offer).toMatch(/does not offer .*: in a file this large two places are called so$/);
    else expect(offer).toEqual([`binlog.000009:${to}-${to}`]);
  });

  it('does not guess which of two places in a file beyond 4 GiB is meant', async () => {
    const large = [rangeOf('binlog.000009', 4, 5 * GIB)];

    expect(await at('binlog.000009', 4, large)).toHaveLength(1);
    expect(await at('binlog.000009', 500, large)).toMatch(/does not offer/);
  });
});

describe('an offer after a GTID position', () => {
  const files = new Map([
    ['binlog.000001', mariadbFile('0-101-5', ['0-101-6', '1-101-1', '0-101-7', '1-101-2'], 'binlog.000002')],
    ['binlog.000002', mariadbFile('0-101-7,1-101-2', ['0-101-8', '1-101-3'], 'binlog.000003')],
    ['binlog.000003', mariadbFile('0-101-8,1-101-3', ['2-101-1', '0-101-9', '1-101-4', '0-101-10'])],
  ]);
  const ranges = [...files].map(([file, builder]) => servedBytes(file, builder.bytes));
  const log = { identity: { ...identity, gtidState: '0-101-5' }, ranges };
  const after = async (state: string, served: ServedLog = log): Promise<string[] | string> =>
    await groupsOffered(served, { by: 'gtid-position', state }, files);

  it('is everything to a client in the state before it, however it is written', async () => {
    const served = { identity: { ...identity, gtidState: '1-1-5,0-101-5' }, ranges };

    expect(await after('0-101-5')).toHaveLength(10);
    expect(await after('0-101-5,1-1-5', served)).toHaveLength(10);
  });

  it('goes on behind each domain its own GTID, wherever these stand', async () => {
    expect(await after('0-101-7,1-101-2')).toEqual(['0-101-8', '1-101-3', '2-101-1', '0-101-9', '1-101-4', '0-101-10']);
    expect(await after('0-101-6,1-101-2')).toEqual([
      '0-101-7',
      '0-101-8',
      '1-101-3',
      '2-101-1',
      '0-101-9',
      '1-101-4',
      '0-101-10',
    ]);
    expect(await after('0-101-9,1-101-1,2-101-1')).toEqual(['1-101-2', '1-101-3', '1-101-4', '0-101-10']);
    expect(await after('0-101-10,1-101-3')).toEqual(['2-101-1', '1-101-4']);
    expect(await after('0-101-10,1-101-4,2-101-1')).toEqual([]);
  });

  it('has all of a domain that the client has nothing of', async () => {
    expect(await after('0-101-8')).toEqual([
      '1-101-1',
      '1-101-2',
      '1-101-3',
      '2-101-1',
      '0-101-9',
      '1-101-4',
      '0-101-10',
    ]);
  });

  it('lets a client have a domain of its own', async () => {
    expect(await after('0-101-9,1-101-3,7-900-12')).toEqual(['2-101-1', '1-101-4', '0-101-10']);
  });

  it('looks at a few of many files', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `binlog.${String(index + 1).padStart(6, '0')}`);
    const many = new Map(names.map((name, index) => [name, mariadbFile(`0-101-${index}`, [`0-101-${index + 1}`])]));
    const served = [...many].map(([file, builder]) => servedBytes(file, builder.bytes));
    const opens = async (state: string): Promise<number> => {
      for (const range of served) range.opened = 0;
      const offer = await findOffer(
        { identity: { ...identity, gtidState: '0-101-0' }, ranges: served },
        { by: 'gtid-position', state },
      );
      expect(offer).toHaveLength(500 - Number(state.split('-')[2]));
      return served.reduce((sum, { opened }) => sum + opened, 0);
    };

    expect(await opens('0-101-0')).toBe(0);
    expect(await opens('0-101-77')).toBeLessThan(12);
    expect(await opens('0-101-490')).toBeLessThan(12);
  });

  it('is refused, as a server does, to a client from before it', async () => {
    const tooOld = /^Could not find GTID state requested by slave in any binlog files/;

    expect(await after('0-101-4')).toMatch(tooOld);
    expect(await after('')).toMatch(tooOld);
    expect(await after('1-101-1')).toMatch(tooOld);
  });

  it('is refused, as a server does, to a client that is further or elsewhere', async () => {
    expect(await after('0-101-11,1-101-4')).toBe(
      "Error: connecting slave requested to start from GTID 0-101-11, which is not in the master's binlog",
    );
    expect(await after('0-900-8,1-101-3')).toMatch(
      /GTID 0-900-8, which is not in the master's binlog\. Since the master's binlog contains GTIDs with higher sequence numbers/,
    );
    expect(await after('nonsense')).toBe("cannot read the GTID position 'nonsense'");
  });

  it('finds a place behind which sequence numbers went back', async () => {
    const back = new Map([
      ['binlog.000001', mariadbFile('0-101-900', ['0-101-901', '0-101-10', '0-101-11'], 'binlog.000002')],
      ['binlog.000002', mariadbFile('0-101-11', ['0-101-12', '0-101-13'])],
    ]);
    const served = {
      identity: { ...identity, gtidState: '0-101-900' },
      ranges: [...back].map(([file, builder]) => servedBytes(file, builder.bytes)),
    };

    expect(await groupsOffered(served, { by: 'gtid-position', state: '0-101-901' }, back)).toEqual([
      '0-101-10',
      '0-101-11',
      '0-101-12',
      '0-101-13',
    ]);
  });

  it('keeps out what is left out, also for a client that stands before or behind it', async () => {
    const [file, builder] = [...files][0] ?? [];
    const skipped = builder?.groups[2];
    if (file === undefined || builder === undefined || skipped === undefined) throw new Error('the file was built');
    const parts = [
      servedBytes(file, builder.bytes, { to: skipped.start }),
      servedBytes(file, builder.bytes, { from: skipped.end }),
    ];
    const served = { ...log, ranges: [...parts, ...ranges.slice(1)] };
    const later = ['0-101-8', '1-101-3', '2-101-1', '0-101-9', '1-101-4', '0-101-10'];

    expect(await after('0-101-5', served)).toEqual(['0-101-6', '1-101-1', '1-101-2', ...later]);
    expect(await after('0-101-6,1-101-1', served)).toEqual(['1-101-2', ...later]);
    expect(await after('0-101-6,1-101-2', served)).toEqual(later);
    expect(await after('0-101-8,1-101-2', served)).toEqual(later.slice(1));
    expect(await after('0-101-7,1-101-1', served)).toMatch(/0-101-7, which is not in the master's binlog/);
  });

  it('is refused when nothing says where the log begins', async () => {
    const [first] = ranges;
    if (first === undefined) throw new Error('there are ranges');
    const served = { identity: { ...identity, gtidState: null }, ranges: [{ ...first, from: 300 }] };

    expect(await after('0-101-5', served)).toMatch(/^Could not find GTID state/);
    expect(await after('0-101-5', { ...served, ranges: [first] })).toHaveLength(4);
  });
});

describe('an offer of what a GTID set has not', () => {
  const A = '3e11fa47-71ca-11e1-9e33-c80aa9429562';
  const B = '3e11fa47-71ca-11e1-9e33-c80aa9429563';
  const upTo = (uuid: string, end: number) => ({ uuid, intervals: [[1, end]] as const });
  const files = new Map([
    ['binlog.000001', mysqlFile([upTo(A, 4)], [`${A}:4`, `${A}:5`, `${A}:6`], 'binlog.000002')],
    ['binlog.000002', mysqlFile([upTo(A, 7)], [`${A}:7`, `${B}:1`, `${A}:8`], 'binlog.000003')],
    ['binlog.000003', mysqlFile([upTo(A, 9), upTo(B, 2)], [`${A}:9`, `${A}:10`])],
  ]);
  const ranges = [...files].map(([file, builder]) => servedBytes(file, builder.bytes));
  const mysql: ServedIdentity = {
    flavor: 'mysql',
    serverVersion: '8.0.36',
    serverId: 101,
    gtidMode: 'ON',
    gtidState: `${A}:1-3`,
  };
  const besides = async (set: string, log: ServedLog = { identity: mysql, ranges }): Promise<string[] | string> =>
    await groupsOffered(log, { by: 'gtid-set', gtids: GtidSet.parse(set) }, files);

  it('leaves out what the client has, also with holes', async () => {
    expect(await besides(`${A}:1-3`)).toHaveLength(8);
    expect(await besides(`${A}:1-5`)).toEqual([`${A}:6`, `${A}:7`, `${B}:1`, `${A}:8`, `${A}:9`, `${A}:10`]);
    expect(await besides(`${A}:1-3:5:8`)).toEqual([`${A}:4`, `${A}:6`, `${A}:7`, `${B}:1`, `${A}:9`, `${A}:10`]);
    expect(await besides(`${A}:1-8,${B}:1`)).toEqual([`${A}:9`, `${A}:10`]);
    expect(await besides(`${A}:1-10`)).toEqual([`${B}:1`]);
    expect(await besides(`${A}:1-10,${B}:1`)).toEqual([]);
  });

  it('takes a set with transactions of the client itself', async () => {
    expect(await besides(`${A}:1-9,${B}:1,4711fa47-71ca-11e1-9e33-c80aa9429562:1-77`)).toEqual([`${A}:10`]);
  });

  it('is refused, as a server does, where the client lacks what lies before', async () => {
    expect(await besides(`${A}:1-2`)).toMatch(
      /^The slave is connecting using CHANGE MASTER TO MASTER_AUTO_POSITION = 1/,
    );
    expect(await besides('')).toMatch(/purged binary logs/);
  });

  it('is refused, as a server does, for a log without GTIDs', async () => {
    expect(await besides('', { identity: { ...mysql, gtidMode: 'OFF' }, ranges })).toMatch(/GTID_MODE = OFF/);
  });
});
