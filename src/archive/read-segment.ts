import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { FIRST_EVENT_OFFSET } from '../binlog/coordinates.ts';
import { EVENT_HEADER_BYTES } from '../binlog/event-type.ts';
import { parseFormatDescription, type FormatDescription } from '../binlog/format-description.ts';
import type { BinlogReading } from '../binlog/binlog-reader.ts';
import { readBinlog, type ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { hasCode } from '../platform/error-code.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { firstBytes } from './first-bytes.ts';
import { readSegmentAt, type ArchivedSegment } from './repository.ts';
import { SegmentIndexer, type SegmentUpdate } from './segment-indexer.ts';
import { formOf, isPlain, PLAIN } from './stored-form.ts';
import { openStored, unreadable } from './stored-source.ts';

/**
 * Opens a segment's plain bytes from offset `from` on, in whatever form they are stored.
 *
 * @throws LastgoodError `REPOSITORY_UNREADABLE`, also while it is read; `ARCHIVE_DAMAGED` when a compressed or encrypted segment is not what was
 * stored, here or while it is read; `KEY_MISSING`
 */
export async function openSegment(segment: ArchivedSegment, from = 0): Promise<ByteSource & AsyncDisposable> {
  try {
    return await openAsListed(segment, from);
  } catch (cause) {
    const sealed = hasVanished(segment, cause) ? await sealedMeanwhile(segment) : null;
    if (sealed !== null) return await openSegment(sealed, from);
    if (isLastgoodError(cause)) throw cause;
    throw new LastgoodError('REPOSITORY_UNREADABLE', `cannot open segment '${segment.path}'`, { cause });
  }
}

async function openAsListed(segment: ArchivedSegment, from: number): Promise<ByteSource & AsyncDisposable> {
  const { path, manifest, lineage, file, keys } = segment;
  const form = manifest === null ? PLAIN : formOf(manifest);
  if (isPlain(form)) return new PlainFile(path, await open(path, 'r'), from);
  return await openStored({ path, identity: { lineage, file }, form, keys }, from);
}

function hasVanished({ state }: ArchivedSegment, error: unknown): boolean {
  return state === 'open' && hasCode(error, 'ENOENT');
}

/** The archiver may have sealed an open segment since it was listed: the same bytes, under another name. */
async function sealedMeanwhile(segment: ArchivedSegment): Promise<ArchivedSegment | null> {
  const { path, lineage, file, keys } = segment;
  const now = await readSegmentAt({ folder: dirname(path), lineage, file, keys });
  return now?.state === 'sealed' ? now : null;
}

class PlainFile implements ByteSource, AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  #position: number;

  constructor(path: string, file: FileHandle, position: number) {
    this.#path = path;
    this.#file = file;
    this.#position = position;
  }

  async read(target: Buffer, at: number): Promise<number> {
    try {
      const { bytesRead } = await this.#file.read(target, at, target.length - at, this.#position);
      this.#position += bytesRead;
      return bytesRead;
    } catch (error) {
      throw unreadable(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}

/** The segment's first event, parsed and as it stands in the file. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function readSegmentFormat(
  segment: ArchivedSegment,
): Promise<{ format: FormatDescription; bytes: Buffer }> {
  const head = Buffer.alloc(EVENT_HEADER_BYTES);
  await readExactly(segment, head);
  const bytes = Buffer.alloc(Math.min(head.readUInt32LE(9), 4096));
  await readExactly(segment, bytes);
  const format = parseFormatDescription(bytes);
  if (format === null)
    throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${segment.path}' does not begin with its format`);
  return { format, bytes };
}

async function readExactly(segment: ArchivedSegment, target: Buffer): Promise<void> {
  await using source = await openSegment(segment, FIRST_EVENT_OFFSET);
  for (let filled = 0; filled < target.length;) {
    const got = await source.read(target, filled);
    if (got === 0) throw new LastgoodError('ARCHIVE_DAMAGED', `segment '${segment.path}' has no whole first event`);
    filled += got;
  }
}

/** A segment read from its first byte to its last: what the catalog needs, and how the reading itself went. */
export interface IndexedSegment {
  /** null when the file ends before its format. */
  readonly update: SegmentUpdate | null;
  readonly reading: BinlogReading;
}

/** Reads a whole segment. Damage is in `reading.problems`, not thrown. */
export async function indexSegment(options: {
  segment: ArchivedSegment;
  /** The newest group of the lineage before this segment. */
  last: LastGood | null;
  verifyChecksums: boolean;
  /** Read only so many bytes; all when not given. */
  limit?: number;
  signal?: AbortSignal;
}): Promise<IndexedSegment> {
  const { segment, last, verifyChecksums, limit = Infinity, signal } = options;
  const indexer = new SegmentIndexer({ lineage: segment.lineage, file: segment.file, last });
  await using source = await openSegment(segment);
  const reading = await readBinlog(firstBytes(source, limit), {
    visitor: indexer,
    verifyChecksums,
    onFormat: (format) => {
      indexer.format(format);
    },
    ...(signal === undefined ? {} : { signal }),
  });
  return { update: indexer.update(reading, segment.state), reading };
}
