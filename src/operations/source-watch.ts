/**
 * Asks a silent source for the last archived bytes again. After RESET MASTER a MariaDB source goes on to say that it is alive, and
 * sends nothing: its dump still has the deleted file open, and waits until the new one is longer.
 */
import type { ArchivedTail } from '../archive/archived-tail.ts';
import { formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { connect } from '../server/connection.ts';
import { startDump } from '../server/dump-client.ts';
import type { DumpSink } from '../server/dump-packets.ts';
import { checkIdentity, type ServerIdentity } from '../server/facts.ts';
import type { ServerOptions } from '../server/server-options.ts';

/** When a silent source is asked, milliseconds. */
export interface WatchTimes {
  /** After so long without anything new, and after a look that failed. */
  readonly quietMs: number;
  /** After a look that found the archived bytes, while nothing new has come. */
  readonly againMs: number;
}

const TIMES: WatchTimes = { quietMs: 10_000, againMs: 30_000 };
/** A look is a few small answers; what takes longer is tried again later. */
const LOOK_MS = 5000;
const HEARTBEAT_MS = 10_000;

/** Tells when the next look is due. A busy source is never asked. */
export class LookPace {
  readonly #times: WatchTimes;
  #place = '';
  #dueAt = 0;

  constructor(times: WatchTimes) {
    this.#times = times;
  }

  /** @param place how far the source has sent @returns milliseconds to wait before asking again; 0: look now */
  waitMs(place: string, now: number): number {
    if (place !== this.#place) this.#dueAt = now + this.#times.quietMs;
    this.#place = place;
    return Math.max(0, this.#dueAt - now);
  }

  /** A look has ended. */
  looked(isGood: boolean, now: number): void {
    this.#dueAt = now + (isGood ? this.#times.againMs : this.#times.quietMs);
  }
}

/** Whom to ask, and for how long at most; a few seconds when nothing is said of that. */
export interface LookOptions {
  readonly source: ServerOptions;
  readonly identity: ServerIdentity;
  readonly limitMs?: number;
  readonly signal: AbortSignal;
}

/** What the archive has of the source's log, as its writer knows. */
interface Archived {
  readonly received: Coordinates;
  proof(): ArchivedTail | null;
}

/**
 * Looks until `signal`. Only other bytes, or a place that the source does not have, end it: a source that cannot be asked is
 * asked again later.
 *
 * @throws LastgoodError `LINEAGE_MISMATCH`
 */
export async function watchSource(
  archived: Archived,
  options: {
    source: ServerOptions;
    identity: ServerIdentity;
    times?: WatchTimes | undefined;
    log: Logger;
    signal: AbortSignal;
  },
): Promise<void> {
  const { times = TIMES, log, signal } = options;
  const pace = new LookPace(times);
  const isOver = (): boolean => signal.aborted;
  while (!isOver()) {
    const place = formatCoordinates(archived.received);
    const waitMs = pace.waitMs(place, performance.now());
    if (waitMs > 0) {
      await pause(waitMs, signal).catch(() => undefined); // interrupted: the loop ends
      continue;
    }
    const failure = await look(archived.proof(), options);
    pace.looked(failure === null, performance.now());
    if (failure === null || isOver()) continue;
    // What came meanwhile follows the archived bytes, or the stream says so itself.
    if (isLastgoodError(failure, 'LINEAGE_MISMATCH') && formatCoordinates(archived.received) === place) throw failure;
    log.debug(
      { error: failure instanceof Error ? failure.message : '' },
      'cannot look whether the log of the source is still the archived one',
    );
  }
}

/**
 * Looks once, before it is said that nothing is new: a log that was reset within a second can have the archived one's length too.
 *
 * @throws LastgoodError `LINEAGE_MISMATCH`, and what keeps the source from being asked
 */
export async function lookOnce(archived: Archived, options: LookOptions): Promise<void> {
  const failure = await look(archived.proof(), options);
  if (failure instanceof Error && !options.signal.aborted) throw failure;
}

/** @returns what went wrong, or speaks against the source; null when it has the archived bytes */
async function look(proof: ArchivedTail | null, options: LookOptions): Promise<unknown> {
  if (proof === null) return null;
  const { limitMs = LOOK_MS } = options;
  const limits = new AbortController();
  const cut = (): void => {
    limits.abort();
  };
  const deadline = setTimeout(cut, limitMs);
  options.signal.addEventListener('abort', cut);
  try {
    await compare(proof, { ...options, limitMs, signal: limits.signal });
    return null;
  } catch (error) {
    return error;
  } finally {
    clearTimeout(deadline);
    options.signal.removeEventListener('abort', cut);
    await proof.close();
  }
}

/** As server id 0, which throws no other reader out. Lists no files: a source whose commits wait for the archive may not answer that. */
async function compare(
  proof: ArchivedTail,
  { source, identity, limitMs, signal }: Required<LookOptions>,
): Promise<void> {
  await using connection = await connect(source, { answerWithinMs: limitMs, signal });
  await checkIdentity(connection, identity);
  const from = { file: proof.file, position: proof.from };
  const sink = new ProofSink(from, proof.remaining);
  const stream = await startDump(connection, { from, serverId: 0, heartbeatMs: HEARTBEAT_MS, nonBlocking: true }, sink);
  sink.enough = () => {
    stream.stop();
  };
  await stream.finished.catch((error: unknown) => {
    throw hasNoPlace(error) ? unknownPlace(proof, error) : error;
  });
  await proof.match(Buffer.concat(sink.chunks));
  proof.complete();
}

/** Takes the bytes of one file from one place on, up to a number of them. */
export class ProofSink implements DumpSink {
  enough: () => void = () => undefined;
  readonly chunks: Buffer[] = [];
  readonly #from: Coordinates;
  #missing: number;
  #isThere = false;

  constructor(from: Coordinates, bytes: number) {
    this.#from = from;
    this.#missing = bytes;
  }

  rotate(file: string, position: number): void {
    this.#isThere = this.chunks.length === 0 && file === this.#from.file && position === this.#from.position;
  }

  formatAgain(): void {
    // the bytes are compared, whatever they mean
  }

  append(chunk: Buffer, from: number, to: number): void {
    if (!this.#isThere) return;
    const bytes = Math.min(to - from, this.#missing);
    this.chunks.push(Buffer.from(chunk.subarray(from, from + bytes)));
    this.#missing -= bytes;
    if (this.#missing === 0) this.enough();
  }
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: no such file, no such place in it, or none where an event begins. */
function hasNoPlace(error: unknown): error is LastgoodError {
  return isLastgoodError(error, 'SERVER_QUERY_FAILED') && error.details['errno'] === 1236;
}

/** True for a source that no longer has the file, or has no such place in it: nothing was compared. */
export function isPlaceUnknown(error: unknown): boolean {
  return isLastgoodError(error, 'LINEAGE_MISMATCH') && hasNoPlace(error.cause);
}

function unknownPlace({ file, from }: ArchivedTail, cause: LastgoodError): LastgoodError {
  const message = `the source's '${file}' is not the file that was archived: asked for its bytes from ${from} on, ${cause.message}`;
  return new LastgoodError('LINEAGE_MISMATCH', message, { cause, details: { file, position: from } });
}
