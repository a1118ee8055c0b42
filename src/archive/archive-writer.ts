/**
 * The archiver's write side. Enters: the bytes of a dump, file after file. Leaves: open and sealed segments on disk
 * and, once they are durable, what the catalog needs of them. Must not know servers or SQLite.
 */
import { fileNumber, FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import type { GtidState } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ArchivedTail } from './archived-tail.ts';
import { manifestHash, type ArchiveEnd, type SealedEnd } from './archive-end.ts';
import type { Lineage } from './lineage.ts';
import type { SegmentManifest } from './manifest.ts';
import type { Repository } from './repository.ts';
import { lastGoodOf, type SegmentUpdate } from './segment-indexer.ts';
import { SegmentWriter } from './segment-writer.ts';
import { StagedStream, type StagedFile } from './staged-stream.ts';

export interface ArchiveWriterOptions {
  readonly repository: Repository;
  readonly lineage: Lineage;
  /** 'group': fsync when a group has ended in what was received together; a number: so many milliseconds later at most. */
  readonly sync: 'group' | number;
  /** Bytes up to the digest's `indexedTo` are durable; comes once more when the segment is sealed. */
  onDurable(update: SegmentUpdate): void;
  /** true: take no more from the source for now; false: go on. */
  onPressure(high: boolean): void;
  onSealed(manifest: SegmentManifest): void;
}

/**
 * Writes a lineage's bytes in the order they come: append to the open segment, fsync, tell the catalog; at a file's
 * end seal it and begin the next. `rotate` and `append` only take in; the work runs behind them, one step at a time.
 */
export class ArchiveWriter {
  /** Rejects when the archive cannot go on; never resolves. */
  readonly failed: Promise<never>;
  readonly #options: ArchiveWriterOptions;
  readonly #staged: StagedStream;
  #sealed: SealedEnd | null;
  #segment: SegmentWriter | null;
  /** What the source still has to send again; null once it goes on. */
  #tail: ArchivedTail | null = null;
  #continuityChecked: boolean;
  #syncedTo: number;
  #lastSyncMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> | null = null;
  #due = false;
  #failure: { readonly error: unknown } | null = null;
  #fail: (error: unknown) => void = () => undefined;

  constructor(options: ArchiveWriterOptions, end: ArchiveEnd) {
    this.#options = options;
    this.#sealed = end.sealed;
    this.#segment = end.open;
    this.#continuityChecked = end.open !== null;
    this.#syncedTo = end.open?.wholeTo ?? 0;
    this.#staged = new StagedStream((high) => {
      options.onPressure(high);
    });
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined); // `finish` throws it too
    if (end.open !== null) this.#publish(end.open);
  }

  /** The source will send these bytes again before it sends new ones. */
  expect(tail: ArchivedTail): void {
    this.#tail = tail;
  }

  /** The source says which file's bytes follow, and from where. */
  rotate(file: string, position: number): void {
    const tail = this.#tail;
    if (tail !== null && file === tail.file && position === tail.from) {
      if (this.#segment === null) return; // the end of a sealed file comes again
      this.#staged.rotate(file, this.#segment.size);
    } else {
      tail?.complete();
      this.#tail = null;
      this.#staged.rotate(file, position);
    }
    this.#run();
  }

  /** Bytes of that file. The chunk may be used again when this returns. */
  append(chunk: Buffer, from: number, to: number): void {
    const start = this.#tail?.match(chunk, from, to) ?? from;
    if (start < to) this.#staged.append(chunk, start, to);
    this.#run();
  }

  /** Writes what was received and closes the open segment at a whole group. @throws what made the writer fail */
  async finish(): Promise<void> {
    await this.#work;
    clearTimeout(this.#timer);
    const segment = this.#segment;
    this.#segment = null;
    try {
      await segment?.close();
      if (segment !== null && this.#failure === null) this.#publish(segment);
    } finally {
      this.#throwFailure();
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }

  /** One work at a time; what arrives, or falls due, during it is taken up at its end. */
  #run(): void {
    this.#due = true;
    if (this.#work === null && this.#failure === null) this.#work = this.#drainWhileDue();
  }

  async #drainWhileDue(): Promise<void> {
    try {
      while (this.#due) {
        this.#due = false;
        await this.#drain();
      }
    } catch (error) {
      this.#failure = { error };
      this.#fail(error);
    } finally {
      this.#work = null;
    }
  }

  async #drain(): Promise<void> {
    // Let the socket deliver what it has: one write and one fsync then serve all of it.
    await new Promise(setImmediate);
    for (;;) {
      const step = this.#staged.next((buffer, filled) => this.#open().take(buffer, filled));
      if (step === null) break;
      if (step.kind === 'file') await this.#enter(step);
      else await this.#store(step.bytes);
    }
    await this.#syncIfDue();
  }

  #open(): SegmentWriter {
    if (this.#segment === null) throw new LastgoodError('STREAM_DAMAGED', 'the stream began without naming its file');
    return this.#segment;
  }

  async #store(bytes: Buffer): Promise<void> {
    const segment = this.#open();
    this.#checkContinuity(segment);
    await segment.write(bytes);
    this.#staged.release(bytes);
    await this.#syncIfDue();
  }

  async #syncIfDue(): Promise<void> {
    const segment = this.#segment;
    if (segment === null || segment.wholeTo <= this.#syncedTo) return;
    const { sync } = this.#options;
    const waitMs = sync === 'group' ? 0 : this.#lastSyncMs + sync - performance.now();
    if (waitMs > 0) {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        this.#run();
      }, waitMs);
      return;
    }
    const to = segment.wholeTo;
    await segment.sync();
    this.#syncedTo = to;
    this.#lastSyncMs = performance.now();
    this.#publish(segment);
  }

  #publish(segment: SegmentWriter): void {
    const update = segment.update();
    if (update !== null) this.#options.onDurable(update);
  }

  async #enter({ file, position }: StagedFile): Promise<void> {
    const open = this.#segment;
    if (open?.file === file && open.size === position) return;
    if (open?.file === file || position !== FIRST_EVENT_OFFSET) {
      throw new LastgoodError('STREAM_DAMAGED', `the source sends '${file}' from ${position}, which was not asked for`);
    }
    if (open !== null) await this.#seal(open);
    this.#checkOrder(file);
    const { repository, lineage } = this.#options;
    const folder = repository.lineageFolder(lineage.id);
    this.#segment = await SegmentWriter.create({ folder, lineage: lineage.id, file, last: this.#sealed?.last ?? null });
    this.#syncedTo = 0;
    this.#continuityChecked = false;
  }

  #checkOrder(file: string): void {
    const before = this.#sealed?.manifest.file;
    if (before !== undefined && fileNumber(file) !== fileNumber(before) + 1) {
      throw new LastgoodError('LINEAGE_MISMATCH', `the source went from '${before}' to '${file}'`);
    }
  }

  /** The new file must begin with exactly the GTIDs that the one before it ended with. */
  #checkContinuity(segment: SegmentWriter): void {
    if (this.#continuityChecked || segment.gtidStart === null) return;
    this.#continuityChecked = true;
    const before = this.#sealed?.manifest;
    if (before === undefined || before.gtidEnd === null) return;
    const { flavor } = this.#options.lineage;
    const expected = parseGtidState(flavor, before.gtidEnd);
    const found = parseGtidState(flavor, segment.gtidStart);
    if (continuesFrom(expected, found)) return;
    throw new LastgoodError(
      'LINEAGE_MISMATCH',
      `'${segment.file}' begins after GTIDs '${segment.gtidStart}', but '${before.file}' ended at '${before.gtidEnd}'`,
    );
  }

  async #seal(segment: SegmentWriter): Promise<void> {
    const { repository, lineage } = this.#options;
    const before = this.#sealed;
    const { manifest, update } = await segment.seal({ previousManifestSha256: before?.manifestSha256 ?? null });
    this.#segment = null;
    const manifestSha256 = await manifestHash(repository, lineage.id, segment.file);
    this.#sealed = { manifest, manifestSha256, last: lastGoodOf(manifest, before?.last ?? null) };
    this.#options.onDurable(update);
    this.#options.onSealed(manifest);
  }
}

/**
 * MySQL may have been given more by SET GLOBAL gtid_purged; it never has less. MariaDB may have been told to forget whole
 * domains (FLUSH BINARY LOGS DELETE_DOMAIN_ID); those it still has are where they were, and none is new.
 */
function continuesFrom(expected: GtidState, found: GtidState): boolean {
  if (found instanceof GtidSet && expected instanceof GtidSet) return found.includes(expected);
  if (!(found instanceof GtidPosition && expected instanceof GtidPosition)) return false;
  return found.gtids().every((gtid) => {
    const before = expected.last(gtid.domain);
    return before?.server === gtid.server && before.sequence === gtid.sequence;
  });
}
