import { describe, expect, it } from 'vitest';
import { formatBytes, formatCount, formatSeconds } from '../../../src/cli/output/quantity.ts';
import { formatTable } from '../../../src/cli/output/table.ts';
import { formatTime } from '../../../src/cli/output/time.ts';

describe('bytes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [1_572_864, '1.5 MiB'],
    [268_435_456, '256 MiB'],
    [5 * 1024 ** 4, '5.0 TiB'],
  ])('%i is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('seconds', () => {
  it.each([
    [0, '0 ms'],
    [0.021, '21 ms'],
    [4.34, '4.3 s'],
    [59.6, '1 min 0 s'],
    [42, '42 s'],
    [185, '3 min 5 s'],
    [7800, '2 h 10 min'],
    [356_400, '4 d 3 h'],
  ])('%d is %s', (seconds, text) => {
    expect(formatSeconds(seconds)).toBe(text);
  });
});

it('counts one group and many groups', () => {
  expect(formatCount(1, 'group')).toBe('1 group');
  expect(formatCount(4711, 'group')).toBe('4,711 groups');
});

it('lines columns up, numbers at the right, colours without width', () => {
  const red = '\u001B[31mred\u001B[39m';
  expect(
    formatTable(
      [{ title: 'name' }, { title: 'size', align: 'right' }],
      [
        [red, '5'],
        ['orange', '1234'],
      ],
    ),
  ).toBe(['NAME    SIZE', `${red}        5`, 'orange  1234'].join('\n'));
});

describe('times', () => {
  it('stay what they are when they are unknown or unreadable', () => {
    expect(formatTime(null)).toBe('unknown time');
    expect(formatTime('someday')).toBe('someday');
  });
});
