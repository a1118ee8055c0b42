import type { AlertRecord } from '../../archive/alert-record.ts';
import { Backoff } from '../../platform/backoff.ts';
import type { Logger } from '../../platform/logger.ts';
import type { AlertChannel } from './alert-channel.ts';
import { alertKey } from './alert-message.ts';
import type { AlertQueue, Single, Together } from './alert-queue.ts';

const BACKOFF = { firstMs: 1000, maxMs: 300_000 };

interface SenderParts {
  readonly channel: AlertChannel;
  readonly queue: AlertQueue;
  readonly record: AlertRecord;
  readonly log: Logger;
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number };
}

/** Tells one channel what waits for it, one after the other, until it has arrived. Nobody ever waits for it. */
export class AlertSender {
  readonly #parts: SenderParts;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  #working: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;
  #isFailing = false;
  #finishing: (() => void) | null = null;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#backoff = new Backoff(parts.backoff ?? BACKOFF);
  }

  /** Something was added to the queue. While the channel fails, its next attempt takes it along. */
  wake(): void {
    if (this.#working !== null || this.#isFailing || this.#stop.signal.aborted) return;
    this.#go();
  }

  /** Tells what still waits, for at most `ms` milliseconds. What is left is told after the next start. */
  async finish(ms: number): Promise<void> {
    this.#parts.queue.hurry();
    let limit: NodeJS.Timeout | undefined;
    const done = new Promise<void>((resolve) => {
      this.#finishing = resolve;
      limit = setTimeout(resolve, ms);
    });
    if (this.#working === null) this.#go();
    await done;
    clearTimeout(limit);
    clearTimeout(this.#timer);
    this.#stop.abort();
    await this.#working;
  }

  #go(): void {
    clearTimeout(this.#timer);
    this.#working = this.#work();
  }

  async #work(): Promise<void> {
    const { queue } = this.#parts;
    let waitMs: number | null = null;
    await Promise.resolve(); // so that it never ends before it is known to be at work
    while (waitMs === null && !this.#stop.signal.aborted) {
      const step = queue.next(performance.now());
      if (step.kind === 'wait') waitMs = step.ms;
      else if (step.kind === 'nothing') waitMs = Infinity;
      else waitMs = await this.#tell(step);
    }
    this.#working = null;
    if (waitMs === Infinity) this.#finishing?.();
    else if (waitMs !== null && !this.#stop.signal.aborted) this.#goIn(waitMs);
  }

  #goIn(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#go();
    }, ms);
    this.#timer.unref(); // an archiver that has ended does not stay for it
  }

  /** @returns how long to wait before the next attempt, milliseconds; null when it has arrived */
  async #tell(what: Single | Together): Promise<number | null> {
    const { channel, queue, log } = this.#parts;
    try {
      await channel.tell(what, this.#stop.signal);
    } catch (error) {
      if (this.#stop.signal.aborted) return null;
      return await this.#failed(error);
    }
    await this.#note(what);
    queue.done(performance.now());
    this.#backoff.reset();
    if (this.#isFailing) log.info({ channel: channel.name }, 'alerts are delivered again');
    this.#isFailing = false;
    return null;
  }

  async #failed(error: unknown): Promise<number> {
    const { channel, queue, log } = this.#parts;
    const why = error instanceof Error ? error.message : String(error);
    const waitMs = Math.round(this.#backoff.next());
    const { waiting } = queue;
    const fields = { channel: channel.name, error: why, waiting, waitMs, hint: channel.hint };
    log.error(fields, 'an alert was not delivered, trying again');
    const at = new Date().toISOString();
    if (!this.#isFailing) await this.#add({ kind: 'failed', channel: channel.name, why, waiting, at });
    this.#isFailing = true;
    return waitMs;
  }

  async #note(what: Single | Together): Promise<void> {
    const { channel, log } = this.#parts;
    const at = new Date().toISOString();
    if (what.kind === 'together') {
      const { count: incidents, through } = what;
      await this.#add({ kind: 'told-together', channel: channel.name, incidents, through, at });
      log.info({ channel: channel.name, incidents }, 'alerted of several incidents');
      return;
    }
    const { id: incident } = what.incident;
    await this.#add({ kind: 'told', channel: channel.name, key: alertKey(what.incident), incident, at });
    log.info({ channel: channel.name, incident }, 'alerted');
  }

  /** Without its line it is told again after the next start: better than not at all. */
  async #add(line: Parameters<AlertRecord['add']>[0]): Promise<void> {
    try {
      await this.#parts.record.add(line);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#parts.log.error({ error: why }, 'the record of alerts cannot be written');
    }
  }
}
