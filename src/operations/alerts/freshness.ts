import type { LogPlace } from '../../archive/alert-record.ts';
import type { Lineage } from '../../archive/lineage.ts';
import { compareCoordinates, type Coordinates } from '../../binlog/coordinates.ts';

/** What happened longer ago is old news, unless it is new to the archive. */
export const RECENT_MS = 3_600_000;

/**
 * Tells news from history. An archiver that meets an old log, or one that it has not seen for long, finds incidents that nobody
 * has to be woken for; but all that its source wrote since the archive last had everything is news, however long that took.
 */
export class Freshness {
  /** Since there everything is news, in this lineage; null: the archive never had all that the source had. */
  #from: LogPlace | null;
  #target: Coordinates | null = null;

  /** @param from where the archive stood when it last had everything */
  constructor(from: LogPlace | null) {
    this.#from = from;
  }

  /** True until the archive has what its source had when it was connected, unless it had all of it before. */
  get isCatchingUp(): boolean {
    return this.#from === null;
  }

  /** A connection begins. @param target where the source's log ends now */
  streaming(lineage: Lineage, target: Coordinates): void {
    this.#target = target;
    if (this.#from === null || this.#from.lineage === lineage.id) return;
    const { handOver } = lineage;
    const follows = handOver !== null && lineage.parent === this.#from.lineage;
    this.#from = follows ? { lineage: lineage.id, ...handOver.child } : null;
  }

  /** The archive reaches up to here now. */
  reached(end: LogPlace): void {
    if (this.#from === null && this.#target !== null && compareCoordinates(end, this.#target) >= 0) this.#from = end;
  }

  /** @param time when it happened, by the source's clock, RFC 3339 */
  isNews(place: LogPlace, { time, now }: { time: string; now: Date }): boolean {
    const from = this.#from;
    if (from !== null && from.lineage === place.lineage && compareCoordinates(place, from) >= 0) return true;
    return now.getTime() - Date.parse(time) < RECENT_MS;
  }
}
