import type { LogPlace } from '../../archive/alert-record.ts';
import type { Incident } from '../../incident/incident.ts';
import type { PromisedFacts } from './recovery-facts.ts';

/** One incident that a channel has to be told of. */
export interface Single {
  readonly kind: 'single';
  readonly incident: Incident;
  /** Where the log said so. */
  readonly place: LogPlace;
  readonly recovery: PromisedFacts;
}

/** Many incidents, in the order of the log, of which a channel is told in one. */
export interface Together {
  readonly kind: 'together';
  readonly count: number;
  readonly kinds: ReadonlyMap<string, number>;
  readonly first: Incident;
  readonly last: Incident;
  /** Of the first few. */
  readonly ids: readonly string[];
  readonly through: LogPlace;
}

/** What to do now. */
export type QueueStep =
  Single | Together | { readonly kind: 'wait'; readonly ms: number } | { readonly kind: 'nothing' };

/** Alerts in a minute, one by one; what comes beyond is told together. */
const PER_MINUTE = 20;
const MINUTE_MS = 60_000;
/** How long incidents gather before they are told together. */
const GATHER_MS = 10_000;
const SHOWN_IDS = 20;

/**
 * What a channel still has to be told, however much comes: single incidents, and one account of those that are too many or too
 * old to be told one by one. Takes little memory for any number. Pure: the caller brings the time, in milliseconds.
 */
export class AlertQueue {
  #singles: Single[] = [];
  #together: Together | null = null;
  #togetherSince = 0;
  #lastTogether = -Infinity;
  #allowance = PER_MINUTE;
  #allowanceAt = 0;
  #held = false;
  #hurried = false;
  /** Of what was added last. */
  #newest: LogPlace | null = null;
  #taken: Single | Together | null = null;

  /** How many incidents wait. */
  get waiting(): number {
    const taken = this.#taken?.kind === 'together' ? this.#taken.count : Number(this.#taken !== null);
    return this.#singles.length + (this.#together?.count ?? 0) + taken;
  }

  add(single: Single, now: number): void {
    if (this.#singles.length >= PER_MINUTE) {
      this.addOld(single, now);
      return;
    }
    this.#singles.push(single);
    this.#newest = single.place;
  }

  /** One that is told of together with others. */
  addOld(single: Pick<Single, 'incident' | 'place'>, now: number): void {
    if (this.#together === null) this.#togetherSince = now;
    this.#together = gather(this.#together, single);
    this.#newest = single.place;
  }

  /** Takes back what waits alone and was not begun to be told. @returns whether it did */
  withdraw(id: string): boolean {
    const before = this.#singles.length;
    this.#singles = this.#singles.filter(({ incident }) => incident.id !== id);
    return this.#singles.length < before;
  }

  /** While held nothing is told together: more of the same is on its way. */
  hold(held: boolean): void {
    this.#held = held;
  }

  /** From now on nothing gathers any longer: there is little time left. */
  hurry(): void {
    this.#hurried = true;
  }

  /** What to tell now; the same again until `done`. */
  next(now: number): QueueStep {
    this.#refill(now);
    this.#taken ??= this.#take(now);
    return this.#taken ?? this.#wait(now);
  }

  /** The channel was told what `next` gave. */
  done(now: number): void {
    if (this.#taken?.kind === 'together') this.#lastTogether = now;
    this.#taken = null;
  }

  #take(now: number): Single | Together | null {
    const [single] = this.#singles;
    if (single !== undefined && this.#allowance >= 1) {
      this.#allowance -= 1;
      this.#singles.shift();
      return single;
    }
    if (single !== undefined) this.#gatherSingles(now);
    const together = this.#together;
    if (together === null || this.#held || now < this.#dueAt()) return null;
    this.#together = null;
    return together;
  }

  /** What is told together is told after all that was added before its last: nothing before `through` is left out by a crash. */
  #gatherSingles(now: number): void {
    if (this.#together === null) this.#togetherSince = now;
    const all = this.#singles.reduce<Together | null>(gather, this.#together);
    this.#singles = [];
    if (all !== null) this.#together = { ...all, through: this.#newest ?? all.through };
  }

  #wait(now: number): QueueStep {
    if (this.#together === null || this.#held) return { kind: 'nothing' };
    return { kind: 'wait', ms: Math.max(1, this.#dueAt() - now) };
  }

  #dueAt(): number {
    if (this.#hurried) return -Infinity;
    return Math.max(this.#togetherSince + GATHER_MS, this.#lastTogether + MINUTE_MS);
  }

  #refill(now: number): void {
    const earned = ((now - this.#allowanceAt) / MINUTE_MS) * PER_MINUTE;
    this.#allowance = Math.min(PER_MINUTE, this.#allowance + earned);
    this.#allowanceAt = now;
  }
}

function gather(together: Together | null, { incident, place }: Pick<Single, 'incident' | 'place'>): Together {
  const one: Together = {
    kind: 'together',
    count: 1,
    kinds: new Map([[incident.kind, 1]]),
    first: incident,
    last: incident,
    ids: [incident.id],
    through: place,
  };
  return together === null ? one : join(together, one);
}

function join(a: Together, b: Together): Together {
  const kinds = new Map(a.kinds);
  for (const [kind, count] of b.kinds) kinds.set(kind, (kinds.get(kind) ?? 0) + count);
  const ids = [...a.ids, ...b.ids].slice(0, SHOWN_IDS);
  return { ...a, count: a.count + b.count, kinds, last: b.last, ids, through: b.through };
}
