import { createHash, type Hash } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { storageFailure } from '../platform/durable-file.ts';
import { LastgoodError } from '../platform/errors.ts';
import { StoredDamage, type BlockCodec } from './block-codec.ts';
import { BLOCK_BYTES } from './block-table.ts';
import { EarlySync } from './early-sync.ts';
import { encryptedCodec, type SegmentIdentity } from './encrypted-form.ts';
import { Fingerprint } from './fingerprint.ts';
import type { ArchiveKey } from './key-ring.ts';
import type { StoredForm } from './stored-form.ts';
import { zstdCodec } from './zstd-form.ts';

/** Which file to store, how, and where until it is whole. Can be sent to a thread. */
export interface PackJob {
  readonly identity: SegmentIdentity;
  readonly plainPath: string;
  readonly partialPath: string;
  readonly compression: StoredForm['compression'];
  /** null: not encrypted. */
  readonly key: ArchiveKey | null;
  /** Under which the plain bytes are to be compared with others; null: only their hash is wanted. */
  readonly fingerprintKey: Uint8Array | null;
}

/** What became of a file. Hashes are SHA-256 in hex. */
export interface Packed {
  /** Of the plain bytes. */
  readonly sha256: string;
  /** Of the plain bytes too, hex; null when the job has no key for it. */
  readonly fingerprint: string | null;
  readonly storedBytes: number;
  readonly storedSha256: string;
}

/**
 * Stores a growing file in its compressed or encrypted form, block after block, behind the one who writes it: at the file's
 * end little is left to do. Every block is read back and compared with the plain bytes. It waits for the disk: run it in a thread.
 */
export class SegmentPack {
  readonly #job: PackJob;
  readonly #plainFile: number;
  readonly #storedFile: number;
  readonly #plain = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  readonly #decoded = Buffer.allocUnsafeSlow(BLOCK_BYTES);
  readonly #stored: Buffer;
  readonly #early: EarlySync;
  #codec: BlockCodec;
  #plainHash: Hash = createHash('sha256');
  #fingerprint: Fingerprint | null;
  #storedHash: Hash = createHash('sha256');
  #lengths: number[] = [];
  #taken = 0;
  #storedBytes = 0;

  /** @throws LastgoodError `STORAGE_FAILED` */
  constructor(job: PackJob) {
    this.#job = job;
    this.#codec = codecFor(job);
    this.#fingerprint = fingerprintFor(job);
    this.#stored = Buffer.allocUnsafeSlow(this.#codec.maxStoredBytes);
    this.#early = new EarlySync(job.partialPath);
    const opened: number[] = [];
    try {
      opened.push((this.#plainFile = openSync(job.plainPath, 'r')));
      opened.push((this.#storedFile = openSync(job.partialPath, 'w+', 0o600)));
      this.#put(this.#codec.header);
    } catch (error) {
      for (const file of opened) closeSync(file); // an archiver on a full disk comes here again and again
      if (opened.length > 1) rmSync(job.partialPath, { force: true });
      throw storageFailure(job.partialPath, error);
    }
  }

  /** Stores the next block, if the plain file's first `grown` bytes hold all of it. @returns whether it did */
  step(grown: number): boolean {
    if (this.#taken + BLOCK_BYTES > grown || this.#read(BLOCK_BYTES) < BLOCK_BYTES) return false;
    this.#store(this.#plain);
    this.#early.written(this.#storedBytes);
    return true;
  }

  /**
   * Stores the rest of the plain file, which now ends at `bytes`, and makes the stored one durable. A file that was cut
   * behind what is stored already is stored anew.
   *
   * @throws LastgoodError `STORAGE_FAILED`, also when what is read back is not what was written
   */
  finish(bytes: number): Packed {
    if (bytes < this.#taken) this.#startOver();
    while (this.#taken < bytes) {
      const wanted = Math.min(BLOCK_BYTES, bytes - this.#taken);
      if (this.#read(wanted) < wanted) throw this.#failure(`'${this.#job.plainPath}' is shorter than ${bytes} bytes`);
      this.#store(this.#plain.subarray(0, wanted));
    }
    this.#put(this.#codec.trailer(this.#lengths, bytes));
    this.#guarded(() => {
      fsyncSync(this.#storedFile);
    });
    this.#close();
    return {
      sha256: this.#plainHash.digest('hex'),
      fingerprint: this.#fingerprint?.digest() ?? null,
      storedBytes: this.#storedBytes,
      storedSha256: this.#storedHash.digest('hex'),
    };
  }

  /** Removes what was stored: the plain file is kept instead. */
  discard(): void {
    this.#close();
    rmSync(this.#job.partialPath, { force: true });
  }

  #read(bytes: number): number {
    return this.#guarded(() => readFully(this.#plainFile, this.#plain.subarray(0, bytes), this.#taken));
  }

  #store(plain: Buffer): void {
    const index = this.#lengths.length;
    const length = this.#codec.encode(plain, this.#stored, index);
    const readBack = this.#put(this.#stored.subarray(0, length));
    if (!this.#decode(readBack, index).equals(plain))
      throw this.#failure(`what was stored from offset ${this.#taken} on is not what is read back`);
    this.#plainHash.update(plain);
    this.#fingerprint?.update(plain);
    this.#lengths.push(length);
    this.#taken += plain.length;
  }

  #decode(stored: Buffer, index: number): Buffer {
    try {
      return this.#decoded.subarray(0, this.#codec.decode(stored, this.#decoded, index));
    } catch (error) {
      throw error instanceof StoredDamage ? this.#failure(`read back, ${error.message}`) : error;
    }
  }

  /** Appends bytes and reads them back into the same memory: what is hashed and compared is what the file says. */
  #put(bytes: Buffer): Buffer {
    this.#guarded(() => {
      for (let at = 0; at < bytes.length;)
        at += writeSync(this.#storedFile, bytes, at, bytes.length - at, this.#storedBytes + at);
    });
    bytes.fill(0);
    if (this.#guarded(() => readFully(this.#storedFile, bytes, this.#storedBytes)) < bytes.length)
      throw this.#failure('less can be read back than was written');
    this.#storedHash.update(bytes);
    this.#storedBytes += bytes.length;
    return bytes;
  }

  /** With a new codec: what is encrypted anew must not use a number twice with one key. */
  #startOver(): void {
    this.#guarded(() => {
      ftruncateSync(this.#storedFile, 0);
    });
    this.#codec = codecFor(this.#job);
    this.#plainHash = createHash('sha256');
    this.#fingerprint = fingerprintFor(this.#job);
    this.#storedHash = createHash('sha256');
    this.#lengths = [];
    this.#taken = 0;
    this.#storedBytes = 0;
    this.#put(this.#codec.header);
  }

  #guarded<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw storageFailure(this.#job.partialPath, error);
    }
  }

  #failure(why: string): LastgoodError {
    return new LastgoodError('STORAGE_FAILED', `cannot store '${this.#job.partialPath}': ${why}`);
  }

  #close(): void {
    this.#early.close();
    closeSync(this.#plainFile);
    closeSync(this.#storedFile);
  }
}

function codecFor({ identity, compression, key }: PackJob): BlockCodec {
  return key === null ? zstdCodec() : encryptedCodec(identity, { key, compression });
}

function fingerprintFor({ fingerprintKey }: PackJob): Fingerprint | null {
  return fingerprintKey === null ? null : new Fingerprint(fingerprintKey);
}

/** @returns how many bytes there were, fewer than asked for at the file's end */
function readFully(file: number, target: Buffer, position: number): number {
  let filled = 0;
  for (let got = -1; got !== 0 && filled < target.length; filled += got)
    got = readSync(file, target, filled, target.length - filled, position + filled);
  return filled;
}
