/** The packing thread: compresses and encrypts beside the archiver, which goes on receiving meanwhile. */
import { parentPort } from 'node:worker_threads';
import { isLastgoodError } from '../platform/errors.ts';
import type { PackAnswer, PackOrder } from './pack-messages.ts';
import { SegmentPack, type Packed } from './segment-pack.ts';

/** Works behind the growing file between orders, and answers when it is at its end. */
class PackServer {
  #pack: SegmentPack | null = null;
  #grown = 0;
  #stepping = false;
  /** Told of at the end: until then the archiver does not wait for us. */
  #failure: { readonly error: unknown } | null = null;

  take(order: PackOrder): PackAnswer | null {
    switch (order.order) {
      case 'begin':
        this.#drop();
        this.#failure = null;
        this.#grown = 0;
        this.#attempt(() => (this.#pack = new SegmentPack(order.job)));
        return null;
      case 'grow':
        this.#grown = order.to;
        this.#stepSoon();
        return null;
      case 'finish':
        return this.#finish(order.bytes);
      case 'discard':
        this.#drop();
        return { answer: 'discarded' };
    }
  }

  /** One block at a time: an order that comes meanwhile is not kept waiting. */
  #stepSoon(): void {
    if (this.#stepping || this.#failure !== null) return;
    this.#stepping = true;
    setImmediate(() => {
      this.#stepping = false;
      if (this.#attempt(() => this.#pack?.step(this.#grown)) === true) this.#stepSoon();
    });
  }

  #finish(bytes: number): PackAnswer {
    const packed: Packed | undefined = this.#attempt(() => this.#pack?.finish(bytes));
    if (this.#failure === null && packed !== undefined) {
      this.#pack = null;
      return { answer: 'packed', packed };
    }
    this.#drop();
    return failed(this.#failure?.error);
  }

  #drop(): void {
    const pack = this.#pack;
    this.#pack = null;
    this.#attempt(() => pack?.discard());
  }

  #attempt<T>(work: () => T): T | undefined {
    if (this.#failure !== null && this.#pack !== null) return undefined;
    try {
      return work();
    } catch (error) {
      this.#failure ??= { error };
      return undefined;
    }
  }
}

/** What is no failure of the table is a bug: it ends the thread, and the archiver with its stack. */
function failed(error: unknown): PackAnswer {
  if (!isLastgoodError(error)) throw error;
  const { code, message, details } = error;
  return { answer: 'failed', code, message, details };
}

const server = new PackServer();
parentPort?.on('message', (order: PackOrder) => {
  const answer = server.take(order);
  if (answer !== null) parentPort?.postMessage(answer);
});
