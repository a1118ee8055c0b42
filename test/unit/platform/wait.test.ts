import { describe, expect, it } from 'vitest';
import { Backoff } from '../../../src/platform/backoff.ts';
import { pause, unlessAborted, waitFor, within } from '../../../src/platform/wait.ts';

describe('waitFor', () => {
  it('returns what the probe first gives', async () => {
    const answers = [undefined, false, 'ready'] as const;
    let asked = 0;
    const found = await waitFor(() => answers[asked++], { timeoutMs: 1000, intervalMs: 1, what: 'an answer' });
    expect(found).toBe('ready');
    expect(asked).toBe(3);
  });

  it('names what it waited for when the time is over', async () => {
    await expect(waitFor(() => false, { timeoutMs: 5, intervalMs: 1, what: 'the tide' })).rejects.toMatchObject({
      code: 'TOOL_FAILED',
      message: 'waited 0.005 s in vain for the tide',
    });
  });

  it('probes once more after the last pause, so that a slow machine does not lose a result', async () => {
    let asked = 0;
    const found = await waitFor(() => ++asked === 2, { timeoutMs: 10, intervalMs: 30, what: 'the second look' });
    expect(found).toBe(true);
  });

  it('ends at once with what the probe throws', async () => {
    const failing = (): never => {
      throw new Error('broken');
    };
    await expect(waitFor(failing, { timeoutMs: 60_000, what: 'nothing' })).rejects.toThrow('broken');
  });

  it('is interrupted in the middle of a pause', async () => {
    const controller = new AbortController();
    const waiting = waitFor(() => false, {
      timeoutMs: 60_000,
      intervalMs: 60_000,
      what: 'x',
      signal: controller.signal,
    });
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('pause', () => {
  it('does not begin when the signal has come already', async () => {
    await expect(pause(60_000, AbortSignal.abort())).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('unlessAborted', () => {
  it('gives what the work comes to, and does not wait for it once the signal has come', async () => {
    const controller = new AbortController();
    expect(await unlessAborted(Promise.resolve(7), controller.signal)).toBe(7);
    await expect(unlessAborted(Promise.reject(new Error('failed')), controller.signal)).rejects.toThrow('failed');
    const waiting = unlessAborted(new Promise(() => undefined), controller.signal);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('within', () => {
  it('gives what the work comes to in time, or the other thing', async () => {
    expect(await within(60_000, Promise.resolve('done'), 'late')).toBe('done');
    expect(await within(1, new Promise<string>(() => undefined), 'late')).toBe('late');
    await expect(within(60_000, Promise.reject(new Error('failed')), null)).rejects.toThrow('failed');
  });
});

describe('Backoff', () => {
  it('doubles up to its maximum and starts again after success', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 350, random: () => 1 });
    expect([backoff.next(), backoff.next(), backoff.next(), backoff.next()]).toEqual([100, 200, 350, 350]);
    backoff.reset();
    expect(backoff.next()).toBe(100);
  });

  it('never waits less than half', () => {
    const backoff = new Backoff({ firstMs: 100, maxMs: 100, random: () => 0 });
    expect(backoff.next()).toBe(50);
  });
});
