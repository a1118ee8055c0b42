/**
 * The `.enc` form: each block AES-256-GCM encrypted on its own, with a key of the file's own, so that any offset is
 * reached at once and nothing can be cut off, moved or brought from another file unnoticed (the STREAM construction).
 *
 *   header   magic 8 | key id 8 | salt 32 | block size 4 | 1 when blocks are zstd frames 4 | zero 8
 *   block n  ciphertext | tag 16
 *   table    u32 stored length of each block, u64 plain bytes of all; encrypted as the last block
 *   footer   number of blocks 4 | magic 8
 *
 * The file's key is HKDF-SHA-256 of the key, with the salt, and as info the segment's lineage, name and this header. The
 * nonce is 1 for the table and 0 for others, and the number of the block. Source: RFC 5869; Hoang, Reyhanitabar, Rogaway, Vizár, "Online
 * Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance" (2015), section 7.
 */
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes, type KeyObject } from 'node:crypto';
import { StoredDamage, type BlockCodec, type BlockFile, type ReadAt } from './block-codec.ts';
import { BLOCK_BYTES, BlockTable } from './block-table.ts';
import type { ArchiveKey } from './key-ring.ts';
import type { StoredForm } from './stored-form.ts';
import { ZstdBlocks } from './zstd-form.ts';

const ALGORITHM = 'aes-256-gcm';
const MAGIC = Buffer.from('LGENC\0\0\x01', 'latin1');
const HEADER_BYTES = 64;
const KEY_ID = { at: 8, bytes: 8 };
const SALT = { at: 16, bytes: 32 };
const BLOCK_SIZE_AT = 48;
const COMPRESSED_AT = 52;
const TAG_BYTES = 16;
const FOOTER_BYTES = 12;
const LENGTH_BYTES = 4;
const TOTAL_BYTES = 8;

/** Which segment the bytes are of: brought to another place they cannot be read. */
export interface SegmentIdentity {
  readonly lineage: string;
  readonly file: string;
}

/** Writes an `.enc` file, with a new salt. */
export function encryptedCodec(
  identity: SegmentIdentity,
  { key, compression }: { key: ArchiveKey; compression: StoredForm['compression'] },
): BlockCodec {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.write(key.id, KEY_ID.at, 'hex');
  randomBytes(SALT.bytes).copy(header, SALT.at);
  header.writeUInt32LE(BLOCK_BYTES, BLOCK_SIZE_AT);
  header.writeUInt32LE(compression === 'zstd' ? 1 : 0, COMPRESSED_AT);
  return codecOf(header, fileKey(identity, header, key.secret));
}

/**
 * Opens an `.enc` file.
 *
 * @param key of the id that the segment's manifest names
 * @throws StoredDamage
 */
export async function openEncrypted(
  readAt: ReadAt,
  size: number,
  { identity, key }: { identity: SegmentIdentity; key: ArchiveKey },
): Promise<BlockFile> {
  if (size < HEADER_BYTES + TAG_BYTES + FOOTER_BYTES) throw new StoredDamage('its end is cut off');
  const header = await readAt(0, HEADER_BYTES);
  checkHeader(header, key);
  const secret = fileKey(identity, header, key.secret);
  return { codec: codecOf(header, secret), table: await readTable(readAt, size, secret) };
}

function checkHeader(header: Buffer, key: ArchiveKey): void {
  if (!header.subarray(0, MAGIC.length).equals(MAGIC)) throw new StoredDamage('it does not begin with its header');
  const id = header.toString('hex', KEY_ID.at, KEY_ID.at + KEY_ID.bytes);
  if (id !== key.id) throw new StoredDamage(`its header names key ${id}, its manifest ${key.id}`);
  if (header.readUInt32LE(BLOCK_SIZE_AT) !== BLOCK_BYTES) throw new StoredDamage('its header names another block size');
}

function codecOf(header: Buffer, secret: Buffer): BlockCodec {
  const zstd = header.readUInt32LE(COMPRESSED_AT) === 0 ? null : new ZstdBlocks();
  const between = zstd === null ? null : Buffer.allocUnsafeSlow(zstd.maxBytes);
  return {
    maxStoredBytes: (zstd?.maxBytes ?? BLOCK_BYTES) + TAG_BYTES,
    header,
    encode: (plain, target, index) => {
      if (zstd === null || between === null) return encrypt(secret, plain, { target, index, last: false });
      const bytes = zstd.compress(plain, between);
      return encrypt(secret, between.subarray(0, bytes), { target, index, last: false });
    },
    trailer: (storedLengths, plainBytes) => renderTable(storedLengths, plainBytes, secret),
    decode: (stored, target, index) => {
      const opened = decrypt(secret, stored, { index, last: false });
      if (zstd !== null) return zstd.decompress(opened, target);
      return opened.copy(target);
    },
  };
}

function renderTable(storedLengths: readonly number[], plainBytes: number, secret: Buffer): Buffer {
  const count = storedLengths.length;
  const table = Buffer.alloc(count * LENGTH_BYTES + TOTAL_BYTES);
  for (const [index, length] of storedLengths.entries()) table.writeUInt32LE(length, index * LENGTH_BYTES);
  table.writeBigUInt64LE(BigInt(plainBytes), count * LENGTH_BYTES);
  const trailer = Buffer.alloc(table.length + TAG_BYTES + FOOTER_BYTES);
  const end = encrypt(secret, table, { target: trailer, index: count, last: true });
  trailer.writeUInt32LE(count, end);
  MAGIC.copy(trailer, end + 4);
  return trailer;
}

async function readTable(readAt: ReadAt, size: number, secret: Buffer): Promise<BlockTable> {
  const footer = await readAt(size - FOOTER_BYTES, FOOTER_BYTES);
  const count = footer.readUInt32LE(0);
  const bytes = count * LENGTH_BYTES + TOTAL_BYTES + TAG_BYTES;
  if (!footer.subarray(4).equals(MAGIC) || bytes + FOOTER_BYTES + HEADER_BYTES > size)
    throw new StoredDamage('it does not end with its table of blocks');
  const stored = await readAt(size - FOOTER_BYTES - bytes, bytes);
  const table = decrypt(secret, stored, { index: count, last: true });
  const lengths = Array.from({ length: count }, (_, index) => table.readUInt32LE(index * LENGTH_BYTES));
  const plainBytes = Number(table.readBigUInt64LE(count * LENGTH_BYTES));
  const blocks = new BlockTable(lengths, { from: HEADER_BYTES, plainBytes });
  if (!blocks.fits || blocks.storedEnd + bytes + FOOTER_BYTES !== size)
    throw new StoredDamage('its table of blocks contradicts itself');
  return blocks;
}

function fileKey({ lineage, file }: SegmentIdentity, header: Buffer, secret: KeyObject): Buffer {
  const info = Buffer.concat([Buffer.from(`lastgood segment ${lineage}/${file}\0`), header]);
  const salt = header.subarray(SALT.at, SALT.at + SALT.bytes);
  return Buffer.from(hkdfSync('sha256', secret, salt, info, 32));
}

interface BlockNumber {
  readonly index: number;
  readonly last: boolean;
}

function encrypt(secret: Buffer, plain: Buffer, { target, index, last }: BlockNumber & { target: Buffer }): number {
  const cipher = createCipheriv(ALGORITHM, secret, nonceOf({ index, last }), { authTagLength: TAG_BYTES });
  const bytes = cipher.update(plain).copy(target) + cipher.final().length;
  return bytes + cipher.getAuthTag().copy(target, bytes);
}

function decrypt(secret: Buffer, stored: Buffer, number: BlockNumber): Buffer {
  if (stored.length < TAG_BYTES) throw new StoredDamage('a block is cut off');
  const decipher = createDecipheriv(ALGORITHM, secret, nonceOf(number), { authTagLength: TAG_BYTES });
  decipher.setAuthTag(stored.subarray(stored.length - TAG_BYTES));
  const plain = decipher.update(stored.subarray(0, stored.length - TAG_BYTES));
  try {
    decipher.final();
    return plain;
  } catch {
    throw new StoredDamage('its authentication fails: its bytes were changed, moved or brought from another file');
  }
}

/** Never used twice with one key: each file has a key of its own, each block a number of its own. */
function nonceOf({ index, last }: BlockNumber): Buffer {
  const nonce = Buffer.alloc(12);
  nonce[0] = last ? 1 : 0;
  nonce.writeBigUInt64BE(BigInt(index), 4);
  return nonce;
}
