import { describe, expect, it } from 'vitest';
import { holdPlace } from '../../../src/operations/purge-hold.ts';

const MIB = 1024 ** 2;

const logs = (first: number, ...mebibytes: number[]): { file: string; bytes: number }[] =>
  mebibytes.map((size, index) => ({ file: `binlog.${String(first + index).padStart(6, '0')}`, bytes: size * MIB }));

describe('where a parked dump holds the purge (peers 16: kubeblocks-addons #3087)', () => {
  it('is the needed file itself, when it is longer than all buffers', () => {
    expect(holdPlace(logs(1, 100, 100, 100), 'binlog.000002')).toEqual({ file: 'binlog.000002', bytes: 200 * MIB });
  });

  it('is before a short one, far enough that the dump cannot have passed it', () => {
    expect(holdPlace(logs(1, 100, 40, 20, 1), 'binlog.000004')).toEqual({ file: 'binlog.000001', bytes: 161 * MIB });
    expect(holdPlace(logs(1, 100, 50, 20, 1), 'binlog.000004')).toEqual({ file: 'binlog.000002', bytes: 71 * MIB });
    expect(holdPlace(logs(1, 1, 1, 1), 'binlog.000003')).toEqual({ file: 'binlog.000001', bytes: 3 * MIB });
  });

  it('is the oldest file when the needed one is gone already', () => {
    expect(holdPlace(logs(5, 100, 100), 'binlog.000002')).toEqual({ file: 'binlog.000005', bytes: 200 * MIB });
  });

  it('is nowhere when the source does not have what comes next', () => {
    expect(holdPlace(logs(1, 100), 'binlog.000002')).toBeNull();
  });
});
