import { describe, expect, it } from 'vitest';
import { parseGtid, parseGtidState } from '../../../src/binlog/gtid-text.ts';
import { GtidPosition } from '../../../src/binlog/mariadb-gtid.ts';
import { GtidSet } from '../../../src/binlog/mysql-gtid.ts';

const A = '5577bbaa-0402-11f1-b1b8-4ef0c4956feb';
const B = 'a57df524-4139-11ee-9979-b033ee13919e';

describe('GtidSet', () => {
  it.each([
    ['', ''],
    [`${A}:1`, `${A}:1`],
    [`${A}:1-5:7:9-12`, `${A}:1-5:7:9-12`],
    [`${A}:7:1-5`, `${A}:1-5:7`],
    [`${A}:1-3:4-6`, `${A}:1-6`],
    [`${A}:1-5:2-3`, `${A}:1-5`],
    [`${A}:5-3`, ''],
    [`${B}:1,${A}:2`, `${A}:2,${B}:1`],
    [`${A}:1,${A}:2`, `${A}:1-2`],
    // As SHOW MASTER STATUS and gtid_executed give it, and as people type it.
    [`${A}:1-5,\n${B}:1-3`, `${A}:1-5,${B}:1-3`],
    [` ${A.toUpperCase()} : 1 - 5 , `, `${A}:1-5`],
    // Tags, MySQL 8.3 and newer: untagged first, then by name.
    [`${A}:tag_b:1-2:tag_a:5:7`, `${A}:tag_a:5:7:tag_b:1-2`],
    [`${A}:3:tag:1-2`, `${A}:3:tag:1-2`],
    [`${A}:_x:1:abc:2`, `${A}:_x:1:abc:2`],
  ])('reads %j as %j', (text, expected) => {
    expect(GtidSet.parse(text).toString()).toBe(expected);
  });

  it.each([
    A,
    `${A}:`,
    `${A}:0`,
    `${A}:1-`,
    `${A}:-1`,
    `${A}:1--2`,
    `${A}:1:Täg:2`,
    '0-1-5',
    'x:1',
    `${A.slice(1)}:1`,
    `${A}:99999999999999999`,
  ])('refuses %j', (text) => {
    expect(() => GtidSet.parse(text)).toThrow(`cannot read MySQL GTID set '${text}'`);
  });

  it('does not take GTIDs of one tag for those of another', () => {
    const set = GtidSet.parse(`${A}:a:1-5`);
    expect(set.contains(parseGtid(`${A}:a:5`))).toBe(true);
    expect([`${A}:5`, `${A}:b:5`, `${B}:a:5`, `${A}:a:6`].map((text) => set.contains(parseGtid(text)))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('GtidPosition', () => {
  it.each([
    ['', ''],
    ['0-1-5', '0-1-5'],
    ['1-1-5,0-2-7', '0-2-7,1-1-5'],
    ['0-1-5, 0-2-7', '0-2-7'],
    [' 10-1-1 ,2-1-1\n', '2-1-1,10-1-1'],
  ])('reads %j as %j', (text, expected) => {
    expect(GtidPosition.parse(text).toString()).toBe(expected);
  });

  it('has reached a sequence number whichever server wrote it', () => {
    const position = GtidPosition.parse('0-102-7');
    expect(['0-101-6', '0-102-7', '0-102-8', '1-102-1'].map((text) => position.contains(parseGtid(text)))).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('parseGtid', () => {
  it.each(['0-1', '0-1-2-3', 'a-1-2', '0-1--2', '0-1-99999999999999999', ''])('refuses %j', (text) => {
    expect(() => parseGtid(text)).toThrow(`cannot read MariaDB GTID '${text}'`);
  });

  it.each(['4294967296-1-1', '0-4294967296-1'])('refuses %j: its parts have 32 bits', (text) => {
    expect(() => parseGtid(text)).toThrow(`domain or server id is over 32 bits in '${text}'`);
  });

  it.each([`${A}:0`, `${A}:x:y:1`, `${A}:1-2`, `${A}:1tag:1`, 'abc:1'])('refuses %j', (text) => {
    expect(() => parseGtid(text)).toThrow(`cannot read MySQL GTID '${text}'`);
  });
});

describe('two states', () => {
  it('of different flavors are never equal, not even empty ones', () => {
    expect(parseGtidState('mysql', '').equals(parseGtidState('mariadb', ''))).toBe(false);
    expect(parseGtidState('mariadb', '').equals(parseGtidState('mysql', ''))).toBe(false);
    expect(parseGtidState('mariadb', '').equals(parseGtidState('mariadb', ''))).toBe(true);
  });
});
