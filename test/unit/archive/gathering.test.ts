import { expect, it } from 'vitest';
import { Gathering } from '../../../src/archive/gathering.ts';

const KIB = 1024;

/** A source that brings so much at each look. */
async function gatheredFrom(looks: readonly number[]): Promise<{ gathering: Gathering; looked: number }> {
  const gathering = new Gathering();
  let waiting = 0;
  let looked = 0;
  const next = (): void => {
    waiting += looks[looked] ?? 0;
    looked += 1;
    if (looked < looks.length) setImmediate(next);
  };
  setImmediate(next);
  await gathering.gather(() => waiting);
  return { gathering, looked };
}

it('does not wait for more from a source that brings little', async () => {
  const { gathering, looked } = await gatheredFrom([300, 300, 300]);
  expect(looked).toBe(1);
  expect(gathering.isWorthSync(300)).toBe(true);
});

it('takes together what comes without a pause, and syncs at its end', async () => {
  const { gathering, looked } = await gatheredFrom([100 * KIB, 100 * KIB, 5 * KIB, 100 * KIB]);
  expect(looked).toBe(3);
  expect(gathering.isWorthSync(205 * KIB)).toBe(true);
});

it('writes a MiB, and lets 8 of them come together for one sync', async () => {
  const { gathering, looked } = await gatheredFrom(Array.from({ length: 20 }, () => 200 * KIB));
  expect(looked).toBe(6);
  expect(gathering.isWorthSync(1200 * KIB)).toBe(false);
  expect(gathering.isWorthSync(8 * KIB * KIB - 1)).toBe(false);
  expect(gathering.isWorthSync(8 * KIB * KIB)).toBe(true);
});

it('is over when the source pauses, whatever came before', async () => {
  const { gathering } = await gatheredFrom(Array.from({ length: 6 }, () => 200 * KIB));
  expect(gathering.isWorthSync(1)).toBe(false);
  await gathering.gather(() => 0);
  expect(gathering.isWorthSync(1)).toBe(true);
});
