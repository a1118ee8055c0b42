import type { BlockTable } from './block-table.ts';

/** One stored form: how blocks of plain bytes become the bytes of a file, and back. Not for two files at once. */
export interface BlockCodec {
  /** Most stored bytes that one block of plain bytes can become. */
  readonly maxStoredBytes: number;
  /** What the file begins with. */
  readonly header: Buffer;
  /** @returns how many bytes of `target` the block became */
  encode(plain: Buffer, target: Buffer, index: number): number;
  /** What the file ends with. */
  trailer(storedLengths: readonly number[], plainBytes: number): Buffer;
  /** @returns how many bytes of `target` are the block's. @throws Error that says what is wrong with the stored bytes */
  decode(stored: Buffer, target: Buffer, index: number): number;
}

/** Reads a stored file's own table. */
export interface BlockFile {
  readonly codec: BlockCodec;
  readonly table: BlockTable;
}

/** Reads `bytes` bytes at an offset of the stored file; fewer are an error. */
export type ReadAt = (offset: number, bytes: number) => Promise<Buffer>;

/** A stored file that is not what was written. Becomes `ARCHIVE_DAMAGED` where the segment's name is known. */
export class StoredDamage extends Error {}
