/** Numbers in [0, 1) that a seed repeats: mulberry32. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000;
  };
}

/** The seed of this run, from LASTGOOD_SEED or by chance; put it into the test's message so that a failure repeats. */
export function chooseSeed(): number {
  return Number(process.env['LASTGOOD_SEED'] ?? Math.floor(Math.random() * 0x7fffffff));
}

/** Some cases under one roof, and the seed of the first; the next ones have the next seeds. */
export interface SeededBatch {
  readonly seed: number;
  readonly cases: number;
}

/** All cases of this run, so many at a time, the last ones the rest. */
export function seededBatches(cases: number, perBatch: number): SeededBatch[] {
  const seed = chooseSeed();
  return Array.from({ length: Math.ceil(cases / perBatch) }, (_, index) => ({
    seed: seed + index * perBatch,
    cases: Math.min(perBatch, cases - index * perBatch),
  }));
}
