import { tmpdir } from 'node:os';
import { expect, it, vi } from 'vitest';
import type { Logger } from '../../../src/platform/logger.ts';
import { watchDisk } from '../../../src/recovery/disk-watch.ts';

function watched(leastBytes: number): { warn: ReturnType<typeof vi.fn>; looked: Disposable } {
  const warn = vi.fn();
  const log = { warn } as unknown as Logger;
  return { warn, looked: watchDisk(tmpdir(), { log, leastBytes, everyMs: 5 }) };
}

it('tells again and again that a disk is full, and nothing of one with room', async () => {
  const [full, roomy] = [watched(Number.MAX_SAFE_INTEGER), watched(0)];
  using _full = full.looked;
  using _roomy = roomy.looked;

  await vi.waitFor(() => {
    expect(full.warn.mock.calls.length).toBeGreaterThan(2);
  });

  expect(full.warn).toHaveBeenLastCalledWith(
    { folder: tmpdir(), freeBytes: expect.any(Number) as number },
    'the disk is full: the server waits until there is room',
  );
  expect(roomy.warn).not.toHaveBeenCalled();
});
