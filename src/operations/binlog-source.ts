import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { addAbortSignal, PassThrough, pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { ByteSource } from '../binlog/read-binlog.ts';
import { throwIfAborted } from '../platform/wait.ts';
import { compressionOf, STDIN, unreadable, type BinlogFile, type Compression } from './binlog-files.ts';

/** A binary log file's plain bytes, from its first one. */
export interface BinlogSource extends ByteSource, AsyncDisposable {
  /** Bytes read of the file as it is stored. */
  readonly done: number;
  /** Why a compressed file ended early; null when it did not. */
  readonly damage: string | null;
}

/** Opens a file. @throws LastgoodError `FILE_UNREADABLE`, also while reading */
export async function openBinlog(file: BinlogFile): Promise<BinlogSource> {
  if (file.compression !== null) {
    const plain = await decompressor(file.compression);
    return new StreamSource(createReadStream(file.path), { path: file.path, plain });
  }
  try {
    return new PlainSource(await open(file.path, 'r'), file.path);
  } catch (cause) {
    throw unreadable(file.path, cause);
  }
}

/**
 * Reads a file that comes as standard input; its first bytes tell whether it is compressed.
 *
 * @param signal ends the waiting for bytes
 * @throws LastgoodError `FILE_UNREADABLE`, also while reading, and `INTERRUPTED`
 */
export async function openStdin(stream: Readable, signal?: AbortSignal): Promise<BinlogSource> {
  if (signal !== undefined) addAbortSignal(signal, stream);
  const chunks = stream.iterator({ destroyOnReturn: true }) as AsyncIterator<Buffer, undefined>;
  let head = Buffer.alloc(0);
  try {
    while (head.length < HEAD_BYTES) {
      const next = await chunks.next();
      if (next.done === true) break;
      head = Buffer.concat([head, next.value]);
    }
  } catch (cause) {
    throwIfAborted(signal);
    throw unreadable(STDIN, cause);
  }
  const whole = Readable.from(following(head, chunks), { objectMode: false });
  return new StreamSource(whole, { path: STDIN, plain: await decompressor(compressionOf(head)) }, signal);
}

const HEAD_BYTES = 4;

async function* following(head: Buffer, chunks: AsyncIterator<Buffer, undefined>): AsyncIterable<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value;
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

/** Null for bytes that are plain already. The library of zstd is loaded only for its own. */
async function decompressor(compression: Compression | null): Promise<Transform | null> {
  if (compression === null) return null;
  if (compression === 'gzip') return createGunzip();
  const { DecompressStream } = await import('zstd-napi');
  return new DecompressStream();
}

class StreamSource implements BinlogSource {
  damage: string | null = null;
  done = 0;
  readonly #path: string;
  readonly #isCompressed: boolean;
  readonly #signal: AbortSignal | undefined;
  readonly #chunks: AsyncIterator<Buffer, undefined>;
  #chunk: Buffer = Buffer.alloc(0);

  /** @param file.plain makes its bytes plain; null: they are */
  constructor(stored: Readable, file: { path: string; plain: Transform | null }, signal?: AbortSignal) {
    this.#path = file.path;
    this.#isCompressed = file.plain !== null;
    this.#signal = signal;
    // The error of either comes out of the iteration.
    const chunks = pipeline(stored, this.#count.bind(this), file.plain ?? new PassThrough(), () => undefined);
    this.#chunks = chunks.iterator({ destroyOnReturn: true }) as AsyncIterator<Buffer, undefined>;
  }

  async *#count(stored: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
    for await (const chunk of stored) {
      this.done += chunk.length;
      if (chunk.length > 0) yield chunk; // the zstd stream takes an empty one for the end
    }
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
      throwIfAborted(this.#signal);
      if (!this.#isCompressed || (error instanceof Error && 'syscall' in error)) throw unreadable(this.#path, error);
      this.damage = `the compressed data is damaged: ${error instanceof Error ? error.message : String(error)}`;
      return undefined;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#chunks.return?.();
  }
}
