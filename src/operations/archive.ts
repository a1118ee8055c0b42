/**
 * The archiver: streams the primary's binary log into the repository until it is told to stop. One file per user
 * intention; the order of the steps and nothing else.
 */
import { readArchiveEnd, sealCrashed, type ArchiveEnd } from '../archive/archive-end.ts';
import { ArchiveWriter } from '../archive/archive-writer.ts';
import type { Lineage } from '../archive/lineage.ts';
import { openRepository, type Repository } from '../archive/repository.ts';
import { compareCoordinates, compareFiles, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { openCatalog, type Catalog } from '../catalog/catalog.ts';
import { catchUp } from '../catalog/rebuild.ts';
import { Backoff } from '../platform/backoff.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { acquireLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { pause } from '../platform/wait.ts';
import { listBinaryLogs, readBinlogEnd, type BinaryLog } from '../server/binary-logs.ts';
import { connect, type ServerConnection } from '../server/connection.ts';
import { startDump, type DumpStream } from '../server/dump-client.ts';
import { checkSource } from './archive-preflight.ts';
import { continuesAfterCrash, findStart, openLineage } from './archive-start.ts';
import type { ArchiveSettings, PrimarySettings } from './settings.ts';

export interface ArchiveOptions {
  readonly repositoryPath: string;
  readonly primary: PrimarySettings;
  readonly archive: ArchiveSettings;
  /** Stop as soon as everything is archived that the source had when it was connected. */
  readonly untilCurrent: boolean;
  readonly log: Logger;
  /** A clean stop: the archive ends at a whole group. */
  readonly signal: AbortSignal;
  /** After each durable step: bytes received in this run, bytes the source had more than the archive at its start. */
  readonly progress?: (doneBytes: number, totalBytes: number) => void;
}

export interface ArchiveResult {
  readonly lineage: string;
  /** Where the archive ends now. */
  readonly file: string;
  readonly position: number;
  readonly gtid: string | null;
  /** In this run. */
  readonly bytes: number;
  readonly segmentsSealed: number;
  readonly reconnects: number;
}

const HEARTBEAT_MS = 5000;
const BACKOFF = { firstMs: 200, maxMs: 30_000 };
/** Attempts that bring nothing new before a damaged stream counts as a damaged source. */
const MAX_FRUITLESS = 3;

/**
 * Archives until `signal`, or until current. Cut connections are made anew with growing pauses, from where the
 * archive ends; nothing is archived twice.
 *
 * @throws LastgoodError `LOCKED`, `SERVER_UNREACHABLE` and `ACCESS_DENIED` before the first connection,
 * `PREFLIGHT_FAILED`, `LINEAGE_MISMATCH`, `ARCHIVE_GAP`, `ARCHIVE_DAMAGED`, `STREAM_DAMAGED`, `STORAGE_FAILED`
 */
export async function archive(options: ArchiveOptions): Promise<ArchiveResult> {
  const repository = await openRepository(options.repositoryPath, { create: true });
  const lock = await acquireLock(repository.archiverLockPath(options.primary.name), 'archive');
  try {
    using catalog = await openCurrentCatalog(repository, options);
    const run = new ArchiveRun(options, repository, catalog);
    await run.untilDone();
    return run.result;
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}

/** How far the archive is durable. */
interface DurableEnd {
  readonly file: string;
  readonly indexedTo: number;
  readonly gtidEnd: string | null;
}

/** The catalog with every sealed segment in it: a crash may have come between a manifest and its row. */
async function openCurrentCatalog(repository: Repository, { log, signal }: ArchiveOptions): Promise<Catalog> {
  const catalog = openCatalog(repository.catalogPath, (reason) => {
    log.warn({ path: repository.catalogPath, reason }, 'catalog damaged, making it anew');
  });
  try {
    // The open segment is indexed by its writer.
    await catchUp(repository, catalog, { log, signal, openSegments: 'leave' });
    return catalog;
  } catch (error) {
    catalog[Symbol.dispose]();
    throw error;
  }
}

class ArchiveRun {
  readonly #options: ArchiveOptions;
  readonly #repository: Repository;
  readonly #catalog: Catalog;
  readonly #backoff = new Backoff(BACKOFF);
  #lineage = '';
  #end: DurableEnd | null = null;
  #bytes = 0;
  #totalBytes = 0;
  #sealed = 0;
  #connections = 0;
  #fruitless = 0;
  /** The file in whose middle the source said that it cannot read on. */
  #brokenOff: string | null = null;

  constructor(options: ArchiveOptions, repository: Repository, catalog: Catalog) {
    this.#options = options;
    this.#repository = repository;
    this.#catalog = catalog;
  }

  get result(): ArchiveResult {
    return {
      lineage: this.#lineage,
      file: this.#end?.file ?? '',
      position: this.#end?.indexedTo ?? 0,
      gtid: this.#end?.gtidEnd ?? null,
      bytes: this.#bytes,
      segmentsSealed: this.#sealed,
      reconnects: Math.max(0, this.#connections - 1),
    };
  }

  async untilDone(): Promise<void> {
    const { signal, log } = this.#options;
    while (!signal.aborted) {
      const before = this.#bytes;
      try {
        await this.#once();
        return;
      } catch (error) {
        this.#fruitless = this.#bytes > before ? 0 : this.#fruitless + 1;
        if (isBrokenOff(error)) this.#brokenOff = this.#end?.file ?? null;
        if (!this.#isWorthRetrying(error)) throw error;
        if (this.#fruitless === 0) this.#backoff.reset();
        const waitMs = Math.round(this.#backoff.next());
        log.warn({ error: error instanceof Error ? error.message : String(error), waitMs }, 'reconnecting');
        await pause(waitMs, signal).catch(() => undefined); // interrupted: the loop ends
      }
    }
  }

  /** The network may come back; a first connection that fails, and everything on disk, needs a person. */
  #isWorthRetrying(error: unknown): boolean {
    if (this.#connections === 0) return false;
    if (isLastgoodError(error, 'SERVER_UNREACHABLE')) return true;
    if (this.#fruitless >= MAX_FRUITLESS) return false;
    // A log that was reset or purged under us: the next look at the source says which, and stops with it.
    return isLastgoodError(error, 'STREAM_DAMAGED') || isBrokenOff(error);
  }

  /** One connection: from where the archive ends until the stream ends. */
  async #once(): Promise<void> {
    const { primary, signal, log } = this.#options;
    await using connection = await connect(primary);
    await checkSource(connection, primary);
    const logs = await listBinaryLogs(connection);
    const lineage = await openLineage(this.#repository, { connection, primary, logs });
    const session = new Session(this.#options.untilCurrent ? (await readBinlogEnd(connection)).coordinates : null);
    const end = await this.#readEnd(lineage, logs);
    this.#lineage = lineage.id;
    this.#end = durableEnd(end);
    const writer = new ArchiveWriter(
      {
        repository: this.#repository,
        lineage,
        sync: this.#options.archive.sync,
        onDurable: (update) => {
          this.#catalog.record(lineage, update);
          this.#advance(update.digest);
          session.advance(update.digest);
        },
        onPressure: (high) => {
          session.throttle(high);
        },
        onSealed: ({ file, bytes, groups, ended }) => {
          this.#sealed += 1;
          log.info({ file, bytes, groups, ended }, 'segment sealed');
        },
      },
      end,
    );
    try {
      const start = await findStart({ repository: this.#repository, lineage, end, connection, primary, logs });
      this.#totalBytes = this.#bytes + bytesFrom(start, logs);
      this.#connections += 1;
      log.info({ lineage: lineage.id, from: formatCoordinates(start) }, 'streaming');
      if (start.file === end.tail?.file && start.position === end.tail.from) writer.expect(end.tail);
      await session.run({ connection, writer, start, archived: this.#end, serverId: primary.serverId, signal });
    } finally {
      await writer.finish();
    }
  }

  /** Where the archive ends; past a file that the source itself cannot read to its end, once that is certain. */
  async #readEnd(lineage: Lineage, logs: readonly BinaryLog[]): Promise<ArchiveEnd> {
    const { primary, signal, log } = this.#options;
    const end = await readArchiveEnd(this.#repository, lineage, signal);
    if (end.missing.length > 0)
      log.error({ lineage: lineage.id, missing: end.missing }, 'segments are missing in the archive');
    const { open } = end;
    if (open === null || open.file !== this.#brokenOff) return end;
    if (!(await continuesAfterCrash(open, { primary, logs, lineage }))) return end;
    const sourceBytes = logs.find(({ file }) => file === open.file)?.bytes ?? open.size;
    const crashed = await sealCrashed(
      { ...end, open },
      { repository: this.#repository, lineage: lineage.id, sourceBytes },
    );
    this.#catalog.record(lineage, crashed.update);
    this.#sealed += 1;
    log.warn(
      { file: open.file, tornBytes: sourceBytes - open.wholeTo },
      'the source crashed while writing this file: its torn end is lost there too',
    );
    return crashed.end;
  }

  #advance(digest: DurableEnd): void {
    const from = this.#end?.file === digest.file ? this.#end.indexedTo : 0;
    this.#end = digest;
    this.#bytes += digest.indexedTo - from;
    this.#options.progress?.(this.#bytes, this.#totalBytes);
  }
}

/** The stream of one connection. */
class Session {
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
    serverId: number;
    signal: AbortSignal;
  }): Promise<void> {
    const { connection, writer, start, archived, serverId, signal } = options;
    if (signal.aborted || (archived !== null && this.#isEnough({ file: archived.file, position: archived.indexedTo })))
      return;
    const reached = new Promise<void>((resolve) => {
      this.#reached = resolve;
    });
    const sink = {
      rotate: writer.rotate.bind(writer),
      append: writer.append.bind(writer),
      formatAgain: (): void => undefined, // compared before the dump was asked for
    };
    const uuid = uuidOf(serverId);
    const stream = await startDump(
      connection,
      { from: start, serverId, heartbeatMs: HEARTBEAT_MS, nonBlocking: false, uuid },
      sink,
    );
    this.#stream = stream;
    const stop = stream.stop.bind(stream);
    signal.addEventListener('abort', stop);
    try {
      await Promise.race([stream.finished, writer.failed, reached]);
    } catch (error) {
      throw streamError(error, serverId);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#stream = null;
      stream.stop();
    }
  }

  #isEnough(at: Coordinates): boolean {
    return this.#target !== null && compareCoordinates(at, this.#target) >= 0;
  }
}

function durableEnd({ open, sealed }: ArchiveEnd): DurableEnd | null {
  if (open !== null) return { file: open.file, indexedTo: open.wholeTo, gtidEnd: open.gtidEnd };
  return sealed === null ? null : sealed.manifest;
}

function bytesFrom(start: Coordinates, logs: readonly BinaryLog[]): number {
  const later = logs.filter(({ file }) => compareFiles(file, start.file) >= 0);
  return later.reduce((sum, { bytes }) => sum + bytes, 0) - start.position;
}

/** ER_MASTER_FATAL_ERROR_READING_BINLOG: the source cannot go on reading its own log. */
function isBrokenOff(error: unknown): boolean {
  return isLastgoodError(error, 'SERVER_QUERY_FAILED') && error.details['errno'] === 1236;
}

/** The archiver's own uuid on MySQL sources, the same at each start: its server id in a fixed frame. */
function uuidOf(serverId: number): string {
  return `1a57600d-0000-4000-8000-${serverId.toString(16).padStart(12, '0')}`;
}

/** Source: MariaDB 10.11 and MySQL 5.6 sql/rpl_master.cc: error 1236 tells the older of two clients with one id. */
function streamError(error: unknown, serverId: number): unknown {
  if (!isLastgoodError(error, 'SERVER_QUERY_FAILED') || !/same server_(?:id|uuid)/.test(error.message)) return error;
  return new LastgoodError(
    'PREFLIGHT_FAILED',
    `another replication client with server_id ${serverId} connected to the source`,
    {
      hint: 'Give this archiver a primary.server_id of its own: two clients with one id throw each other out.',
      cause: error,
    },
  );
}
