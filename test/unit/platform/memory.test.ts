import { expect, it } from 'vitest';
import { readMemory, withinLimit } from '../../../src/platform/memory.ts';

it('is no more than the container may use, where it has a limit', () => {
  const machine = { total: 1000, available: 700 };

  expect(withinLimit(machine, 400)).toEqual({ total: 400, available: 400 });
  expect(withinLimit(machine, 900)).toEqual({ total: 900, available: 700 });
  expect(withinLimit(machine, 0)).toEqual(machine);
  expect(withinLimit(machine, 2 ** 64)).toEqual(machine);
});

it('is read from the machine', () => {
  const { total, available } = readMemory();

  expect(available).toBeGreaterThan(0);
  expect(total).toBeGreaterThanOrEqual(available);
});
