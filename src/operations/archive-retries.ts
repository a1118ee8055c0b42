import { Backoff } from '../platform/backoff.ts';
import { isDiskFull } from '../platform/disk-full.ts';
import { isLastgoodError, type LastgoodError } from '../platform/errors.ts';
import { pause } from '../platform/wait.ts';
import type { ArchiveOptions } from './archive.ts';
import type { DurableEnd } from './archive-session.ts';
import { WaitNote } from './archiver-wait.ts';
import { isBrokenOff, withWayOn } from './broken-off.ts';
import type { HistoryChanges } from './history-changes.ts';
import type { SourcePlace } from './thrown-out.ts';

const BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** Looking whether a full disk has room again. */
const NO_ROOM_BACKOFF = { firstMs: 1000, maxMs: 60_000 };
/** The error's own hint is for a command that has ended. */
const ROOM_HINT =
  'Free space there: this archiver then goes on by itself, within a minute; start no second one. What was archived before is intact.';
/** Attempts that bring nothing new before a damaged stream counts as a damaged source. */
const MAX_FRUITLESS = 3;

/** What an attempt came to before it failed. */
interface Attempt {
  /** It archived something. */
  readonly isFruitful: boolean;
  /** The source has sent nothing of its log in this run. */
  readonly isFirst: boolean;
  /** Where the archive ends; null before that was read. */
  readonly end: DurableEnd | null;
}

/** How long an archiver waits when a connection has failed, and whether trying again is worth it at all. */
export class ArchiveRetries {
  readonly #options: Pick<ArchiveOptions, 'untilCurrent' | 'signal' | 'log'>;
  readonly #place: SourcePlace;
  readonly #changes: HistoryChanges;
  readonly #note: WaitNote;
  readonly #backoff = new Backoff(BACKOFF);
  readonly #noRoomBackoff = new Backoff(NO_ROOM_BACKOFF);
  #fruitless = 0;

  constructor(
    options: Pick<ArchiveOptions, 'untilCurrent' | 'signal' | 'log'>,
    { place, changes, recordPath }: { place: SourcePlace; changes: HistoryChanges; recordPath: string },
  ) {
    this.#options = options;
    this.#place = place;
    this.#changes = changes;
    this.#note = new WaitNote(recordPath, options.log);
  }

  /** The source sends: nothing is waited for any more. */
  async streaming(): Promise<void> {
    await this.#note.end();
  }

  /** Waits as long as the failure suggests, or until the run is interrupted. @throws the failure itself when trying again would not help */
  async waitAfter(error: unknown, attempt: Attempt): Promise<void> {
    const waitMs = await this.#pauseAfter(error, attempt);
    await pause(waitMs, this.#options.signal).catch(() => undefined); // interrupted: the caller's loop ends
  }

  /** @returns milliseconds */
  async #pauseAfter(error: unknown, attempt: Attempt): Promise<number> {
    const { untilCurrent } = this.#options;
    if (isDiskFull(error) && !untilCurrent) return await this.#withoutRoom(error, attempt);
    // Two that came back at once would throw each other out for ever.
    if (isLastgoodError(error, 'SERVER_ID_TAKEN') && !attempt.isFirst && !untilCurrent)
      return await this.#thrownOut(error, attempt);
    return this.#reconnecting(error, attempt);
  }

  async #thrownOut(error: LastgoodError, { isFruitful }: Attempt): Promise<number> {
    const waitMs = await this.#place.leave(error, this.#options.log);
    await this.#note.begin(error, { waitMs, isFruitful });
    return waitMs;
  }

  /** The source keeps its log meanwhile. An archiver that ended would only be started again to find the same. */
  async #withoutRoom({ code, message }: LastgoodError, { isFruitful }: Attempt): Promise<number> {
    if (isFruitful) this.#noRoomBackoff.reset();
    const waitMs = Math.round(this.#noRoomBackoff.next());
    const told = { error: message, hint: ROOM_HINT, waitMs };
    this.#options.log.error(told, 'no room in the repository: nothing is archived until there is');
    await this.#note.begin({ code, message, hint: ROOM_HINT }, { waitMs, isFruitful });
    return waitMs;
  }

  #reconnecting(error: unknown, attempt: Attempt): number {
    if (attempt.isFruitful) this.#fruitless = 0;
    // An outage, however long, says nothing of the source's log.
    else if (!isLastgoodError(error, 'SERVER_UNREACHABLE')) this.#fruitless += 1;
    if (!this.#isWorthRetrying(error, attempt)) throw withWayOn(error, attempt.end);
    if (attempt.isFruitful) this.#backoff.reset();
    const waitMs = Math.round(this.#backoff.next());
    const told = { error: error instanceof Error ? error.message : String(error), waitMs };
    this.#options.log.warn(told, 'reconnecting');
    return waitMs;
  }

  /** The network may come back; a first connection that fails, and everything on disk, needs a person. */
  #isWorthRetrying(error: unknown, { isFirst }: Attempt): boolean {
    if (isLastgoodError(error, 'LINEAGE_MISMATCH')) return this.#mayBeSame(error);
    if (isFirst) return false;
    if (isLastgoodError(error, 'SERVER_UNREACHABLE')) return true;
    if (this.#fruitless >= MAX_FRUITLESS) return false;
    // A log that was reset or purged under us: the next look at the source says which, and stops with it.
    return isLastgoodError(error, 'STREAM_DAMAGED') || isBrokenOff(error);
  }

  /** A replica may still catch up; a stream that contradicts the archive is looked at once more. */
  #mayBeSame(error: LastgoodError): boolean {
    if (error.details['waiting'] === true) return !this.#options.untilCurrent;
    return this.#changes.takeDoubt();
  }
}
