/**
 * Tells of incidents at the moment they are archived. Enters: what became durable. Leaves: alerts on every channel, and pins, each
 * once, also when the archiver is killed in between. Nothing in here ever holds up archiving, or ends it.
 */
import { AlertRecord, type LogPlace, type Stood } from '../../archive/alert-record.ts';
import type { Lineage } from '../../archive/lineage.ts';
import type { Repository } from '../../archive/repository.ts';
import type { SegmentUpdate } from '../../archive/segment-indexer.ts';
import { compareCoordinates, type Coordinates } from '../../binlog/coordinates.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import type { Incident } from '../../incident/incident.ts';
import { Backoff } from '../../platform/backoff.ts';
import type { Logger } from '../../platform/logger.ts';
import { OneIncidents } from '../one-incident.ts';
import { AlertJudge } from './alert-judge.ts';
import type { AlertSettings } from './alert-settings.ts';
import { AlertTeller } from './alert-teller.ts';
import { Freshness, RECENT_MS } from './freshness.ts';
import { LogOrder } from './log-order.ts';
import { messageChannels } from './message-channel.ts';
import { PinChannel } from './pin-channel.ts';

/** How long an archiver that is told to stop goes on telling what waits. */
const FINISH_MS = 5000;
/** Decided incidents after which the record says so, while nothing else makes it. */
const MANY_DECIDED = 100;
/** Between attempts to look where looking failed. */
const BACKOFF = { firstMs: 500, maxMs: 60_000 };

interface AlertParts {
  readonly repository: Repository;
  readonly catalog: Catalog;
  /** `primary.name`. */
  readonly primary: string;
  readonly settings: AlertSettings;
  /** Gives the commands in alerts what they need to run as they stand. */
  readonly runnable?: ((text: string) => string) | undefined;
  readonly log: Logger;
}

/** From there on, in this lineage, nothing was looked at, because looking failed. */
interface Missed {
  readonly lineage: Lineage;
  readonly from: Coordinates;
}

/** The alerts of one archiver, which holds its lock. */
export class IncidentAlerts implements AsyncDisposable {
  readonly #parts: AlertParts;
  readonly #record: AlertRecord;
  readonly #judge: AlertJudge;
  readonly #ones: OneIncidents;
  readonly #teller: AlertTeller;
  readonly #order: LogOrder;
  readonly #freshness: Freshness;
  /** Before there all is dealt with; null when that is not known. */
  #stood: Stood | null;
  /** Where the archive ends, as far as its incidents were looked at. */
  #reached: LogPlace | null = null;
  readonly #lookedAt = new Map<string, Coordinates>();
  /** Incidents that a later group decides about, by id, in the order of the log. */
  readonly #pending = new Map<string, LogPlace>();
  #isResumed = false;
  /** By lineage, in the order of the log. Nothing behind it is told, or counts as dealt with, before it was looked at. */
  readonly #missed = new Map<string, Missed>();
  /** True while something is to be looked at again: also what was there before the start. */
  #isBehind = true;
  readonly #backoff = new Backoff(BACKOFF);
  #retry: NodeJS.Timeout | null = null;
  #decided = 0;

  private constructor(parts: AlertParts, record: AlertRecord) {
    const { catalog, log } = parts;
    this.#parts = parts;
    this.#record = record;
    this.#judge = new AlertJudge(parts);
    this.#ones = new OneIncidents(catalog);
    this.#order = new LogOrder(() => catalog.lineages());
    this.#stood = record.stood;
    this.#freshness = new Freshness(this.#stood?.current === true ? this.#stood : null);
    const channels = [new PinChannel(parts), ...messageChannels(parts)];
    this.#teller = new AlertTeller({ channels, record, order: this.#order, log });
  }

  /** Begins with what was archived and not told before. Whatever fails in it is no reason not to archive. */
  static async open(parts: AlertParts): Promise<IncidentAlerts> {
    const alerts = new IncidentAlerts(parts, await openRecord(parts));
    alerts.#attempt(() => undefined);
    return alerts;
  }

  /** A connection begins. @param target where the source's log ends now */
  streaming(lineage: Lineage, { start, target }: { start: Coordinates; target: Coordinates }): void {
    this.#freshness.streaming(lineage, target);
    this.#teller.hold(this.#freshness.isCatchingUp);
    if (this.#stood === null && !this.#isBehind && this.#teller.waiting === 0)
      void this.#stand({ lineage: lineage.id, ...start }, false);
  }

  /** Looks at what became durable. The catalog has it already. */
  take(lineage: Lineage, update: SegmentUpdate): void {
    const done = this.#attempt(() => {
      this.#take(lineage, update);
    });
    if (!done) this.#miss(lineage, update);
  }

  /** What became durable, and the catalog could not take: it is looked at before the next, which comes when the catalog has caught up. */
  missed(lineage: Lineage, update: SegmentUpdate): void {
    this.#isBehind = true;
    this.#miss(lineage, update);
  }

  #take(lineage: Lineage, update: SegmentUpdate): void {
    const { file, indexedTo } = update.digest;
    if (update.incidents.length > 0) this.#lookAtListed(lineage, { from: firstOf(update) });
    if (update.settlements.length > 0) this.#lookAtPending();
    this.#lookedAtUpTo(lineage, { file, position: indexedTo });
    this.#reached = { lineage: lineage.id, file, position: indexedTo };
    this.#freshness.reached(this.#reached);
    if (!this.#freshness.isCatchingUp) this.#teller.hold(false);
    const isNewlyCurrent = !this.#freshness.isCatchingUp && this.#stood?.current !== true;
    if (update.state === 'sealed' || isNewlyCurrent || this.#decided >= MANY_DECIDED) void this.#standIfDone();
  }

  /** Looks again where looking failed, and then does `work`. @returns whether that went well; if not, it is tried again soon */
  #attempt(work: () => void): boolean {
    try {
      if (this.#isBehind) this.#lookAgain();
      work();
      return true;
    } catch (error) {
      // Whatever it is: the archive matters more.
      this.#isBehind = true;
      if (this.#retry === null) this.#retryLater(error);
      return false;
    }
  }

  #retryLater(error: unknown): void {
    const waitMs = Math.round(this.#backoff.next());
    this.#parts.log.error(
      { err: error, waitMs },
      'incidents could not be looked at, trying again: nobody is told of them yet',
    );
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#attempt(() => undefined);
    }, waitMs);
    this.#retry.unref();
  }

  #lookAgain(): void {
    if (!this.#isResumed) this.#resume();
    for (const [id, { lineage, from }] of this.#missed) {
      this.#lookAtListed(lineage, { from });
      this.#missed.delete(id);
    }
    this.#lookAtPending();
    this.#isBehind = false;
    this.#backoff.reset();
  }

  #miss(lineage: Lineage, update: SegmentUpdate): void {
    const from = firstOf(update);
    const known = this.#missed.get(lineage.id);
    if (known === undefined || compareCoordinates(from, known.from) < 0)
      this.#missed.set(lineage.id, { lineage, from });
  }

  /** Tells what still waits, for a short while, and closes the record. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isBehind) this.#attempt(() => undefined);
    clearTimeout(this.#retry ?? undefined);
    await this.#teller.finish(FINISH_MS);
    const { waiting } = this.#teller;
    if (waiting > 0) this.#parts.log.warn({ waiting }, 'alerts that were not delivered are sent after the next start');
    await this.#standIfDone();
    await this.#closeRecord();
  }

  /** What a crash left untold, and what still waits for its end. */
  #resume(): void {
    const lineages = this.#parts.catalog.lineages();
    // Of a lineage that is there no more it says nothing of the others.
    if (!lineages.some(({ id }) => id === this.#stood?.lineage)) this.#stood = null;
    const stood = this.#stood;
    const ours = lineages.filter(({ name }) => name === this.#parts.primary);
    const first = ours.findIndex(({ id }) => id === stood?.lineage);
    for (const [index, lineage] of ours.entries()) {
      // From its file's start: what began before may have grown behind it.
      const from = index === first && stood !== null ? { file: stood.file, position: 0 } : undefined;
      const since = stood === null ? (Date.now() - RECENT_MS) / 1000 : undefined;
      if (index >= first) this.#lookAtListed(lineage, { from, since });
    }
    this.#isResumed = true;
  }

  /** What the catalog lists: not what only ends something that an earlier group began. */
  #lookAtListed(lineage: Lineage, which: { from?: Coordinates | undefined; since?: number | undefined }): void {
    const listed = this.#parts.catalog.incidents({ lineage: lineage.id, all: true, ...which }).reverse();
    for (const incident of listed) this.#look(lineage, incident);
    for (const incident of listed) {
      const { file, position } = placeOf(incident);
      this.#lookedAtUpTo(lineage, { file, position: position + 1 });
    }
  }

  #look(lineage: Lineage, incident: Incident): void {
    if (isEcho(lineage, incident)) return;
    const found = { lineage: lineage.id, ...placeOf(incident) };
    if (this.#isLookedAt(found)) return;
    const { incident: one, saidBy } = this.#ones.of(incident);
    // Of a log that is archived anew: dealt with is what the first copy's alerts dealt with.
    const place = { ...found, lineage: this.#toldUnder(saidBy, lineage.id) };
    if (this.#isDealtWith(place)) return;
    if (this.#judge.isAlerting(one)) this.#teller.tell(one, { place, isNews: this.#isNews(one, found) });
    if (one.state === 'pending') this.#pending.set(one.id, found);
    this.#decided += 1;
  }

  /** What an archiver of another name has told is not told by us, and perhaps it tells nobody. */
  #toldUnder(saidBy: string | null, own: string): string {
    if (saidBy === null || saidBy === own) return own;
    const { catalog, primary } = this.#parts;
    return catalog.lineages().find(({ id }) => id === saidBy)?.name === primary ? saidBy : own;
  }

  /** At the start, and after a connection was cut, the open segment is read anew. */
  #isLookedAt({ lineage, ...place }: LogPlace): boolean {
    const to = this.#lookedAt.get(lineage);
    return to !== undefined && compareCoordinates(place, to) < 0;
  }

  #lookedAtUpTo({ id }: Lineage, end: Coordinates): void {
    const known = this.#lookedAt.get(id);
    if (known === undefined || compareCoordinates(end, known) > 0) this.#lookedAt.set(id, end);
  }

  #isDealtWith(place: LogPlace): boolean {
    return this.#stood !== null && this.#order.compare(place, this.#stood) < 0;
  }

  #isNews({ settledBy, time }: Incident, place: LogPlace): boolean {
    return this.#freshness.isNews(place, { time: settledBy?.time ?? time, now: new Date() });
  }

  #lookAtPending(): void {
    for (const [id, { lineage }] of this.#pending) {
      const found = this.#parts.catalog.incident(id);
      const one = found === null ? null : this.#ones.of(found);
      if (one?.incident.state === 'pending') continue;
      if (one !== null) this.#settled(one.incident, this.#toldUnder(one.saidBy, lineage));
      this.#pending.delete(id);
    }
  }

  #settled(incident: Incident, lineage: string): void {
    const { settledBy } = incident;
    if (settledBy === null || !this.#judge.isWanted(incident)) return;
    const place = { lineage, file: settledBy.file, position: settledBy.start };
    const isAlerting = this.#judge.isAlerting(incident);
    this.#teller.settle(incident, { place, isNews: this.#isNews(incident, place), isAlerting });
  }

  /** Nothing is left to tell: so far all is dealt with. */
  async #standIfDone(): Promise<void> {
    // Behind an incident that is not decided yet something may still be told of it.
    const [place = this.#reached] = this.#pending.values();
    const current = !this.#freshness.isCatchingUp;
    const saysMore = this.#decided > 0 || (current && this.#stood?.current !== true);
    if (place === null || !saysMore || this.#isBehind || this.#teller.waiting > 0) return;
    this.#decided = 0;
    await this.#stand(place, current);
  }

  async #stand(place: LogPlace, current: boolean): Promise<void> {
    const { lineage, file, position } = place;
    this.#stood = { kind: 'stood', lineage, file, position, current, at: new Date().toISOString() };
    try {
      await this.#record.add(this.#stood);
    } catch (error) {
      this.#parts.log.error({ error: wordsOf(error) }, 'the record of alerts cannot be written');
    }
  }

  async #closeRecord(): Promise<void> {
    try {
      await this.#record[Symbol.asyncDispose]();
    } catch (error) {
      this.#parts.log.error({ error: wordsOf(error) }, 'the record of alerts could not be closed');
    }
  }
}

async function openRecord({ repository, primary, log }: AlertParts): Promise<AlertRecord> {
  try {
    return await AlertRecord.open(repository.alertRecordPath(primary));
  } catch (error) {
    log.error({ error: wordsOf(error) }, 'no record of alerts can be kept: after a restart some may come twice');
    return AlertRecord.unkept();
  }
}

/** Its last byte: a run of deletes goes on growing behind its first group. */
function placeOf({ file, end, lastEnd = end }: Incident): Coordinates {
  return { file, position: lastEnd - 1 };
}

/** Where the first incident of an update begins; its end when it has none. */
function firstOf({ digest: { file, indexedTo }, incidents }: SegmentUpdate): Coordinates {
  return { file, position: incidents.reduce((least, { start }) => Math.min(least, start), indexedTo) };
}

/** Before a hand-over both servers' logs have the same: the old one's has told it. */
function isEcho({ handOver }: Lineage, { file, start }: Incident): boolean {
  return handOver !== null && compareCoordinates({ file, position: start }, handOver.child) < 0;
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
