import { expect, it } from 'vitest';
import { editDistance, nearestWord } from '../../../src/platform/nearest-word.ts';

it.each([
  ['', '', 0],
  ['host', 'host', 0],
  ['hots', 'host', 2],
  ['', 'host', 4],
  ['kitten', 'sitting', 3],
])('is %s -> %s: %i letters', (a, b, distance) => {
  expect(editDistance(a, b)).toBe(distance);
  expect(editDistance(b, a)).toBe(distance);
});

it('takes the nearest of several', () => {
  expect(nearestWord('password_fle', ['password_env', 'password_file', 'port'])).toBe('password_file');
});

it('takes none when all are far', () => {
  expect(nearestWord('retention', ['replica', 'archive'])).toBeUndefined();
});
