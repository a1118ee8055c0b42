import type { Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { BinlogReader } from '../binlog/binlog-reader.ts';
import { BINLOG_MAGIC } from '../binlog/event-type.ts';
import type { ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { ArchivedTail, type ArchivedFile } from './archived-tail.ts';
import { createReader } from './index-open-segment.ts';
import type { SegmentEnd } from './manifest.ts';
import type { PackThread, RunningPack } from './pack-thread.ts';
import { ReceivedBytes } from './received-bytes.ts';
import { reopenSegment, type ReopenedSegment } from './reopen-segment.ts';
import type { ArchivedSegment } from './repository.ts';
import { sealSegment, type FinishingPack, type SealedSegment } from './seal-segment.ts';
import { damageOf, type SegmentDamage } from './segment-damage.ts';
import { lastGoodOf, type SegmentIndexer, type ByteRange, type SegmentUpdate } from './segment-indexer.ts';

interface WriterParts extends Omit<ReopenedSegment, 'hash'> {
  /** Of what is there; none: nothing is. */
  readonly hash?: Hash;
  readonly path: string;
  readonly lineage: string;
  readonly file: string;
  readonly last: LastGood | null;
  /** Settles when its name is durable; none: it is. */
  readonly named?: Promise<void>;
}

/**
 * The open segment: takes the source's bytes, checks every event, appends. One writer per lineage; the caller
 * awaits each call before the next. After a crash `reopen` puts the end back to a whole transaction group.
 */
export class SegmentWriter {
  readonly file: string;
  readonly #path: string;
  readonly #lineage: string;
  readonly #handle: FileHandle;
  readonly #reader: BinlogReader;
  readonly #indexer: SegmentIndexer;
  readonly #received: ReceivedBytes;
  readonly #named: Promise<void>;
  readonly #before: LastGood | null;
  /** Its other stored form, made behind us while we write; null: it will stay as it is. */
  #pack: RunningPack | null = null;
  #size: number;
  #syncedTo: number;
  /** Where the file ends when it is closed after a failed sync; null: at the last whole group. */
  #keepTo: number | null = null;
  #damage: SegmentDamage | null;
  /** All of it came in this run. */
  readonly #isNew: boolean;

  private constructor(parts: WriterParts) {
    this.#path = parts.path;
    this.#lineage = parts.lineage;
    this.file = parts.file;
    this.#handle = parts.handle;
    this.#reader = parts.reader;
    this.#indexer = parts.indexer;
    this.#received = new ReceivedBytes(parts.hash);
    this.#named = parts.named ?? Promise.resolve();
    this.#size = parts.size;
    this.#syncedTo = parts.size;
    this.#before = parts.last;
    this.#damage = parts.damage;
    this.#isNew = parts.hash === undefined;
  }

  /** Starts a file of the source; its name becomes durable while it is written, and is after the first `sync`. @throws LastgoodError `STORAGE_FAILED` */
  static async create(options: {
    folder: string;
    lineage: string;
    file: string;
    last: LastGood | null;
    /** Has it stored in another form, as `packWith` has. */
    packs?: PackThread | null;
  }): Promise<SegmentWriter> {
    const { folder, lineage, file, last, packs = null } = options;
    const path = join(folder, file);
    let handle: FileHandle | null = null;
    try {
      handle = await open(path, 'wx+', 0o600); // read again by `proof`
      const named = syncDirectory(folder);
      named.catch(() => undefined); // whoever syncs is told
      const { reader, indexer } = createReader(options);
      const parts = { path, lineage, file, handle, named, reader, indexer };
      const writer = new SegmentWriter({ ...parts, size: 0, last, damage: null });
      if (packs !== null) writer.packWith(packs);
      await writer.write(BINLOG_MAGIC.subarray(0, writer.take(BINLOG_MAGIC, BINLOG_MAGIC.length)));
      return writer;
    } catch (error) {
      await handle?.close();
      throw storageFailure(path, error);
    }
  }

  /**
   * Goes on with an open segment: reads it from its start, and cuts what a crash left behind the last whole group. Wrong bytes
   * are left in place until the source has proven that it sends them again; see `damage`.
   */
  static async reopen(segment: ArchivedSegment, last: LastGood | null, signal?: AbortSignal): Promise<SegmentWriter> {
    const { path, lineage, file } = segment;
    return new SegmentWriter({ path, lineage, file, last, ...(await reopenSegment(segment, last, signal)) });
  }

  /** Wrong bytes behind `size`: not touched before the first write, and to stay if there is none. */
  get damage(): SegmentDamage | null {
    return this.#damage;
  }

  /** Has the segment stored in another form; the work on it goes on in a thread while this one is written. */
  packWith(packs: PackThread): void {
    const fingerprintKey = this.#size === 0 ? this.#received.fingerprintOnly() : null; // what is there has its hash
    const identity = { lineage: this.#lineage, file: this.file };
    this.#pack = packs.begin(identity, { plainPath: this.#path, fingerprintKey });
    this.#pack.grow(this.#size);
  }

  /** Bytes written: where the next ones go, and what to ask the source for. */
  get size(): number {
    return this.#size;
  }

  /** Offset just after the last whole group. */
  get wholeTo(): number {
    return this.#reader.counts.wholeTo;
  }

  /** Seconds since 1970 when the source began the file; null before its format was seen. */
  get openedAt(): number | null {
    return this.#reader.format?.time ?? null;
  }

  get gtidEnd(): string | null {
    return this.#reader.counts.gtidEnd?.toString() ?? null;
  }

  get gtidStart(): string | null {
    return this.#reader.counts.gtidStart?.toString() ?? null;
  }

  /** A group without a GTID is in the file. */
  get hasAnonymous(): boolean {
    return this.#indexer.hasAnonymous;
  }

  get ended(): SegmentEnd {
    const { end } = this.#reader.counts;
    return end === 'open' ? 'source-crashed' : end;
  }

  /** What the source is asked for again when this file is gone on with. */
  tail(): ArchivedTail | null {
    return ArchivedTail.of(this.#archived());
  }

  /** What the source is asked for again now and then, while it has nothing new. */
  proof(): ArchivedTail | null {
    return ArchivedTail.proofOf(this.#archived());
  }

  #archived(): ArchivedFile {
    const lastGroup = this.#indexer.digest(this.#reader.counts)?.last?.start ?? null;
    const { lastAskable } = this.#indexer;
    const open = (from: number): ByteSource & AsyncDisposable => bytesOf(this.#handle, from);
    return { file: this.file, size: this.#size, lastGroup, lastAskable, open };
  }

  /** The newest group up to here, in this file or before it. */
  get last(): LastGood | null {
    const digest = this.#indexer.digest(this.#reader.counts);
    return digest === null ? this.#before : lastGoodOf(digest, this.#before);
  }

  /**
   * Checks `buffer[0, filled)`, which follows what was taken before.
   *
   * @returns how many bytes may be written: whole events; the rest must be brought again with more
   * @throws LastgoodError `STREAM_DAMAGED`
   */
  take(buffer: Buffer, filled: number): number {
    const consumed = this.#reader.walk(buffer, 0, filled);
    const damage = damageOf(this.file, this.#reader.problems, 'STREAM_DAMAGED');
    if (damage !== null) throw damage;
    return consumed;
  }

  /** Appends bytes that were taken. */
  async write(bytes: Buffer): Promise<void> {
    try {
      await this.#cutDamage();
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#size + at);
        at += bytesWritten;
      }
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#received.update(bytes);
    this.#size += bytes.length;
    this.#pack?.grow(this.#size);
  }

  /** The source has proven its history by the groups before, and now sends what stood here. */
  async #cutDamage(): Promise<void> {
    if (this.#damage === null) return;
    await this.#handle.truncate(this.#size);
    this.#damage = null;
  }

  /** Makes what was written durable. */
  async sync(): Promise<void> {
    const to = this.wholeTo;
    try {
      await Promise.all([this.#handle.datasync(), this.#named]);
      this.#syncedTo = to;
    } catch (error) {
      // After a failed fsync the kernel may call the same pages clean: what was not synced is not relied on again.
      this.#keepTo = this.#syncedTo;
      throw storageFailure(this.#path, error);
    }
  }

  async #discardPack(): Promise<void> {
    const pack = this.#pack;
    this.#pack = null;
    await pack?.discard();
  }

  /** INCIDENT events of the source that came since the last call. */
  takeSourceIncidents(): ByteRange[] {
    return this.#indexer.takeSourceIncidents();
  }

  /** What the catalog needs of all that was taken since the last call; null before the file's format was seen. */
  update(): SegmentUpdate | null {
    return this.#indexer.update(this.#reader.counts, 'open');
  }

  /** Closes the file at its last whole group. A half-received group is cut: the source will send it again. */
  async close(): Promise<void> {
    try {
      if (this.#damage !== null) return;
      const end = this.#keepTo ?? this.wholeTo;
      if (end < this.#size) await this.#handle.truncate(end);
      await Promise.all([this.#handle.sync(), this.#named]);
    } catch (error) {
      throw storageFailure(this.#path, error);
    } finally {
      await this.#handle.close();
      await this.#discardPack();
    }
  }

  /**
   * True when its stored form, which is made durable before its manifest, takes the place of the plain file: that need not be durable
   * too. Of one that is cut nothing tells whether what the disk gives back is what came: there a failed sync must show.
   */
  get isReplaced(): boolean {
    return this.#pack !== null && this.#isNew && this.wholeTo === this.#size;
  }

  /** Both take the disk's time. When the plain file fails, its thread is not left at work: it would answer whoever asks it next. */
  async #closeBesidePack(finishing: FinishingPack | null): Promise<void> {
    try {
      await this.close();
    } catch (error) {
      await finishing?.packed.catch(() => undefined); // of two failures the plain file's counts
      throw error;
    }
  }

  /** Nobody needs the plain file any more: its handle closes after a sync under way. */
  async #leave(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
  }

  #finishPack(bytes: number): FinishingPack | null {
    const pack = this.#pack;
    this.#pack = null;
    if (pack === null) return null;
    const packed = pack.finish(bytes);
    packed.catch(() => undefined); // nobody listens while the plain file is made durable
    return { pack, packed };
  }

  /**
   * The file is complete: makes it durable, then writes its manifest beside it. The events of a group that its
   * source never ended, because it crashed, are cut off. When that fails the caller closes it, which
   * cuts what a failed sync has left.
   */
  async seal(options: {
    previousManifestSha256: string | null;
    /** Of the source's own file, when it ends in bytes that the source itself cannot read; else all came. */
    sourceBytes?: number;
  }): Promise<SealedSegment & { readonly update: SegmentUpdate }> {
    const update = this.#indexer.update(this.#reader.counts, 'sealed');
    if (update === null) throw new LastgoodError('STREAM_DAMAGED', `'${this.file}' ended before its format was seen`);
    if (this.#damage !== null) throw this.#damage.error;
    const bytes = this.wholeTo;
    const { isReplaced } = this;
    const pack = this.#finishPack(bytes);
    if (!isReplaced) await this.#closeBesidePack(pack);
    const sealed = await sealSegment({
      path: this.#path,
      bytes,
      received: bytes < this.#size ? null : this.#received.proof(),
      pack,
      digest: update.digest,
      ending: {
        ended: this.ended,
        tornBytes: (options.sourceBytes ?? this.#size) - bytes,
        previousManifestSha256: options.previousManifestSha256,
      },
    });
    const left = isReplaced ? this.#leave() : undefined;
    return { ...sealed, cleared: sealed.cleared.finally(() => left), update };
  }
}

/** Reads beside the writer, through its own handle, which stays open. */
function bytesOf(handle: FileHandle, from: number): ByteSource & AsyncDisposable {
  let position = from;
  return {
    read: async (target, at) => {
      const { bytesRead } = await handle.read(target, at, target.length - at, position);
      position += bytesRead;
      return bytesRead;
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
