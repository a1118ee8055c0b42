import { once } from 'node:events';
import { CompressStream } from 'zstd-napi';
import { writeStreamDurably, type WrittenFile } from '../platform/durable-file.ts';

const LEVEL = 3;

/**
 * Writes what `produce` hands to `write` as one zstd file: whole and durable under `path`, or not at all.
 * `write` resolves when there is room for more.
 */
export async function writeCompressed(
  path: string,
  produce: (write: (chunk: Buffer | string) => Promise<void>) => Promise<void>,
): Promise<WrittenFile> {
  const compressor = new CompressStream({ compressionLevel: LEVEL, checksumFlag: true });
  compressor.on('error', () => undefined); // whoever reads it gets the error, also one that comes before the first read
  const written = writeStreamDurably(path, compressor as AsyncIterable<Buffer>);
  const failed = new Promise<never>((_, reject) => {
    written.catch(reject);
  });
  failed.catch(() => undefined); // thrown by the race below, or by the last await
  const write = async (chunk: Buffer | string): Promise<void> => {
    if (!compressor.write(chunk)) await Promise.race([once(compressor, 'drain'), failed]);
  };
  try {
    await produce(write);
    compressor.end();
  } catch (error) {
    compressor.destroy(error instanceof Error ? error : new Error(String(error)));
    await written.catch(() => undefined); // the partial file is gone before we are
    throw error;
  }
  return await written;
}
