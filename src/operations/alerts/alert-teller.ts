import type { AlertRecord, LogPlace } from '../../archive/alert-record.ts';
import type { Incident } from '../../incident/incident.ts';
import type { Logger } from '../../platform/logger.ts';
import { RecentKeys } from '../../platform/recent-keys.ts';
import type { AlertChannel } from './alert-channel.ts';
import { AlertLine } from './alert-line.ts';
import { alertKey } from './alert-message.ts';
import type { LogOrder } from './log-order.ts';
import { PromisedFacts } from './recovery-facts.ts';

/** What grows, and what is looked at again behind a failure, is met more than once. */
const KEPT_KEYS = 1000;

interface TellerParts {
  readonly channels: readonly AlertChannel[];
  readonly record: AlertRecord;
  readonly order: LogOrder;
  readonly log: Logger;
}

/** Where the log says so, and whether somebody is to be woken for it. */
interface Telling {
  readonly place: LogPlace;
  readonly isNews: boolean;
}

/** All channels: each is told what it was not told before. */
export class AlertTeller {
  readonly #parts: TellerParts;
  readonly #lines: readonly AlertLine[];
  readonly #queued = new RecentKeys(KEPT_KEYS);

  constructor(parts: TellerParts) {
    this.#parts = parts;
    this.#lines = parts.channels.map((channel) => new AlertLine(channel, parts));
  }

  /** How many incidents wait, on the channel that is furthest behind. */
  get waiting(): number {
    return Math.max(...this.#lines.map((line) => line.waiting));
  }

  /** While held nothing is told together: more of the same is on its way. */
  hold(held: boolean): void {
    for (const line of this.#lines) line.hold(held);
  }

  /** Tells what still waits, for at most `ms` milliseconds. */
  async finish(ms: number): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.finish(ms)));
  }

  /** Of something that took effect or may. */
  tell(incident: Incident, { place, isNews }: Telling): void {
    const key = alertKey(incident);
    const isQueued = this.#queued.has(key);
    const untold = isQueued ? [] : this.#lines.filter(({ channel }) => !this.#isTold(channel, key, place));
    if (untold.length > 0) this.#add(untold, { incident, place, isNews });
    this.#queued.add(key);
  }

  /** Of something that was pending, and is decided now; what waits alone on a channel is taken back. */
  settle(incident: Incident, { isAlerting, ...telling }: Telling & { isAlerting: boolean }): void {
    // Whoever was not told of it while it was pending need not hear that it came to nothing.
    const untold = this.#lines.filter((line) => line.withdraw(incident.id));
    if (isAlerting) this.tell(incident, telling);
    else this.#tellWithdrawn(incident, { place: telling.place, untold });
  }

  #tellWithdrawn(incident: Incident, { place, untold }: { place: LogPlace; untold: readonly AlertLine[] }): void {
    const recovery = new PromisedFacts();
    const key = alertKey(incident);
    for (const line of this.#lines) {
      const { name, isForPeople } = line.channel;
      if (isForPeople && !untold.includes(line) && !this.#parts.record.isTold(name, key))
        line.add({ kind: 'single', incident, place, recovery });
    }
  }

  #add(untold: readonly AlertLine[], { incident, place, isNews }: Telling & { incident: Incident }): void {
    const { id, kind, state, objects } = incident;
    const recovery = new PromisedFacts();
    if (isNews) this.#parts.log.warn({ incident: id, kind, state, objects: objects.length }, 'incident');
    for (const line of this.#lines) {
      const { isForPeople } = line.channel;
      // Whoever is told now wants to know what the pins say, also when they were made before a restart.
      if (isForPeople && !untold.includes(line)) continue;
      if (isNews) line.add({ kind: 'single', incident, place, recovery });
      else if (isForPeople) line.addOld({ incident, place });
    }
  }

  #isTold({ name }: AlertChannel, key: string, place: LogPlace): boolean {
    const { record, order } = this.#parts;
    if (record.isTold(name, key)) return true;
    const through = record.toldThrough(name);
    return through !== null && order.compare(place, through) <= 0;
  }
}
