/**
 * The `.zst` form: one zstd frame for each block and a seek table in a skippable frame behind them, so that every zstd
 * program reads the whole and ours begins anywhere. Pure: bytes in, bytes out.
 *
 * Source: zstd, contrib/seekable_format/zstd_seekable_compression_format.md; RFC 8878 3.1.2 (skippable frames).
 */
import zstd from 'zstd-napi/binding.js';
import { StoredDamage, type BlockCodec, type BlockFile, type ReadAt } from './block-codec.ts';
import { BLOCK_BYTES, BlockTable } from './block-table.ts';

/**
 * Measured on a GB of row events: 0.9 s of one core, and a quarter of the size is left. Level 1 takes 1.4 s for a fifth,
 * which with reading back is more than the archiver may take beside a busy source.
 */
const LEVEL = -2;
const SKIPPABLE_MAGIC = 0x184d2a5e;
const SEEKABLE_MAGIC = 0x8f92eab1;
const SKIPPABLE_HEADER_BYTES = 8;
const ENTRY_BYTES = 8;
const FOOTER_BYTES = 9;
/** A frame that does not shrink grows by less than this. */
const MAX_FRAME_BYTES = zstd.compressBound(BLOCK_BYTES);

/** Compresses a block into one frame of its own, and back. */
export class ZstdBlocks {
  readonly maxBytes = MAX_FRAME_BYTES;
  #compressor: zstd.CCtx | null = null;
  #decompressor: zstd.DCtx | null = null;

  compress(plain: Buffer, target: Buffer): number {
    this.#compressor ??= createCompressor();
    return this.#compressor.compress2(target, plain);
  }

  /** @throws StoredDamage */
  decompress(stored: Buffer, target: Buffer): number {
    this.#decompressor ??= new zstd.DCtx();
    try {
      return this.#decompressor.decompress(target, stored);
    } catch (error) {
      throw new StoredDamage(`zstd says: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}

function createCompressor(): zstd.CCtx {
  const compressor = new zstd.CCtx();
  compressor.setParameter(zstd.CParameter.compressionLevel, LEVEL);
  // A flipped bit is found wherever the block is read, also in files whose events have no checksums.
  compressor.setParameter(zstd.CParameter.checksumFlag, 1);
  return compressor;
}

/** Writes a `.zst` file. */
export function zstdCodec(): BlockCodec {
  const blocks = new ZstdBlocks();
  return {
    maxStoredBytes: blocks.maxBytes,
    header: Buffer.alloc(0),
    encode: (plain, target) => blocks.compress(plain, target),
    trailer: renderSeekTable,
    decode: (stored, target) => blocks.decompress(stored, target),
  };
}

/** Opens a `.zst` file by its seek table. @throws StoredDamage */
export async function openZstd(readAt: ReadAt, size: number): Promise<BlockFile> {
  const table = parseSeekTable(await readSeekTable(readAt, size), size);
  return { codec: zstdCodec(), table };
}

function renderSeekTable(storedLengths: readonly number[], plainBytes: number): Buffer {
  const bytes = tableBytes(storedLengths.length);
  const table = Buffer.alloc(bytes);
  table.writeUInt32LE(SKIPPABLE_MAGIC, 0);
  table.writeUInt32LE(bytes - SKIPPABLE_HEADER_BYTES, 4);
  for (const [index, length] of storedLengths.entries()) {
    const at = SKIPPABLE_HEADER_BYTES + index * ENTRY_BYTES;
    table.writeUInt32LE(length, at);
    table.writeUInt32LE(Math.min(BLOCK_BYTES, plainBytes - index * BLOCK_BYTES), at + 4);
  }
  table.writeUInt32LE(storedLengths.length, bytes - FOOTER_BYTES);
  table.writeUInt32LE(SEEKABLE_MAGIC, bytes - 4);
  return table;
}

async function readSeekTable(readAt: ReadAt, size: number): Promise<Buffer> {
  if (size < tableBytes(0)) throw new StoredDamage('its seek table is cut off');
  const footer = await readAt(size - FOOTER_BYTES, FOOTER_BYTES);
  const bytes = tableBytes(footer.readUInt32LE(0));
  if (footer.readUInt32LE(5) !== SEEKABLE_MAGIC || footer[4] !== 0 || bytes > size)
    throw new StoredDamage('it does not end with a seek table');
  return readAt(size - bytes, bytes);
}

function parseSeekTable(bytes: Buffer, size: number): BlockTable {
  const count = bytes.readUInt32LE(bytes.length - FOOTER_BYTES);
  const lengths: number[] = [];
  let plainBytes = 0;
  for (let index = 0; index < count; index += 1) {
    const at = SKIPPABLE_HEADER_BYTES + index * ENTRY_BYTES;
    const plain = bytes.readUInt32LE(at + 4);
    if (plain > BLOCK_BYTES || (plain !== BLOCK_BYTES && index < count - 1)) throw wrongTable();
    lengths.push(checkLength(bytes.readUInt32LE(at)));
    plainBytes += plain;
  }
  const table = new BlockTable(lengths, { from: 0, plainBytes });
  const isFramed = bytes.readUInt32LE(0) === SKIPPABLE_MAGIC && bytes.readUInt32LE(4) === bytes.length - 8;
  if (!isFramed || !table.fits || table.storedEnd + bytes.length !== size) throw wrongTable();
  return table;
}

function checkLength(bytes: number): number {
  if (bytes > MAX_FRAME_BYTES) throw wrongTable();
  return bytes;
}

function wrongTable(): StoredDamage {
  return new StoredDamage('its seek table contradicts itself');
}

function tableBytes(blocks: number): number {
  return SKIPPABLE_HEADER_BYTES + blocks * ENTRY_BYTES + FOOTER_BYTES;
}
