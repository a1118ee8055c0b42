import { createHash, type Hash } from 'node:crypto';
import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { BinlogReader } from '../binlog/binlog-reader.ts';
import type { LastGood } from '../incident/incident.ts';
import { storageFailure, syncDirectory } from '../platform/durable-file.ts';
import { createReader, readInto } from './index-open-segment.ts';
import type { ArchivedSegment } from './repository.ts';
import { damageOf, type SegmentDamage } from './segment-damage.ts';
import type { SegmentIndexer } from './segment-indexer.ts';

/** An open segment that was read up to its last whole group, and what has read it. */
export interface ReopenedSegment {
  /** Whoever gets it closes it. */
  readonly handle: FileHandle;
  readonly reader: BinlogReader;
  readonly indexer: SegmentIndexer;
  readonly hash: Hash;
  /** Bytes read, all of them good. */
  readonly size: number;
  /** Wrong bytes behind `size`, left in place; null as a rule. */
  readonly damage: SegmentDamage | null;
}

/**
 * Reads an open segment from its start, and cuts what a crash left behind the last whole group.
 *
 * @throws LastgoodError `REPOSITORY_UNREADABLE`, `STORAGE_FAILED`, `INTERRUPTED`
 */
export async function reopenSegment(
  segment: ArchivedSegment,
  last: LastGood | null,
  signal?: AbortSignal,
): Promise<ReopenedSegment> {
  let damage: SegmentDamage | null = null;
  for (let limit = Infinity; ;) {
    const { reader, indexer } = createReader({ lineage: segment.lineage, file: segment.file, last });
    const hash = createHash('sha256');
    await readInto(segment, { reader, hash, limit, ...(signal === undefined ? {} : { signal }) });
    const { problems, wholeTo, bytes } = reader.finish();
    const error = damageOf(segment.path, problems, 'ARCHIVE_DAMAGED');
    if (error !== null) {
      damage = { error, file: segment.file, path: segment.path, bytes: segment.bytes };
      limit = Number(error.details['offset']);
      continue;
    }
    if (bytes > wholeTo && damage !== null) {
      limit = wholeTo;
      continue;
    }
    const handle = await openDurable(segment.path);
    if (bytes === wholeTo) return { handle, reader, indexer, hash, size: bytes, damage };
    await using cut = handle;
    await cut.truncate(wholeTo);
    await cut.sync();
  }
}

/** What a killed archiver had written counts only when it is durable: it may not have come to its fsync. */
async function openDurable(path: string): Promise<FileHandle> {
  let handle: FileHandle | null = null;
  try {
    handle = await open(path, 'r+');
    await handle.sync();
    await syncDirectory(dirname(path));
    return handle;
  } catch (error) {
    await handle?.close();
    throw storageFailure(path, error);
  }
}
