import { expect, it } from 'vitest';
import { bufferPoolBytes, redoLogBytes, restoringSizes } from '../../../src/recovery/restoring-sizes.ts';

const GIB = 2 ** 30;

it('gives InnoDB all of the data, and a quarter of the memory at most', () => {
  const memories = [GIB / 4, 4 * GIB, 64 * GIB].map((total) => ({ total, available: total }));
  const ofSmall = memories.map((memory) => bufferPoolBytes(0, memory));
  const ofLarge = memories.map((memory) => bufferPoolBytes(10 * GIB, memory));

  expect(ofSmall).toEqual([GIB / 8, GIB, 2 * GIB]);
  expect(ofLarge).toEqual([GIB / 8, GIB, 10 * GIB]);
});

it('leaves half of what is free to those that live beside it', () => {
  const beside = [0, 3 * GIB, 40 * GIB].map((available) => ({ total: 64 * GIB, available }));

  expect(beside.map((memory) => bufferPoolBytes(100 * GIB, memory))).toEqual([GIB / 8, 1.5 * GIB, 16 * GIB]);
});

it('gives the redo log a quarter of the data, within reason', () => {
  expect([0, 4 * GIB, 100 * GIB].map(redoLogBytes)).toEqual([GIB / 4, GIB, 2 * GIB]);
});

it('gives both in whole megabytes, as the server takes them', () => {
  const values = Object.values(restoringSizes(3_000_000_001)).map(Number);

  expect(values.map((bytes) => bytes % 2 ** 20)).toEqual([0, 0]);
});
