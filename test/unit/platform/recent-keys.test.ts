import { expect, it } from 'vitest';
import { RecentKeys } from '../../../src/platform/recent-keys.ts';

it('keeps the newest keys; one that comes again is new again', () => {
  const keys = new RecentKeys(2);
  for (const key of ['a', 'b', 'a', 'c']) keys.add(key);
  expect(['a', 'b', 'c'].filter((key) => keys.has(key))).toEqual(['a', 'c']);
});
