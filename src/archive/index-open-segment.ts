import type { Hash } from 'node:crypto';
import { BinlogReader } from '../binlog/binlog-reader.ts';
import { feed, type ByteSource } from '../binlog/read-binlog.ts';
import type { LastGood } from '../incident/incident.ts';
import { firstBytes } from './first-bytes.ts';
import { openSegment } from './read-segment.ts';
import type { ArchivedSegment } from './repository.ts';
import { SegmentIndexer } from './segment-indexer.ts';

/** What checks and indexes an open segment's bytes, from its first one on. */
export function createReader(options: { lineage: string; file: string; last: LastGood | null }): {
  reader: BinlogReader;
  indexer: SegmentIndexer;
} {
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

/** Brings an open segment's first `limit` bytes to its reader, and hashes them on the way. */
export async function readInto(
  segment: ArchivedSegment,
  { reader, hash, limit, signal }: { reader: BinlogReader; hash: Hash; limit: number; signal?: AbortSignal },
): Promise<void> {
  await using source = await openSegment(segment);
  const limited = firstBytes(source, limit);
  const hashed: ByteSource = {
    read: async (target, at) => {
      const got = await limited.read(target, at);
      hash.update(target.subarray(at, at + got));
      return got;
    },
  };
  await feed(hashed, reader, signal === undefined ? {} : { signal });
}
