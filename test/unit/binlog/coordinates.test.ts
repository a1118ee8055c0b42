import { describe, expect, it } from 'vitest';
import {
  compareCoordinates,
  compareFiles,
  formatCoordinates,
  isBinlogFileName,
  parseCoordinates,
} from '../../../src/binlog/coordinates.ts';

describe('coordinates', () => {
  it.each(['binlog.000042:1537', 'my.host-bin.1000000:4', 'a b.000001:5000000000'])(
    '%s reads back as itself',
    (text) => {
      expect(formatCoordinates(parseCoordinates(text))).toBe(text);
    },
  );

  it.each([
    'binlog.000042',
    'binlog.42:4',
    'binlog.000042:3',
    'binlog.000042:x',
    'dir/binlog.000042:4',
    ':4',
    'binlog.000042:-4',
  ])('refuses %s', (text) => {
    expect(() => parseCoordinates(text)).toThrow(`cannot read coordinates '${text}'`);
  });

  it('are ordered by file number, then by position', () => {
    const places = ['binlog.000002:4', 'binlog.000001:99999', 'binlog.000001:4', 'binlog.000010:4'].map(
      parseCoordinates,
    );
    expect(places.sort(compareCoordinates).map(formatCoordinates)).toEqual([
      'binlog.000001:4',
      'binlog.000001:99999',
      'binlog.000002:4',
      'binlog.000010:4',
    ]);
  });
});

describe('file names', () => {
  it('are counted, not compared as text: 1000000 follows 999999', () => {
    expect(['binlog.1000000', 'binlog.999999', 'binlog.1000001'].sort(compareFiles)).toEqual([
      'binlog.999999',
      'binlog.1000000',
      'binlog.1000001',
    ]);
  });

  it('have a base, a dot and at least six digits', () => {
    const names = [
      'binlog.000001',
      'a.b.1234567',
      'binlog.00001',
      'binlog',
      '.000001',
      'binlog.000001.json',
      '../x.000001',
    ];
    expect(names.filter(isBinlogFileName)).toEqual(['binlog.000001', 'a.b.1234567']);
  });
});
