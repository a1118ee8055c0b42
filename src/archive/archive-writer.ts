/**
 * The archiver's write side. Enters: the bytes of a dump, file after file. Leaves: open and sealed segments on disk
 * and, once they are durable, what the catalog needs of them. Must not know servers or SQLite.
 */
import { rm } from 'node:fs/promises';
import { FIRST_EVENT_OFFSET, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { ArchivedTail } from './archived-tail.ts';
import { manifestHash, type ArchiveEnd, type SealedEnd } from './archive-end.ts';
import type { ArchiveWriterOptions } from './archive-writer-options.ts';
import { AwaitedCommits } from './awaited-commits.ts';
import type { SegmentDamage } from './segment-damage.ts';
import { GATHERED_BYTES, Gathering } from './gathering.ts';
import { lastGoodOf, type SegmentUpdate } from './segment-indexer.ts';
import { awaitsContinuity, checkContinuity, checkOrder } from './segment-order.ts';
import { SegmentWriter } from './segment-writer.ts';
import { recordSourceIncidents } from './source-incidents.ts';
import { SyncTurns } from './sync-turns.ts';
import { StagedStream, type StagedFile } from './staged-stream.ts';
import { WorkLoop } from './work-loop.ts';

/**
 * Writes a lineage's bytes in the order they come: append to the open segment, fsync, tell the catalog; at a file's
 * end seal it and begin the next. `rotate` and `append` only take in; the work runs behind them, one step at a time.
 */
export class ArchiveWriter {
  readonly #options: ArchiveWriterOptions;
  readonly #staged: StagedStream;
  #sealed: SealedEnd | null;
  #segment: SegmentWriter | null;
  /** A file that a crash left without one whole event: the source sends it from its start again. */
  readonly #damage: SegmentDamage | null;
  /** What the source has to send again before anything new; null once an open segment goes on behind it. */
  #tail: ArchivedTail | null = null;
  #continuityChecked: boolean;
  #syncedTo: number;
  readonly #gathering = new Gathering();
  readonly #syncs: SyncTurns;
  readonly #work = new WorkLoop(() => this.#drain());
  #receivedFile = '';
  /** Offset in that file up to which the source has sent. */
  #receivedTo = 0;
  readonly #awaited = new AwaitedCommits();
  /** What the catalog is told when the sync under way is over. */
  #unpublished: SegmentUpdate | null = null;
  /** The sync under way has incidents of the source to record: its segment is not sealed before, as a sealed one is not read again. */
  #recordsIncidents = false;
  /** What the segment that was sealed last has left goes meanwhile. */
  #clearing: Promise<void> = Promise.resolve();

  constructor(options: ArchiveWriterOptions, end: ArchiveEnd) {
    this.#options = options;
    this.#sealed = end.sealed;
    this.#segment = end.open;
    this.#damage = end.open === null ? end.damage : null;
    this.#continuityChecked = !awaitsContinuity(end);
    this.#syncedTo = end.open?.wholeTo ?? 0;
    this.#staged = new StagedStream((high) => {
      options.onPressure(high);
    });
    this.#syncs = new SyncTurns({
      intervalMs: options.sync === 'group' ? 0 : options.sync,
      ended: () => {
        this.#work.run();
      },
      failed: (error) => {
        this.#work.failWith(error);
      },
    });
    if (end.open !== null) this.#goOn(end.open);
  }

  /** Rejects when the archive cannot go on; never resolves. */
  get failed(): Promise<never> {
    return this.#work.failed;
  }

  /** What it holds may have no rows yet. A failure comes out where the others do, so that `finish` closes the segment. */
  #goOn(open: SegmentWriter): void {
    try {
      this.#begin(open);
      this.#publish(open);
    } catch (error) {
      this.#work.failWith(error);
    }
  }

  /** The source will send these bytes again before it sends new ones. */
  expect(tail: ArchivedTail): void {
    this.#tail = tail;
  }

  /** The source says which file's bytes follow, and from where. */
  rotate(file: string, position: number): void {
    this.#receivedFile = file;
    this.#receivedTo = position;
    this.#staged.rotate(file, position);
    this.#work.run();
  }

  /** Bytes of that file. The chunk may be used again when this returns. */
  append(chunk: Buffer, from: number, to: number): void {
    this.#receivedTo += to - from;
    this.#staged.append(chunk, from, to);
    this.#work.run();
  }

  /** A commit on the source waits until everything up to here is durable: that is synced at once, and acknowledged. */
  awaited(): void {
    this.#awaited.add({ file: this.#receivedFile, position: this.#receivedTo });
    this.#work.run();
  }

  /** How far the source has sent. */
  get received(): Coordinates {
    return { file: this.#receivedFile, position: this.#receivedTo };
  }

  /** Bytes that tell the source's file from another of its name; null while nothing is open. */
  proof(): ArchivedTail | null {
    return this.#segment?.proof() ?? null;
  }

  /** Writes what was received and closes the open segment at a whole group. @throws what made the writer fail */
  async finish(): Promise<void> {
    while ((this.#work.underWay ?? this.#syncs.underWay) !== null) await (this.#work.underWay ?? this.#syncs.underWay);
    this.#syncs.stop();
    await this.#tail?.close();
    const segment = this.#segment;
    this.#segment = null;
    try {
      await segment?.close();
      if (segment !== null && !this.#work.hasFailed) this.#publish(segment);
      await this.#clearing;
    } finally {
      this.#work.throwFailure();
    }
  }

  async #drain(): Promise<void> {
    await this.#gathering.gather(() => this.#staged.waitingBytes);
    while (!this.#isGathering) {
      const step = this.#staged.next((buffer, filled) => this.#take(buffer, filled));
      if (step === null) break;
      if (step.kind === 'file') await this.#enter(step);
      else await this.#store(step.bytes);
      this.#work.throwFailure();
    }
    this.#syncIfDue();
  }

  /** During an fsync little is not worth a write: none of it can be durable before the next one. */
  get #isGathering(): boolean {
    return this.#syncs.underWay !== null && this.#staged.waitingBytes < GATHERED_BYTES;
  }

  #open(): SegmentWriter {
    if (this.#segment === null) throw new LastgoodError('STREAM_DAMAGED', 'the stream began without naming its file');
    return this.#segment;
  }

  /** @returns how many bytes can be stored */
  #take(buffer: Buffer, filled: number): number {
    const tail = this.#tail;
    if (tail === null) return this.#open().take(buffer, filled);
    if (tail.remaining === 0) throw tail.mismatch(); // the sealed file was complete, and goes on
    return Math.min(filled, tail.remaining);
  }

  async #store(bytes: Buffer): Promise<void> {
    if (this.#tail !== null) {
      await this.#compare(this.#tail, bytes);
      return;
    }
    const segment = this.#open();
    this.#checkContinuity(segment);
    await segment.write(bytes);
    this.#staged.release(bytes);
    this.#syncIfDue();
  }

  async #compare(tail: ArchivedTail, bytes: Buffer): Promise<void> {
    await tail.match(bytes);
    this.#staged.release(bytes);
    if (tail.remaining > 0) return;
    await tail.close();
    if (this.#segment !== null) this.#tail = null;
  }

  /** Called between writes only: all that was taken is written. */
  #syncIfDue(): void {
    const segment = this.#segment;
    if (this.#syncs.underWay !== null || this.#work.hasFailed) return; // its end asks again; a failed one is the last
    if (segment === null) {
      if (this.#sealed !== null) this.#acknowledge(this.#sealed.manifest.file, Infinity);
      return;
    }
    if (segment.wholeTo <= this.#syncedTo) {
      this.#acknowledge(segment.file, this.#syncedTo);
      return;
    }
    if (!this.#awaited.any && !this.#gathering.isWorthSync(segment.size - this.#syncedTo)) {
      this.#work.run(); // looks again whether more comes
      return;
    }
    this.#syncs.begin(() => this.#sync(segment), { urgent: this.#awaited.any });
  }

  /** Tells of what was written when it began, and of nothing that was written since. */
  async #sync(segment: SegmentWriter): Promise<void> {
    const to = segment.wholeTo;
    this.#unpublished = segment.update();
    const events = segment.takeSourceIncidents();
    this.#recordsIncidents = events.length > 0;
    await segment.sync();
    if (this.#segment !== segment) return; // sealed meanwhile, and durable as a whole
    this.#acknowledge(segment.file, to);
    await recordSourceIncidents({ file: segment.file, events }, this.#options);
    this.#syncedTo = to;
    this.#publishSynced();
  }

  #publishSynced(): void {
    const update = this.#unpublished;
    this.#unpublished = null;
    if (update !== null) this.#options.onDurable(update);
  }

  #acknowledge(file: string, durableTo: number): void {
    const newest = this.#awaited.settle({ file, position: durableTo });
    if (newest !== undefined) this.#options.onAcknowledge?.(newest);
  }

  #publish(segment: SegmentWriter): void {
    const update = segment.update();
    if (update !== null) this.#options.onDurable(update);
  }

  async #enter({ file, position }: StagedFile): Promise<void> {
    if (await this.#isTail(file, position)) return;
    const open = this.#segment;
    if (open?.file === file && open.size === position) return;
    if (open?.file === file || position !== FIRST_EVENT_OFFSET) {
      throw new LastgoodError('STREAM_DAMAGED', `the source sends '${file}' from ${position}, which was not asked for`);
    }
    if (open !== null) await this.#leave(open);
    checkOrder(this.#sealed?.manifest, file);
    if (this.#damage?.file === file) await rm(this.#damage.path, { force: true });
    this.#segment = await this.#create(file);
    this.#syncedTo = 0;
    this.#continuityChecked = false;
  }

  /**
   * A log that was reset goes on in its next file too, an open file without a word at its end. MySQL's files may begin with no GTIDs, or
   * with more than the one before ended with: nothing there tells the two logs apart.
   */
  async #leave(segment: SegmentWriter): Promise<void> {
    const { file, ended } = segment;
    const isMysql = this.#options.lineage.flavor === 'mysql';
    if (ended === 'source-crashed' || isMysql) await this.#options.confirmEnd?.({ file, ended });
    await this.#seal(segment);
  }

  async #create(file: string): Promise<SegmentWriter> {
    const { repository, lineage } = this.#options;
    const folder = repository.lineageFolder(lineage.id);
    const last = this.#sealed?.last ?? null;
    return await SegmentWriter.create({ folder, lineage: lineage.id, file, last, packs: this.#options.packs ?? null });
  }

  #begin(segment: SegmentWriter): void {
    const { packs = null } = this.#options;
    if (packs !== null) segment.packWith(packs);
  }

  /** @returns true when what follows are the archive's last bytes once more */
  async #isTail(file: string, position: number): Promise<boolean> {
    const tail = this.#tail;
    if (tail === null) return false;
    const comesAgain = file === tail.file && position === tail.from;
    if (!comesAgain) tail.complete();
    if (!comesAgain || (tail.remaining === 0 && this.#segment !== null)) this.#tail = null;
    if (!comesAgain) await tail.close();
    return comesAgain;
  }

  #checkContinuity(segment: SegmentWriter): void {
    if (this.#continuityChecked) return;
    const { file, gtidStart } = segment;
    if (gtidStart === null) return;
    this.#continuityChecked = true;
    checkContinuity(this.#sealed?.manifest, { file, gtidStart }, this.#options.lineage.flavor);
  }

  async #seal(segment: SegmentWriter): Promise<void> {
    if (!segment.isReplaced || this.#recordsIncidents) await this.#syncs.underWay;
    this.#work.throwFailure();
    await recordSourceIncidents({ file: segment.file, events: segment.takeSourceIncidents() }, this.#options);
    const { repository, lineage } = this.#options;
    const before = this.#sealed;
    await this.#clearing;
    const { manifest, update, cleared } = await segment.seal({
      previousManifestSha256: before?.manifestSha256 ?? null,
    });
    this.#clearing = cleared;
    cleared.catch((error: unknown) => {
      this.#work.failWith(error); // the next segment may end in days
    });
    this.#segment = null;
    this.#acknowledge(segment.file, Infinity);
    this.#publishSynced();
    const manifestSha256 = await manifestHash(repository, lineage.id, segment.file);
    this.#sealed = { manifest, manifestSha256, last: lastGoodOf(manifest, before?.last ?? null) };
    this.#options.onDurable(update);
    this.#options.onSealed(manifest);
  }
}
