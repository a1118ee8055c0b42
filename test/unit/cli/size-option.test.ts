import { expect, it } from 'vitest';
import { parseSize } from '../../../src/cli/size-option.ts';

it.each([
  ['4096', 4096],
  ['512M', 512 * 1024 ** 2],
  ['20G', 20 * 1024 ** 3],
  ['20 GiB', 20 * 1024 ** 3],
  ['1.5t', 1.5 * 1024 ** 4],
])('reads %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

it.each(['', '0', 'G', '-1G', '20X', '1e3', '9999999T'])('refuses %j', (text) => {
  expect(() => parseSize(text)).toThrow('It must be a size, for example 512M or 20G.');
});
