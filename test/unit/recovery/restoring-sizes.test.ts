import { expect, it } from 'vitest';
import { restoringSizes, type Room } from '../../../src/recovery/restoring-sizes.ts';

const GIB = 2 ** 30;

function room({
  available = 8 * GIB,
  spareDisk = 100 * GIB,
  redoLog = 0,
}: Partial<Room & { available: number }>): Room {
  return { memory: available, spareDisk, redoLog };
}

function bufferPool(data: number, available: number): number {
  return Number(restoringSizes(data, room({ available })).innodb_buffer_pool_size) / GIB;
}

function redoLog(data: number, how: Partial<Room>): number {
  return Number(restoringSizes(data, room(how)).innodb_log_file_size) / GIB;
}

it('gives InnoDB memory for all of the data, and leaves half of what is free to those that live beside it', () => {
  expect([0, 10 * GIB, 100 * GIB].map((data) => bufferPool(data, 40 * GIB))).toEqual([2, 10, 20]);
  expect([0, 3 * GIB, 8 * GIB].map((available) => bufferPool(10 * GIB, available))).toEqual([1 / 8, 1.5, 4]);
});

it('gives the redo log as much as the data, and half of the room on the disk at most', () => {
  expect([0, 4 * GIB, 100 * GIB].map((data) => redoLog(data, {}))).toEqual([1 / 4, 4, 8]);
  expect([-GIB, 0, GIB, 6 * GIB].map((spareDisk) => redoLog(10 * GIB, { spareDisk }))).toEqual([
    1 / 4,
    1 / 4,
    1 / 2,
    3,
  ]);
});

it('leaves a redo log of a run before as large as it is', () => {
  expect([1, 1 / 16].map((there) => redoLog(10 * GIB, { redoLog: there * GIB, spareDisk: 0 }))).toEqual([1, 1 / 4]);
});

it('gives both in whole megabytes, as the server takes them', () => {
  const odd = room({ available: 3_000_000_001, spareDisk: 3_000_000_001 });
  const values = Object.values(restoringSizes(5_000_000_001, odd)).map(Number);

  expect(values.map((bytes) => bytes % 2 ** 20)).toEqual([0, 0]);
});
