import { BinlogReader, type BinlogReading, type ReaderOptions } from './binlog-reader.ts';
import { MAX_WHOLE_EVENT_BYTES } from './event-walker.ts';

/** Where bytes come from. `read` puts at least one byte at `target[at..]` and returns how many, 0 at the end. */
export interface ByteSource {
  read(target: Buffer, at: number): Promise<number>;
}

/** What is read at once: so much that reading costs little, so little that it is still in the processor's cache when walked. */
const READ_BYTES = 2 * 1024 * 1024;

/**
 * Reads one file from `source`, from its first byte or from `options.start`, and hands over its groups. Damage is
 * returned, not thrown: what can be read is read. Memory is two blocks, however large file, group or event are.
 *
 * @param options.until called with the offset reached after each block; true ends the reading there
 */
export async function readBinlog(
  source: ByteSource,
  options: ReaderOptions & { until?: (offset: number) => boolean; signal?: AbortSignal },
): Promise<BinlogReading> {
  const reader = new BinlogReader(options);
  const { until = () => false, signal } = options;
  await feed(source, reader, { until, ...(signal === undefined ? {} : { signal }) });
  return reader.finish();
}

/** Brings everything of `source` to `reader`, block by block: while one is walked, the next is read. */
export async function feed(
  source: ByteSource,
  reader: BinlogReader,
  options: { until?: (offset: number) => boolean; signal?: AbortSignal } = {},
): Promise<void> {
  let block = takeBlock();
  let next = takeBlock();
  let kept = 0;
  let coming = source.read(next, HEAD_BYTES);
  try {
    for (;;) {
      options.signal?.throwIfAborted();
      const got = await coming;
      if (got === 0) break;
      [block, next] = [next, block];
      coming = source.read(next, HEAD_BYTES);
      const filled = HEAD_BYTES + got;
      const consumed = reader.walk(block, HEAD_BYTES - kept, filled);
      kept = filled - consumed;
      block.copy(next, HEAD_BYTES - kept, consumed, filled);
      if (reader.stopped) break;
      if (options.until?.(reader.offset) === true) return;
    }
  } finally {
    await coming.catch(() => undefined); // nobody closes the source while it is read
    spare.push(block, next);
    spare.length = Math.min(spare.length, BLOCKS);
  }
  reader.sourceEnded(kept);
}

/** Room in front of what is read, for what the walker left of the block before: never a whole event of the longest that it holds. */
const HEAD_BYTES = MAX_WHOLE_EVENT_BYTES;

/** Two of each file, of which one is walked while the other fills; a thread reads two files at once. */
const BLOCKS = 4;
/** Of readings that are over: memory that the system has not given yet costs as much as reading into it. */
const spare: Buffer[] = [];

function takeBlock(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(HEAD_BYTES + READ_BYTES);
}
