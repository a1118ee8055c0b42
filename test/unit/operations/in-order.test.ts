import { describe, expect, it } from 'vitest';
import { mapInOrder } from '../../../src/operations/verify/in-order.ts';

describe('mapInOrder', () => {
  it('gives results in the order of the items, and works on no more than so many at once', async () => {
    let running = 0;
    let most = 0;
    const delays = [5, 1, 4, 1, 3, 1];
    const work = async (ticks: number): Promise<number> => {
      running += 1;
      most = Math.max(most, running);
      for (let tick = 0; tick < ticks; tick += 1) await new Promise(setImmediate);
      running -= 1;
      return ticks;
    };
    const results: number[] = [];
    for await (const result of mapInOrder(delays, 3, work)) results.push(result);
    expect(results).toEqual(delays);
    expect(most).toBe(3);
  });

  it('throws what the work threw, after the results before it', async () => {
    const work = (item: number): Promise<number> =>
      item === 3 ? Promise.reject(new Error('third')) : Promise.resolve(item);
    const results: number[] = [];
    const collect = async (): Promise<void> => {
      for await (const result of mapInOrder([1, 2, 3, 4], 2, work)) results.push(result);
    };
    await expect(collect()).rejects.toThrow('third');
    expect(results).toEqual([1, 2]);
  });
});
