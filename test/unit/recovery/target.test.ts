import { describe, expect, it } from 'vitest';
import { parseTarget, parseTime } from '../../../src/recovery/target.ts';

describe('parseTarget', () => {
  it('reads each kind of target', () => {
    expect(parseTarget({ beforeIncident: 'inc-7f3a90c1' })).toEqual({
      kind: 'before-incident',
      incident: 'inc-7f3a90c1',
    });
    expect(parseTarget({ beforeGtid: '0-1-4711' })).toEqual({ kind: 'before-gtid', gtid: '0-1-4711' });
    expect(parseTarget({ beforeCoordinates: 'binlog.000003:1234' })).toEqual({
      kind: 'before-coordinates',
      coordinates: 'binlog.000003:1234',
    });
    expect(parseTarget({ at: '2026-11-22T10:00:00Z' })).toEqual({ kind: 'at', time: '2026-11-22T10:00:00Z' });
    expect(parseTarget({ latest: true })).toEqual({ kind: 'latest' });
  });

  it('reads a MySQL GTID', () => {
    const gtid = '3e11fa47-71ca-11e1-9e33-c80aa9429562:23';
    expect(parseTarget({ afterGtid: gtid })).toEqual({ kind: 'after-gtid', gtid });
  });

  it('refuses no target and two targets', () => {
    expect(() => parseTarget({ latest: false })).toThrow('no target is given');
    expect(() => parseTarget({ latest: true, at: '2026-11-22T10:00:00Z' })).toThrow('2 targets are given');
  });

  it('refuses what cannot be read before anything is looked up', () => {
    expect(() => parseTarget({ beforeGtid: '0-1' })).toThrow("cannot read MariaDB GTID '0-1'");
    expect(() => parseTarget({ beforeCoordinates: 'binlog.000003' })).toThrow(
      "cannot read coordinates 'binlog.000003'",
    );
    expect(() => parseTarget({ at: '2026-11-22 10:00' })).toThrow(
      "cannot read '2026-11-22 10:00' as a time with its zone",
    );
  });
});

describe('parseTime', () => {
  it('gives the same moment in every zone', () => {
    const noon = Date.UTC(2026, 10, 22, 12) / 1000;
    expect(parseTime('2026-11-22T12:00:00Z')).toBe(noon);
    expect(parseTime('2026-11-22 13:30:00+01:30')).toBe(noon);
    expect(parseTime('2026-11-22T07:00-05:00')).toBe(noon);
  });

  it('keeps fractions of a second', () => {
    expect(parseTime('1970-01-01T00:00:01.25Z')).toBe(1.25);
  });

  it.each(['2026-02-30T10:00:00Z', '2026-11-22T25:00:00Z', '2026-13-01T00:00:00Z', '2026-11-22T10:00:00+25:00'])(
    'refuses %s, which no calendar has',
    (text) => {
      expect(() => parseTime(text)).toThrow(`there is no such time as '${text}'`);
    },
  );

  it.each(['', 'yesterday', '2026-11-22', '2026-11-22T10:00:00', '10:00:00Z'])("refuses '%s'", (text) => {
    expect(() => parseTime(text)).toThrow('as a time with its zone');
  });
});
