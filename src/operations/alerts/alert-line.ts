import type { AlertRecord } from '../../archive/alert-record.ts';
import type { Logger } from '../../platform/logger.ts';
import type { AlertChannel } from './alert-channel.ts';
import { AlertQueue, type Single } from './alert-queue.ts';
import { AlertSender } from './alert-sender.ts';

/** A channel with what waits for it. */
export class AlertLine {
  readonly channel: AlertChannel;
  readonly #queue = new AlertQueue();
  readonly #sender: AlertSender;

  constructor(channel: AlertChannel, { record, log }: { record: AlertRecord; log: Logger }) {
    this.channel = channel;
    this.#sender = new AlertSender({ channel, queue: this.#queue, record, log });
  }

  /** How many incidents wait. */
  get waiting(): number {
    return this.#queue.waiting;
  }

  /** To be told by itself. */
  add(single: Single): void {
    this.#queue.add(single, performance.now());
    this.#sender.wake();
  }

  /** To be told together with others. */
  addOld(old: Pick<Single, 'incident' | 'place'>): void {
    this.#queue.addOld(old, performance.now());
    this.#sender.wake();
  }

  /** Takes back what waits by itself. @returns whether it did */
  withdraw(id: string): boolean {
    return this.#queue.withdraw(id);
  }

  /** While held nothing is told together: more of the same is on its way. */
  hold(held: boolean): void {
    this.#queue.hold(held);
    if (!held) this.#sender.wake();
  }

  /** Tells what still waits, for at most `ms` milliseconds. */
  async finish(ms: number): Promise<void> {
    await this.#sender.finish(ms);
  }
}
