import { open, type FileHandle } from 'node:fs/promises';
import type { ByteSource } from '../binlog/read-binlog.ts';
import { LastgoodError } from '../platform/errors.ts';
import { StoredDamage, type BlockFile, type ReadAt } from './block-codec.ts';
import type { BlockPlace } from './block-table.ts';
import { openEncrypted, type SegmentIdentity } from './encrypted-form.ts';
import { findKey, type KeyRing } from './key-ring.ts';
import type { StoredForm } from './stored-form.ts';
import { openZstd } from './zstd-form.ts';

/** A stored segment as its reader needs it. */
export interface StoredSegment {
  readonly path: string;
  readonly identity: SegmentIdentity;
  readonly form: StoredForm;
  readonly keys: KeyRing | null;
}

/**
 * Opens a compressed or encrypted segment's plain bytes from offset `from` on; nothing before the block that holds it is read.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`, `KEY_MISSING`; a file that cannot be opened as it comes from the file system
 */
export async function openStored(segment: StoredSegment, from: number): Promise<ByteSource & AsyncDisposable> {
  const { path, identity, form, keys } = segment;
  const key = form.encryption === null ? null : findKey(keys, form.encryption.keyId, path);
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const readAt = readerOf(handle);
    const file = key === null ? await openZstd(readAt, size) : await openEncrypted(readAt, size, { identity, key });
    return new StoredSource({ handle, file, path, position: from });
  } catch (error) {
    await handle.close();
    throw error instanceof StoredDamage ? damaged(path, error, null) : error;
  }
}

/** Blocks become plain bytes as they are asked for; one at a time is in memory. */
class StoredSource implements ByteSource, AsyncDisposable {
  readonly #handle: FileHandle;
  readonly #file: BlockFile;
  readonly #path: string;
  readonly #stored: Buffer;
  #position: number;
  /** The block that was read last, when it did not fit its reader. */
  #kept: { readonly index: number; readonly plain: Buffer } | null = null;

  constructor(parts: { handle: FileHandle; file: BlockFile; path: string; position: number }) {
    this.#handle = parts.handle;
    this.#file = parts.file;
    this.#path = parts.path;
    this.#position = parts.position;
    this.#stored = Buffer.allocUnsafeSlow(parts.file.codec.maxStoredBytes);
  }

  async read(target: Buffer, at: number): Promise<number> {
    const place = this.#file.table.at(this.#position);
    if (place === null || at >= target.length) return 0;
    const skip = this.#position - place.plainStart;
    const room = target.subarray(at);
    if (skip === 0 && room.length >= place.plainBytes) await this.#decode(place, room.subarray(0, place.plainBytes));
    else (await this.#keep(place)).copy(room, 0, skip);
    const bytes = Math.min(room.length, place.plainBytes - skip);
    this.#position += bytes;
    return bytes;
  }

  async #keep(place: BlockPlace): Promise<Buffer> {
    if (this.#kept?.index === place.index) return this.#kept.plain;
    const plain = Buffer.allocUnsafeSlow(place.plainBytes);
    await this.#decode(place, plain);
    this.#kept = { index: place.index, plain };
    return plain;
  }

  async #decode(place: BlockPlace, target: Buffer): Promise<void> {
    try {
      if (place.storedBytes > this.#stored.length) throw new StoredDamage('a block is longer than any can be');
      const stored = this.#stored.subarray(0, place.storedBytes);
      await fill(this.#handle, stored, place.storedStart);
      const bytes = this.#file.codec.decode(stored, target, place.index);
      if (bytes !== place.plainBytes) throw new StoredDamage(`a block holds ${bytes} bytes, not ${place.plainBytes}`);
    } catch (error) {
      throw error instanceof StoredDamage ? damaged(this.#path, error, place) : unreadable(this.#path, error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

function readerOf(handle: FileHandle): ReadAt {
  return async (offset, bytes) => {
    const buffer = Buffer.alloc(bytes);
    await fill(handle, buffer, offset);
    return buffer;
  };
}

async function fill(handle: FileHandle, target: Buffer, offset: number): Promise<void> {
  for (let filled = 0; filled < target.length;) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, offset + filled);
    if (bytesRead === 0) throw new StoredDamage('the file is cut off');
    filled += bytesRead;
  }
}

/** A failing disk is neither damage of the archive nor a bug: `REPOSITORY_UNREADABLE`. What is not of the file system comes back as it is. */
export function unreadable(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('syscall' in error)) return error;
  return new LastgoodError('REPOSITORY_UNREADABLE', `cannot read segment '${path}': ${error.message}`, {
    cause: error,
    details: { path },
  });
}

/** @param place null when the file's own table cannot be read: then nothing of it can */
function damaged(path: string, { message }: StoredDamage, place: BlockPlace | null): LastgoodError {
  const offset = place?.plainStart ?? 0;
  const where = place === null ? '' : ` at offset ${offset} (stored at ${place.storedStart})`;
  return new LastgoodError('ARCHIVE_DAMAGED', `segment '${path}' is damaged${where}: ${message}`, {
    details: { path, offset, storedOffset: place?.storedStart ?? null },
  });
}
