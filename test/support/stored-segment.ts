import { randomBytes } from 'node:crypto';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCK_BYTES } from '../../src/archive/block-table.ts';
import { readKeyRing, type KeyRing } from '../../src/archive/key-ring.ts';
import { SegmentPack, type Packed } from '../../src/archive/segment-pack.ts';
import { openStored, type StoredSegment } from '../../src/archive/stored-source.ts';
import { storedName, type StoredForm } from '../../src/archive/stored-form.ts';

export type FormName = 'zst' | 'enc' | 'zst+enc';
export const FORMS: readonly FormName[] = ['zst', 'enc', 'zst+enc'];

/** A key file with so many new keys. */
export async function keyFile(folder: string, count = 1): Promise<string> {
  const path = join(folder, `key-${randomBytes(4).toString('hex')}`);
  const keys = Array.from({ length: count }, () => randomBytes(32).toString('hex'));
  await writeFile(path, `${keys.join('\n')}\n`, { mode: 0o600 });
  return path;
}

export async function keyRing(folder: string): Promise<KeyRing> {
  return readKeyRing(await keyFile(folder));
}

/** Stores bytes as the archiver's thread does, and says how to read them. */
export async function store(
  bytes: Buffer,
  { folder, file = 'binlog.000001', form, keys }: { folder: string; file?: string; form: FormName; keys: KeyRing },
): Promise<{ segment: StoredSegment; packed: Packed }> {
  const plainPath = join(folder, file);
  await writeFile(plainPath, bytes);
  const key = form === 'zst' ? null : keys.keys[0];
  const compression = form === 'enc' ? 'none' : 'zstd';
  const stored: StoredForm = {
    compression,
    encryption: key === null ? null : { algorithm: 'aes-256-gcm', keyId: key.id },
  };
  const identity = { lineage: 'shop-1a2b', file };
  const path = storedName(plainPath, stored);
  const pack = new SegmentPack({ identity, plainPath, partialPath: path, compression, key, fingerprintKey: null });
  for (let grown = 0; grown < bytes.length; grown += BLOCK_BYTES / 3) while (pack.step(grown));
  return { segment: { path, identity, form: stored, keys }, packed: pack.finish(bytes.length) };
}

/** Reads from an offset to the end, in pieces of a size that fits no block. */
export async function readStored(segment: StoredSegment, from = 0, piece = 700_001): Promise<Buffer> {
  await using source = await openStored(segment, from);
  const pieces: Buffer[] = [];
  for (;;) {
    const target = Buffer.alloc(piece);
    const got = await source.read(target, 7);
    if (got === 0) return Buffer.concat(pieces);
    pieces.push(target.subarray(7, 7 + got));
  }
}

/** Puts a changed copy in a stored file's place. */
export async function change(path: string, work: (bytes: Buffer) => Buffer): Promise<void> {
  const { mode } = await stat(path);
  await writeFile(path, work(await readFile(path)), { mode });
}
