import { expect, it } from 'vitest';
import { bufferPoolBytes, redoLogBytes, restoringSizes } from '../../../src/recovery/restoring-sizes.ts';

const GIB = 2 ** 30;

it('gives InnoDB all of the data, and a quarter of the memory at most', () => {
  const ofSmall = [GIB / 4, 4 * GIB, 64 * GIB].map((memory) => bufferPoolBytes(0, memory));
  const ofLarge = [GIB / 4, 4 * GIB, 64 * GIB].map((memory) => bufferPoolBytes(10 * GIB, memory));

  expect(ofSmall).toEqual([GIB / 8, GIB, 2 * GIB]);
  expect(ofLarge).toEqual([GIB / 8, GIB, 10 * GIB]);
});

it('gives the redo log a quarter of the data, within reason', () => {
  expect([0, 4 * GIB, 100 * GIB].map(redoLogBytes)).toEqual([GIB / 4, GIB, 2 * GIB]);
});

it('gives both in whole megabytes, as the server takes them', () => {
  const values = Object.values(restoringSizes(3_000_000_001)).map(Number);

  expect(values.map((bytes) => bytes % 2 ** 20)).toEqual([0, 0]);
});
