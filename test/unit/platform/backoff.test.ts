import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/platform/backoff.ts';

describe('Backoff', () => {
  it('doubles its pauses up to a limit, and begins anew after a success', () => {
    const backoff = new Backoff({ firstMs: 200, maxMs: 1000, random: () => 0 });
    expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([100, 200, 400, 500, 500]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('scatters each pause between half of its limit and all of it', () => {
    const numbers = [0, 0.5, 0.999];
    const pauses = numbers.map((number) => new Backoff({ firstMs: 200, maxMs: 1000, random: () => number }).next());
    expect(pauses).toEqual([100, 150, 199.9]);
  });
});
