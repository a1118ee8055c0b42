import { describe, expect, it } from 'vitest';
import { applierSetting, appliersFor, describeAppliers, readAppliers } from '../../../src/recovery/appliers.ts';
import type { BorrowedSetting } from '../../../src/recovery/restore-target.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

describe('the appliers of a target', () => {
  it.each([
    // cores, configured, set
    [1, 0, 0],
    [1, 4, 0],
    [2, 1, 0],
    [2, 2, 0],
    [2, 64, 0],
    [3, 0, 0],
    [3, 1, 1],
    [3, 2, 2],
    [3, 4, 2],
    [4, 4, 3],
    [8, 4, 4],
    [8, 64, 7],
  ])('on %i cores, configured as %i, are set to %i', (cores, configured, set) => {
    expect(appliersFor(cores, configured)).toBe(set);
  });

  it('are never more than configured, nor than the cores beside ours', () => {
    for (let cores = 1; cores <= 70; cores += 1)
      for (let configured = 0; configured <= 70; configured += 1) {
        const set = appliersFor(cores, configured);
        expect(set).toBeLessThanOrEqual(Math.min(configured, cores - 1));
        expect(set === 0).toBe(configured === 0 || cores <= 2);
      }
  });

  it("are set in each flavor's own words", () => {
    expect(applierSetting('mariadb', new Map([['slave_parallel_threads', '4']]), 2)).toEqual({
      slave_parallel_threads: '0',
    });
    expect(applierSetting('mysql', new Map([['slave_parallel_workers', '4']]), 4)).toEqual({
      slave_parallel_workers: '3',
    });
    expect(applierSetting('mysql', new Map(), 4)).toEqual({ slave_parallel_workers: '0' });
  });
});

describe('what is told of the appliers', () => {
  const read = async (set: number | string, borrowed: BorrowedSetting[], cores?: number): Promise<unknown> => {
    const asked: string[] = [];
    const query = (statement: string): Promise<unknown> => Promise.resolve([{ value: asked.push(statement) && set }]);
    const admin = { flavor: 'mariadb', query } as unknown as ServerConnection;
    const appliers = await readAppliers({ admin, borrowed }, cores);
    expect(asked).toEqual(['SELECT @@GLOBAL.slave_parallel_threads AS value']);
    return { ...appliers, told: describeAppliers(appliers) };
  };
  const loan = (was: string, during: string): BorrowedSetting[] => [
    { name: 'sync_binlog', was: '1', during: '0' },
    { name: 'slave_parallel_threads', was, during },
  ];

  it('says how many worked, and why they are fewer than configured', async () => {
    expect(await read(0, loan('4', '0'), 2)).toEqual({
      ...{ used: 1, configured: 4, why: '2 cores', told: '1 applier of 4: 2 cores' },
    });
    expect(await read('2', loan('4', '2'), 3)).toEqual({
      ...{ used: 2, configured: 4, why: '3 cores', told: '2 appliers of 4: 3 cores' },
    });
    expect(await read(0, loan('2', '0'), 1)).toMatchObject({ told: '1 applier of 2: 1 core' });
  });

  it('says no more where they are as many as configured', async () => {
    expect(await read(0, [], 2)).toEqual({ used: 1, configured: 1, why: null, told: '1 applier' });
    expect(await read(4, [], 8)).toEqual({ used: 4, configured: 4, why: null, told: '4 appliers' });
    // One that is shared out to is one as well.
    expect(await read(0, loan('1', '0'), 2)).toEqual({ used: 1, configured: 1, why: null, told: '1 applier' });
  });

  it('tells what a restore of an earlier version uses, which limited nothing', async () => {
    expect(await read(4, [])).toEqual({ used: 4, configured: 4, why: null, told: '4 appliers' });
  });
});
