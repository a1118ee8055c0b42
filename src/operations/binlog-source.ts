import { createReadStream, type ReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { pipeline, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DecompressStream } from 'zstd-napi';
import type { ByteSource } from '../binlog/read-binlog.ts';
import { unreadable, type BinlogFile, type Compression } from './binlog-files.ts';

/** A binary log file's plain bytes, from its first one. */
export interface BinlogSource extends ByteSource, AsyncDisposable {
  /** Bytes read of the file as it is stored. */
  readonly done: number;
  /** Why a compressed file ended early; null when it did not. */
  readonly damage: string | null;
}

/** Opens a file. @throws LastgoodError `FILE_UNREADABLE`, also while reading */
export async function openBinlog(file: BinlogFile): Promise<BinlogSource> {
  if (file.compression !== null) return new CompressedSource(file.path, file.compression);
  try {
    return new PlainSource(await open(file.path, 'r'), file.path);
  } catch (cause) {
    throw unreadable(file.path, cause);
  }
}

class PlainSource implements BinlogSource {
  readonly damage = null;
  done = 0;
  readonly #handle: FileHandle;
  readonly #path: string;

  constructor(handle: FileHandle, path: string) {
    this.#handle = handle;
    this.#path = path;
  }

  async read(target: Buffer, at: number): Promise<number> {
    try {
      const { bytesRead } = await this.#handle.read(target, at, target.length - at, this.done);
      this.done += bytesRead;
      return bytesRead;
    } catch (cause) {
      throw unreadable(this.#path, cause);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }
}

const DECOMPRESSORS: Readonly<Record<Compression, () => Transform>> = {
  gzip: () => createGunzip(),
  zstd: () => new DecompressStream(),
};

class CompressedSource implements BinlogSource {
  damage: string | null = null;
  readonly #stored: ReadStream;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #chunk: Buffer = Buffer.alloc(0);

  constructor(path: string, compression: Compression) {
    this.#stored = createReadStream(path);
    // The error of either comes out of the iteration.
    const plain = pipeline(this.#stored, DECOMPRESSORS[compression](), () => undefined);
    this.#chunks = plain.iterator({ destroyOnReturn: true }) as AsyncIterator<Buffer, undefined>;
  }

  get done(): number {
    return this.#stored.bytesRead;
  }

  async read(target: Buffer, at: number): Promise<number> {
    if (this.#chunk.length === 0) this.#chunk = (await this.#next()) ?? Buffer.alloc(0);
    const copied = this.#chunk.copy(target, at);
    this.#chunk = this.#chunk.subarray(copied);
    return copied;
  }

  async #next(): Promise<Buffer | undefined> {
    if (this.damage !== null) return undefined;
    try {
      const next = await this.#chunks.next();
      return next.done === true ? undefined : next.value;
    } catch (error) {
      this.damage = `the compressed data is damaged: ${error instanceof Error ? error.message : String(error)}`;
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
