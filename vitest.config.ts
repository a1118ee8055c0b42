import { defineConfig } from 'vitest/config';

const SECOND = 1000;

/** One row per level of test. Levels run one after the other; `alone` levels start servers, so their files do too. */
const LEVELS = [
  { name: 'unit', timeoutMs: 10 * SECOND, alone: false },
  { name: 'property', timeoutMs: 30 * SECOND, alone: false },
  { name: 'docs', timeoutMs: 30 * SECOND, alone: false },
  { name: 'cli', timeoutMs: 60 * SECOND, alone: true },
  { name: 'integration', timeoutMs: 120 * SECOND, alone: true },
  { name: 'fault', timeoutMs: 120 * SECOND, alone: true },
];

export default defineConfig({
  test: {
    projects: LEVELS.map(({ name, timeoutMs, alone }, groupOrder) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: timeoutMs,
        hookTimeout: Math.max(timeoutMs, 60 * SECOND),
        fileParallelism: !alone,
        execArgv: ['--import', './test/support/typescript-in-threads.mjs'],
        sequence: { groupOrder },
      },
    })),
  },
});
