import { totalmem } from 'node:os';
import { expect, it } from 'vitest';
import { availableMemory, withinLimit } from '../../../src/platform/memory.ts';

it('is half of what the container may use, where it has a limit', () => {
  const machine = { total: 1000, available: 300 };

  expect([400, 900, 1000, 0, 2 ** 64].map((limit) => withinLimit(machine, limit))).toEqual([200, 300, 300, 300, 300]);
});

it('is read from the machine', () => {
  expect(availableMemory()).toBeGreaterThan(0);
  expect(availableMemory()).toBeLessThanOrEqual(totalmem());
});
