import { BinlogReader, type BinlogReading, type ReaderOptions } from './binlog-reader.ts';
import { MAX_WHOLE_EVENT_BYTES } from './event-walker.ts';

/** Where bytes come from. `read` puts at least one byte at `target[at..]` and returns how many, 0 at the end. */
export interface ByteSource {
  read(target: Buffer, at: number): Promise<number>;
}

/** Four large events' worth: big enough that reading costs little, small enough to stay in memory. */
const BLOCK_BYTES = 4 * MAX_WHOLE_EVENT_BYTES;

/**
 * Reads one file from `source`, from its first byte or from `options.start`, and hands over its groups. Damage is
 * returned, not thrown: what can be read is read. Memory is one block, however large file, group or event are.
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

/** Brings everything of `source` to `reader`, block by block. */
export async function feed(
  source: ByteSource,
  reader: BinlogReader,
  options: { until?: (offset: number) => boolean; signal?: AbortSignal } = {},
): Promise<void> {
  const buffer = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  let kept = 0;
  for (;;) {
    options.signal?.throwIfAborted();
    const got = await source.read(buffer, kept);
    if (got === 0) break;
    const filled = kept + got;
    const consumed = reader.walk(buffer, 0, filled);
    buffer.copyWithin(0, consumed, filled);
    kept = filled - consumed;
    if (reader.stopped) break;
    if (options.until?.(reader.offset) === true) return;
  }
  reader.sourceEnded(kept);
}
