import { describe, expect, it } from 'vitest';
import { LastgoodError } from '../../../src/platform/errors.ts';
import { startJobs, type JobRunner } from '../../../src/platform/thread-jobs.ts';
import type { EchoJob } from '../../support/echo-thread.ts';
import { echo } from '../../support/echo-thread.ts';

const THREAD = new URL('../../support/echo-thread.ts', import.meta.url);

function runner(options: { jobs: number; signal?: AbortSignal }): {
  runner: JobRunner<EchoJob, string>;
  bytes: number[];
} {
  const bytes: number[] = [];
  const onBytes = (more: number): unknown => bytes.push(more);
  return { runner: startJobs({ ...options, run: echo, thread: THREAD, onBytes }), bytes };
}

describe.each([1, 2, 3])('jobs in %i threads', (jobs) => {
  it('give each its own result, and tell of every byte', async () => {
    const { runner: crew, bytes } = runner({ jobs });
    await using _ = crew;
    const names = Array.from({ length: 20 }, (_unused, at) => `job ${at}`);
    const results = await Promise.all(names.map((name) => crew.run({ name, bytes: 1000 })));
    expect(results).toEqual(names.map((name) => `done: ${name}`));
    expect(bytes.reduce((sum, more) => sum + more, 0)).toBe(20_000);
  });

  it('refuse with the error of the table, as it was thrown', async () => {
    const { runner: crew } = runner({ jobs });
    await using _ = crew;
    const refused = await Promise.allSettled([1, 2, 3].map(() => crew.run({ name: 'refuse' })));
    for (const outcome of refused) {
      const reason: unknown = outcome.status === 'rejected' ? outcome.reason : null;
      expect(reason).toBeInstanceOf(LastgoodError);
      expect(reason).toMatchObject({ code: 'FILE_UNREADABLE', message: 'cannot read it', details: { path: '/x' } });
    }
  });

  it('end at once when told to, and take nothing more', async () => {
    const controller = new AbortController();
    const { runner: crew } = runner({ jobs, signal: controller.signal });
    await using _ = crew;
    const waiting = [crew.run({ name: 'wait' }), crew.run({ name: 'wait' }), crew.run({ name: 'wait' })];
    controller.abort();
    for (const one of waiting) await expect(one).rejects.toMatchObject({ code: 'INTERRUPTED' });
    await expect(crew.run({ name: 'late' })).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('a thread that dies', () => {
  it.each(['exit', 'bug'] as const)('ends the work with its reason: %s', async (name) => {
    const { runner: crew } = runner({ jobs: 2 });
    await using _ = crew;
    const here = crew.run({ name: 'wait' }).catch(() => undefined);
    const there = crew.run({ name });
    const message = name === 'exit' ? 'a thread ended in the middle of its work, with code 7' : 'not of the table';
    await expect(there).rejects.toThrow(message);
    if (name === 'exit') await expect(crew.run({ name: 'another' })).rejects.toThrow(message);
    await crew[Symbol.asyncDispose]();
    await here;
  });
});
