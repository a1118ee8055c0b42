import { expect, it } from 'vitest';
import { wholeNumber } from '../../../src/cli/number-option.ts';

const port = wholeNumber({ min: 1, max: 65_535 }, 'It must be a number from 1 to 65535.');

it('takes digits within its range, and says what it takes', () => {
  expect(['1', '3306', '65535', '007'].map(port)).toEqual([1, 3306, 65_535, 7]);
  for (const text of ['', ' 1', '0', '65536', '-1', '1.5', '1e3', '0x10', 'many'])
    expect(() => port(text), `'${text}'`).toThrow('It must be a number from 1 to 65535.');
});

it('without an upper bound takes what can be counted exactly', () => {
  const rows = wholeNumber({ min: 0 }, 'It must be a whole number.');
  expect(rows('9007199254740991')).toBe(Number.MAX_SAFE_INTEGER);
  expect(() => rows('9007199254740993')).toThrow('It must be a whole number.');
});
