import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BinlogReader } from '../binlog/binlog-reader.ts';
import { BINLOG_MAGIC } from '../binlog/event-type.ts';
import type { BinlogProblem } from '../binlog/event-view.ts';
import { feed, type ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { ArchivedTail } from './archived-tail.ts';
import type { SegmentEnd, SegmentManifest } from './manifest.ts';
import { openSegment } from './read-segment.ts';
import { manifestName, writeRecord, type ArchivedSegment } from './repository.ts';
import { lastGoodOf, SegmentIndexer, type SegmentUpdate } from './segment-indexer.ts';

interface WriterParts {
  readonly path: string;
  readonly file: string;
  readonly handle: FileHandle;
  readonly reader: BinlogReader;
  readonly indexer: SegmentIndexer;
  readonly hash: Hash;
  readonly size: number;
  readonly last: LastGood | null;
}

/**
 * The open segment: takes the source's bytes, checks every event, appends. One writer per lineage; the caller
 * awaits each call before the next. After a crash `reopen` puts the end back to a whole transaction group.
 */
export class SegmentWriter {
  readonly file: string;
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #reader: BinlogReader;
  readonly #indexer: SegmentIndexer;
  readonly #hash: Hash;
  readonly #before: LastGood | null;
  #size: number;
  #syncedTo: number;
  /** Where the file ends when it is closed after a failed sync; null: at the last whole group. */
  #keepTo: number | null = null;

  private constructor(parts: WriterParts) {
    this.#path = parts.path;
    this.file = parts.file;
    this.#handle = parts.handle;
    this.#reader = parts.reader;
    this.#indexer = parts.indexer;
    this.#hash = parts.hash;
    this.#size = parts.size;
    this.#syncedTo = parts.size;
    this.#before = parts.last;
  }

  /** Starts a file of the source; its name is durable when this returns. @throws LastgoodError `STORAGE_FAILED` */
  static async create(options: {
    folder: string;
    lineage: string;
    file: string;
    last: LastGood | null;
  }): Promise<SegmentWriter> {
    const { folder, file, last } = options;
    const path = join(folder, file);
    try {
      const handle = await open(path, 'wx', 0o600);
      await syncDirectory(folder);
      const { reader, indexer } = createReader(options);
      const writer = new SegmentWriter({
        path,
        file,
        handle,
        reader,
        indexer,
        hash: createHash('sha256'),
        size: 0,
        last,
      });
      await writer.write(BINLOG_MAGIC.subarray(0, writer.take(BINLOG_MAGIC, BINLOG_MAGIC.length)));
      return writer;
    } catch (error) {
      throw storageFailure(path, error);
    }
  }

  /**
   * Goes on with an open segment: reads it from its start and cuts what a crash left behind the last whole group.
   *
   * @throws LastgoodError `ARCHIVE_DAMAGED` when bytes before that are wrong: nothing is changed then
   */
  static async reopen(segment: ArchivedSegment, last: LastGood | null, signal?: AbortSignal): Promise<SegmentWriter> {
    for (;;) {
      const { reader, indexer } = createReader({ lineage: segment.lineage, file: segment.file, last });
      const hash = createHash('sha256');
      await readInto(segment, { reader, hash, ...(signal === undefined ? {} : { signal }) });
      const { problems, wholeTo, bytes } = reader.finish();
      const damage = damageOf(segment.path, problems, 'ARCHIVE_DAMAGED');
      if (damage !== null) throw damage;
      const handle = await open(segment.path, 'r+');
      if (bytes === wholeTo) {
        return new SegmentWriter({
          path: segment.path,
          file: segment.file,
          handle,
          reader,
          indexer,
          hash,
          size: bytes,
          last,
        });
      }
      await using cut = handle;
      await cut.truncate(wholeTo);
      await cut.sync();
    }
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

  get ended(): SegmentEnd {
    const { end } = this.#reader.counts;
    return end === 'open' ? 'source-crashed' : end;
  }

  /** What the source is asked for again when this file is gone on with. */
  async tail(): Promise<ArchivedTail> {
    const lastGroup = this.#indexer.digest(this.#reader.counts)?.last?.start ?? null;
    return await ArchivedTail.read({ path: this.#path, file: this.file, size: this.#size, lastGroup });
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
      for (let at = 0; at < bytes.length;) {
        const { bytesWritten } = await this.#handle.write(bytes, at, bytes.length - at, this.#size + at);
        at += bytesWritten;
      }
    } catch (error) {
      throw storageFailure(this.#path, error);
    }
    this.#hash.update(bytes);
    this.#size += bytes.length;
  }

  /** Makes what was written durable. */
  async sync(): Promise<void> {
    const to = this.wholeTo;
    try {
      await this.#handle.datasync();
      this.#syncedTo = to;
    } catch (error) {
      // After a failed fsync the kernel may call the same pages clean: what was not synced is not relied on again.
      this.#keepTo = this.#syncedTo;
      throw storageFailure(this.#path, error);
    }
  }

  /** What the catalog needs of all that was taken since the last call; null before the file's format was seen. */
  update(): SegmentUpdate | null {
    return this.#indexer.update(this.#reader.counts, 'open');
  }

  /** Closes the file at its last whole group. A half-received group is cut: the source will send it again. */
  async close(): Promise<void> {
    try {
      const end = this.#keepTo ?? this.wholeTo;
      if (end < this.#size) await this.#handle.truncate(end);
      await this.#handle.sync();
    } catch (error) {
      throw storageFailure(this.#path, error);
    } finally {
      await this.#handle.close();
    }
  }

  /**
   * The file is complete: makes it durable, then writes its manifest beside it. The events of a group that its
   * source never ended, because it crashed, are cut off.
   */
  async seal(options: {
    previousManifestSha256: string | null;
    /** Of the source's own file, when it ends in bytes that the source itself cannot read; else all came. */
    sourceBytes?: number;
  }): Promise<{ manifest: SegmentManifest; update: SegmentUpdate }> {
    const update = this.#indexer.update(this.#reader.counts, 'sealed');
    if (update === null) throw new LastgoodError('STREAM_DAMAGED', `'${this.file}' ended before its format was seen`);
    const bytes = this.wholeTo;
    const cutBytes = this.#size - bytes;
    await this.close();
    const sha256 = cutBytes === 0 ? this.#hash.digest('hex') : await hashFile(this.#path);
    const manifest: SegmentManifest = {
      format: 1,
      ...update.digest,
      bytes,
      storedBytes: bytes,
      compression: 'none',
      sha256,
      storedSha256: sha256,
      previousManifestSha256: options.previousManifestSha256,
      tornBytes: (options.sourceBytes ?? this.#size) - bytes,
      ended: this.ended,
      sealedAt: new Date().toISOString(),
    };
    await writeRecord(join(dirname(this.#path), manifestName(this.file)), manifest);
    return { manifest, update };
  }
}

async function hashFile(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

function createReader(options: {
  lineage: string;
  file: string;
  last: LastGood | null;
}): Pick<WriterParts, 'reader' | 'indexer'> {
  const indexer = new SegmentIndexer(options);
  const reader = new BinlogReader({
    visitor: indexer,
    verifyChecksums: true,
    onFormat: (format) => {
      indexer.format(format);
    },
  });
  return { reader, indexer };
}

async function readInto(
  segment: ArchivedSegment,
  { reader, hash, signal }: { reader: BinlogReader; hash: Hash; signal?: AbortSignal },
): Promise<void> {
  await using source = await openSegment(segment);
  const hashed: ByteSource = {
    read: async (target, at) => {
      const got = await source.read(target, at);
      hash.update(target.subarray(at, at + got));
      return got;
    },
  };
  await feed(hashed, reader, signal === undefined ? {} : { signal });
}

/** The first problem that means wrong bytes, as an error; a torn end and the source's own reports are none. */
function damageOf(
  file: string,
  problems: readonly BinlogProblem[],
  code: 'ARCHIVE_DAMAGED' | 'STREAM_DAMAGED',
): LastgoodError | null {
  const found = problems.find(({ kind }) => kind === 'damage' || kind === 'unreadable');
  if (found === undefined) return null;
  return new LastgoodError(code, `'${file}' is damaged at offset ${found.offset}: ${found.problem}`, {
    details: { file, offset: found.offset },
  });
}
