import type { ArchiveEnd } from '../archive/archive-end.ts';
import type { ArchiveWriter } from '../archive/archive-writer.ts';
import type { SegmentEnd } from '../archive/manifest.ts';
import { compareCoordinates, FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import type { ServerConnection } from '../server/connection.ts';
import type { Logger } from '../platform/logger.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { startDump, type DumpStream } from '../server/dump-client.ts';
import type { ServerIdentity } from '../server/facts.ts';
import { peekBinlog } from '../server/peek-binlog.ts';
import type { ArchiverName } from './archiver-name.ts';
import { isBrokenOff } from './broken-off.ts';
import { watchSemiSync } from './semi-sync-watch.ts';
import { isPlaceUnknown, lookOnce, watchSource, type LookOptions, type WatchTimes } from './source-watch.ts';

const HEARTBEAT_MS = 5000;
/** As patient as the stream is: there is no way on without the answer. */
const CONFIRM_MS = 60_000;

/** How far the archive is durable. */
export interface DurableEnd {
  readonly file: string;
  readonly indexedTo: number;
  readonly gtidEnd: string | null;
}

/** How far an archive reaches as it is found; null when nothing is archived. */
export function durableEnd({ open, sealed }: ArchiveEnd): DurableEnd | null {
  if (open !== null) return { file: open.file, indexedTo: open.wholeTo, gtidEnd: open.gtidEnd };
  return sealed === null ? null : sealed.manifest;
}

/**
 * Asks the source for the last bytes of a file that is left, of which nothing else shows that the next file follows it: a log that was
 * reset goes on there too. A file that has its end may have been purged since; of any other one the source must show that it has it.
 *
 * @throws LastgoodError `LINEAGE_MISMATCH`, `INTERRUPTED`, and what keeps the source from being asked
 */
export async function confirmEnd(
  writer: ArchiveWriter,
  { file, ended, ...options }: { file: string; ended: SegmentEnd } & LookOptions,
): Promise<void> {
  try {
    await lookOnce(writer, { ...options, limitMs: CONFIRM_MS });
  } catch (error) {
    if (ended === 'source-crashed' || !isPlaceUnknown(error) || (await hasFile(file, options))) throw error;
  }
  throwIfAborted(options.signal); // then nobody was asked
}

/** False for a file that the source no longer has. */
async function hasFile(file: string, { source, identity }: LookOptions): Promise<boolean> {
  try {
    await peekBinlog(source, { file, position: FIRST_EVENT_OFFSET }, identity);
    return true;
  } catch (error) {
    if (isBrokenOff(error)) return false;
    throw error;
  }
}

/**
 * One connection's stream into the archive: asks for the dump, hands its bytes to the writer, ends it when enough is durable.
 */
export class ArchiveSession {
  readonly #target: Coordinates | null;
  #stream: DumpStream | null = null;
  #reached: () => void = () => undefined;

  /** @param target everything up to there is enough; null: never enough */
  constructor(target: Coordinates | null) {
    this.#target = target;
  }

  advance({ file, indexedTo }: DurableEnd): void {
    if (this.#isEnough({ file, position: indexedTo })) this.#reached();
  }

  /** Lets the commits on a semi-synchronous source go on that waited for bytes before there. */
  acknowledge(upTo: Coordinates): void {
    this.#stream?.acknowledge(upTo);
  }

  throttle(high: boolean): void {
    if (high) this.#stream?.pause();
    else this.#stream?.resume();
  }

  /** Streams into the writer until the target is reached, the signal comes or something breaks. */
  async run(options: {
    connection: ServerConnection;
    writer: ArchiveWriter;
    start: Coordinates;
    /** Where the archive ends; the start may lie before it. */
    archived: DurableEnd | null;
    /** Who asks. */
    archiver: ArchiverName;
    /** Be a semi-synchronous replica. */
    semiSync: boolean;
    heartbeatMs?: number | undefined;
    /** Who the source is, and how often it is asked whether its log is still the archived one. */
    identity: ServerIdentity;
    watch?: WatchTimes | undefined;
    log: Logger;
    signal: AbortSignal;
  }): Promise<void> {
    const { connection, writer, start, archived, archiver, semiSync, identity, log, signal } = options;
    if (isAborted(signal)) return;
    if (archived !== null && this.#isEnough({ file: archived.file, position: archived.indexedTo })) {
      await lookOnce(writer, { source: connection.options, identity, signal });
      return;
    }
    const reached = new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    const sink = {
      rotate: writer.rotate.bind(writer),
      append: writer.append.bind(writer),
      awaited: writer.awaited.bind(writer),
      formatAgain: (): void => undefined, // compared before the dump was asked for
    };
    const { heartbeatMs = HEARTBEAT_MS } = options;
    const stream = await startDump(
      connection,
      { from: start, ...archiver, heartbeatMs, nonBlocking: false, semiSync },
      sink,
    );
    this.#stream = stream;
    const over = new AbortController();
    const watching = { log, signal: over.signal };
    const watched = [watchSource(writer, { source: connection.options, identity, times: options.watch, ...watching })];
    if (semiSync) watched.push(watchSemiSync(connection.options, watching));
    const stop = stream.stop.bind(stream);
    signal.addEventListener('abort', stop);
    if (isAborted(signal)) stop(); // it came while the dump was asked for
    try {
      await Promise.race([stream.finished, writer.failed, reached, ...watched]);
    } finally {
      over.abort();
      signal.removeEventListener('abort', stop);
      this.#stream = null;
      stream.stop();
      await Promise.allSettled(watched); // they read what the writer closes next
    }
  }

  #isEnough(at: Coordinates): boolean {
    return this.#target !== null && compareCoordinates(at, this.#target) >= 0;
  }
}

function isAborted(signal: AbortSignal): boolean {
  return signal.aborted;
}
