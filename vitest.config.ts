import { defineConfig } from 'vitest/config';

const SECOND = 1000;

/** One row per level of test. Levels run one after the other. Those that start servers wait more than they compute: two files at a time. */
const LEVELS: readonly { name: string; timeoutMs: number; workers?: number }[] = [
  { name: 'unit', timeoutMs: 10 * SECOND },
  { name: 'property', timeoutMs: 30 * SECOND },
  { name: 'docs', timeoutMs: 30 * SECOND },
  { name: 'cli', timeoutMs: 60 * SECOND, workers: 2 },
  { name: 'integration', timeoutMs: 120 * SECOND, workers: 2 },
  { name: 'fault', timeoutMs: 120 * SECOND, workers: 2 },
  { name: 'restore', timeoutMs: 600 * SECOND, workers: 1 },
];

export default defineConfig({
  test: {
    projects: LEVELS.map(({ name, timeoutMs, workers }, groupOrder) => ({
      test: {
        name,
        include: [`test/${name}/**/*.test.ts`],
        testTimeout: timeoutMs,
        hookTimeout: Math.max(timeoutMs, 60 * SECOND),
        ...(workers === undefined ? {} : { maxWorkers: workers }),
        execArgv: ['--import', './test/support/typescript-in-threads.mjs'],
        sequence: { groupOrder },
      },
    })),
  },
});
