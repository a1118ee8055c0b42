import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatGtid, parseGtid, parseGtidState } from '../../src/binlog/gtid-text.ts';
import { formatMariadbGtid, GtidPosition, type MariadbGtid } from '../../src/binlog/mariadb-gtid.ts';
import { formatMysqlGtid, GtidSet, type MysqlGtid } from '../../src/binlog/mysql-gtid.ts';
import { UUIDS } from './support/logs.ts';

/** The model: one string for each GTID. Everything a GtidSet does must agree with it. */
type Model = ReadonlySet<string>;

const MAX_NUMBER = 30;
const origins = UUIDS.flatMap((uuid) => ['', 'a', 'tag_2'].map((tag) => ({ uuid, tag })));

const mysqlGtid: fc.Arbitrary<MysqlGtid> = fc.record({
  flavor: fc.constant('mysql' as const),
  uuid: fc.constantFrom(...UUIDS),
  tag: fc.constantFrom('', 'a', 'tag_2'),
  number: fc.integer({ min: 1, max: MAX_NUMBER }),
});

const interval = fc
  .tuple(fc.constantFrom(...origins), fc.integer({ min: 1, max: MAX_NUMBER }), fc.integer({ min: -2, max: 8 }))
  .map(([origin, first, length]) => ({ ...origin, first, end: first + length }));

const intervals = fc.array(interval, { maxLength: 12 });

function setOf(pieces: readonly { uuid: string; tag: string; first: number; end: number }[]): GtidSet {
  const set = new GtidSet();
  for (const piece of pieces) set.addInterval(piece);
  return set;
}

function modelOf(pieces: readonly { uuid: string; tag: string; first: number; end: number }[]): Model {
  const model = new Set<string>();
  for (const { uuid, tag, first, end } of pieces)
    for (let number = first; number < end; number += 1)
      model.add(formatMysqlGtid({ flavor: 'mysql', uuid, tag, number }));
  return model;
}

/** Every GTID that the arbitraries can make, told one by one. */
function membersOf(set: GtidSet): Model {
  const members = new Set<string>();
  for (const { uuid, tag } of origins)
    for (let number = 1; number <= MAX_NUMBER + 10; number += 1) {
      const gtid: MysqlGtid = { flavor: 'mysql', uuid, tag, number };
      if (set.contains(gtid)) members.add(formatMysqlGtid(gtid));
    }
  return members;
}

describe('GtidSet', () => {
  it('contains exactly the intervals that were added, in any order and overlapping', () => {
    fc.assert(
      fc.property(intervals, (pieces) => {
        const set = setOf(pieces);
        expect(membersOf(set)).toEqual(modelOf(pieces));
        expect(set.size).toBe(modelOf(pieces).size);
      }),
    );
  });

  it('contains exactly the GTIDs that were added one by one', () => {
    fc.assert(
      fc.property(fc.array(mysqlGtid, { maxLength: 60 }), (gtids) => {
        const set = new GtidSet();
        for (const gtid of gtids) set.add(gtid);
        expect(membersOf(set)).toEqual(new Set(gtids.map(formatMysqlGtid)));
      }),
    );
  });

  it('unites as sets do and changes neither side', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const [left, right] = [setOf(a), setOf(b)];
        const united = left.union(right);
        expect(membersOf(united)).toEqual(new Set([...modelOf(a), ...modelOf(b)]));
        expect([membersOf(left), membersOf(right)]).toEqual([modelOf(a), modelOf(b)]);
      }),
    );
  });

  it('subtracts as sets do', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const without = modelOf(b);
        const expected = new Set([...modelOf(a)].filter((gtid) => !without.has(gtid)));
        const rest = setOf(a).subtract(setOf(b));
        expect(membersOf(rest)).toEqual(expected);
        expect(rest.size).toBe(expected.size);
      }),
    );
  });

  it('includes another set exactly when it has all of its GTIDs', () => {
    fc.assert(
      fc.property(intervals, intervals, (a, b) => {
        const mine = modelOf(a);
        expect(setOf(a).includes(setOf(b))).toBe([...modelOf(b)].every((gtid) => mine.has(gtid)));
        expect(setOf([...a, ...b]).includes(setOf(b))).toBe(true);
      }),
    );
  });

  it('has one text for one content, which reads back as the same set', () => {
    fc.assert(
      fc.property(intervals, (pieces) => {
        const set = setOf(pieces);
        const backwards = setOf(pieces.toReversed());
        expect(backwards.toString()).toBe(set.toString());
        expect(backwards.equals(set)).toBe(true);
        expect(membersOf(GtidSet.parse(set.toString()))).toEqual(modelOf(pieces));
      }),
    );
  });

  it('keeps a clone apart from what is added later', () => {
    fc.assert(
      fc.property(intervals, mysqlGtid, (pieces, gtid) => {
        const set = setOf(pieces);
        const clone = set.clone();
        set.add(gtid);
        expect(membersOf(clone)).toEqual(modelOf(pieces));
        expect(set.contains(gtid)).toBe(true);
      }),
    );
  });

  it('reads sets as servers and people write them: blanks, line breaks, upper case', () => {
    fc.assert(
      fc.property(intervals, fc.constantFrom('\n', ' ', '\r\n', '\t'), fc.boolean(), (pieces, blank, upper) => {
        const text = setOf(pieces).toString().replaceAll(',', `,${blank}`).replaceAll(':', `:${blank}`);
        const written = blank + (upper ? text.toUpperCase() : text) + blank;
        expect(GtidSet.parse(written).equals(setOf(pieces))).toBe(true);
      }),
    );
  });

  it('is built from many separate intervals in time that grows with their number', () => {
    const set = new GtidSet();
    for (let first = 1; first < 400_000; first += 2)
      set.addInterval({ uuid: UUIDS[0], tag: '', first, end: first + 1 });
    expect(set.size).toBe(200_000);
  });
});

const mariadbGtid: fc.Arbitrary<MariadbGtid> = fc.record({
  flavor: fc.constant('mariadb' as const),
  domain: fc.oneof(fc.nat(3), fc.constant(0xffffffff)),
  server: fc.integer({ min: 0, max: 0xffffffff }),
  sequence: fc.oneof(fc.nat(100), fc.maxSafeNat()),
});

describe('GtidPosition', () => {
  it('holds the GTID of each domain that was added last', () => {
    fc.assert(
      fc.property(fc.array(mariadbGtid), (gtids) => {
        const position = new GtidPosition();
        const model = new Map<number, MariadbGtid>();
        for (const gtid of gtids) {
          position.add(gtid);
          model.set(gtid.domain, gtid);
        }
        expect(position.gtids()).toEqual([...model.values()].sort((a, b) => a.domain - b.domain));
        for (const [domain, gtid] of model) {
          expect(position.last(domain)).toEqual(gtid);
          expect(position.contains(gtid)).toBe(true);
          expect(position.contains({ ...gtid, sequence: gtid.sequence + 1 })).toBe(false);
        }
      }),
    );
  });

  it('has one text for one content, which reads back as the same position', () => {
    fc.assert(
      fc.property(fc.uniqueArray(mariadbGtid, { selector: ({ domain }) => domain }), (gtids) => {
        const [forwards, backwards] = [gtids, gtids.toReversed()].map((order) =>
          GtidPosition.parse(order.map(formatMariadbGtid).join(' , ')),
        );
        expect(forwards?.toString()).toBe(backwards?.toString());
        expect(GtidPosition.parse(forwards?.toString() ?? '').gtids()).toEqual(forwards?.gtids());
        expect(forwards?.gtids()).toHaveLength(gtids.length);
      }),
    );
  });

  it('keeps a clone apart from what is added later', () => {
    fc.assert(
      fc.property(fc.array(mariadbGtid), mariadbGtid, (gtids, later) => {
        const position = new GtidPosition();
        for (const gtid of gtids) position.add(gtid);
        const [clone, before] = [position.clone(), position.toString()];
        position.add(later);
        expect(clone.toString()).toBe(before);
        expect(position.last(later.domain)).toEqual(later);
      }),
    );
  });
});

describe('a GTID', () => {
  it('of either flavor reads back as itself', () => {
    fc.assert(
      fc.property(fc.oneof(mysqlGtid, mariadbGtid), (gtid) => {
        expect(parseGtid(formatGtid(gtid))).toEqual(gtid);
        expect(parseGtid(` ${formatGtid(gtid).toUpperCase()}\n`)).toEqual(gtid);
        expect(parseGtidState(gtid.flavor, formatGtid(gtid)).contains(gtid)).toBe(true);
      }),
    );
  });

  it('of one flavor is refused by a state of the other', () => {
    fc.assert(
      fc.property(mysqlGtid, mariadbGtid, (mysql, mariadb) => {
        expect(() => {
          new GtidSet().add(mariadb);
        }).toThrow('a MariaDB GTID was given where a MySQL GTID is needed');
        expect(() => {
          new GtidPosition().add(mysql);
        }).toThrow('a MySQL GTID was given where a MariaDB GTID is needed');
      }),
    );
  });
});
