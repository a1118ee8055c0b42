import { link, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { PassThrough, type Duplex } from 'node:stream';
import { CompressStream } from 'zstd-napi';
import { storageFailure, syncDirectory, writeStreamDurably, type WrittenFile } from '../../platform/durable-file.ts';
import { hasCode } from '../../platform/error-code.ts';
import { alreadyThere, requireNewFile } from '../../platform/new-file.ts';
import { pour, type Write } from './pour.ts';

const LEVEL = 3;

/** True for names that ask for a compressed file. */
export function isCompressed(path: string): boolean {
  return path.endsWith('.zst');
}

/**
 * Writes a new file, mode 0600: under its name only once it is whole, durable and `check` has found nothing wrong with
 * it. Until then it is called `PATH.unproven`, and after a failure it is gone.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY`, `STORAGE_FAILED`, and what `produce` and `check` throw
 */
export async function writeChecked(
  path: string,
  produce: (write: Write) => Promise<void>,
  check: (path: string) => Promise<void>,
): Promise<WrittenFile> {
  await requireNewFile(path);
  const unproven = `${path}.unproven`;
  try {
    const written = await pour(channelFor(path), produce, (chunks) => writeStreamDurably(unproven, chunks));
    await check(unproven);
    await link(unproven, path); // unlike a rename it never replaces what came there meanwhile
    await syncDirectory(dirname(path));
    return written;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) throw alreadyThere(path);
    throw storageFailure(path, error);
  } finally {
    await rm(unproven, { force: true });
  }
}

function channelFor(path: string): Duplex {
  return isCompressed(path)
    ? new CompressStream({ compressionLevel: LEVEL, checksumFlag: true })
    : new PassThrough({ highWaterMark: 1024 * 1024 });
}
