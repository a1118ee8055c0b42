import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { streamOut } from '../../../src/cli/stream-out.ts';

/** Counts how many pieces were asked for, and whether the source was let go. */
class Pieces {
  asked = 0;
  over = false;

  async *all(): AsyncGenerator<string> {
    try {
      for (;;) {
        this.asked += 1;
        yield await Promise.resolve('piece');
      }
    } finally {
      this.over = true;
    }
  }
}

describe('pieces for a stream', () => {
  it('end without an error when it takes no more', async () => {
    const pieces = new Pieces();
    const closed = new Writable({
      write: (_chunk, _encoding, done) => {
        done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
      },
    });
    closed.on('error', () => undefined);
    await streamOut(closed, pieces.all(), new AbortController().signal);
    expect(pieces).toMatchObject({ asked: 1, over: true });
  });

  it('end with an interruption while nobody takes them', async () => {
    const pieces = new Pieces();
    const stuck = new Writable({ write: () => undefined });
    const interruption = new AbortController();
    const streaming = streamOut(stuck, pieces.all(), interruption.signal);
    setImmediate(() => {
      interruption.abort();
    });
    await expect(streaming).rejects.toMatchObject({ code: 'INTERRUPTED' });
    expect(pieces).toMatchObject({ asked: 1, over: true });
  });
});
