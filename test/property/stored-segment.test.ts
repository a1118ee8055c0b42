import fc from 'fast-check';
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DecompressStream } from 'zstd-napi';
import { BLOCK_BYTES } from '../../src/archive/block-table.ts';
import type { KeyRing } from '../../src/archive/key-ring.ts';
import { makeTempDirectory, type TempDirectory } from '../../src/platform/temp-dir.ts';
import { change, FORMS, keyRing, readStored, store } from '../support/stored-segment.ts';

let folder: TempDirectory;
let keys: KeyRing;

beforeAll(async () => {
  folder = await makeTempDirectory('lastgood-stored-');
  keys = await keyRing(folder.path);
});
afterAll(() => folder[Symbol.asyncDispose]());

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Row events are half repetition, half noise. */
function content(size: number): Buffer {
  const noise = randomBytes(Math.min(size, 4096));
  const bytes = Buffer.alloc(size, 'transaction ');
  for (let at = 0; at < size; at += 3 * noise.length) noise.copy(bytes, at);
  return bytes;
}

const sizes = fc.oneof(
  fc.nat(5000),
  fc.nat(4 * BLOCK_BYTES),
  fc.constantFrom(0, 1, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, 3 * BLOCK_BYTES),
);

describe.each(FORMS)('a segment stored as %s', (form) => {
  it('gives back its bytes from any offset, in whatever pieces they are asked for', async () => {
    await fc.assert(
      fc.asyncProperty(
        sizes,
        fc.array(fc.nat(), { maxLength: 4 }),
        fc.integer({ min: 8, max: 3_000_000 }),
        async (size, picks, piece) => {
          const bytes = content(size);
          const { segment, packed } = await store(bytes, { folder: folder.path, form, keys });
          expect((await readStored(segment)).equals(bytes)).toBe(true);
          for (const pick of picks) {
            const from = pick % (size + 1);
            expect((await readStored(segment, from, Math.max(piece, 4096))).equals(bytes.subarray(from))).toBe(true);
          }
          const stored = await readFile(segment.path);
          expect(packed).toEqual({
            sha256: sha256(bytes),
            fingerprint: null,
            storedBytes: stored.length,
            storedSha256: sha256(stored),
          });
        },
      ),
      { numRuns: 25 },
    );
  });

  it('never gives other bytes: a flipped bit, a cut end, added bytes are damage', async () => {
    const bytes = content(2 * BLOCK_BYTES + 77_777);
    const { segment } = await store(bytes, { folder: folder.path, form, keys });
    const stored = await readFile(segment.path);
    await fc.assert(
      fc.asyncProperty(
        fc.nat(stored.length - 1),
        fc.oneof(fc.record({ bit: fc.nat(7) }), fc.constantFrom('cut' as const, 'added' as const)),
        async (at, kind) => {
          await change(segment.path, () => damaged(stored, at, kind));
          // One bit in the head of a zstd frame means nothing: then the bytes are the same.
          const read = await readStored(segment).catch((error: unknown) => error);
          if (Buffer.isBuffer(read)) expect(read.equals(bytes)).toBe(true);
          else expect(read).toMatchObject({ code: 'ARCHIVE_DAMAGED' });
          await change(segment.path, () => stored);
        },
      ),
      { numRuns: 60 },
    );
    expect((await readStored(segment)).equals(bytes)).toBe(true);
  });
});

function damaged(stored: Buffer, at: number, kind: { bit: number } | 'cut' | 'added'): Buffer {
  if (kind === 'cut') return stored.subarray(0, at);
  if (kind === 'added') return Buffer.concat([stored, Buffer.alloc((at % 100) + 1)]);
  const bytes = Buffer.from(stored);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << kind.bit);
  return bytes;
}

it('names the block whose bytes are wrong, and still reads what is after it', async () => {
  const bytes = content(3 * BLOCK_BYTES);
  const { segment } = await store(bytes, { folder: folder.path, form: 'zst+enc', keys });
  await change(segment.path, (stored) => {
    stored[100] = (stored[100] ?? 0) ^ 1;
    return stored;
  });
  await expect(readStored(segment)).rejects.toMatchObject({
    message: `segment '${segment.path}' is damaged at offset 0 (stored at 64): its authentication fails: its bytes were changed, moved or brought from another file`,
    details: { path: segment.path, offset: 0, storedOffset: 64 },
  });
  expect((await readStored(segment, BLOCK_BYTES)).equals(bytes.subarray(BLOCK_BYTES))).toBe(true);
});

it('is not taken for another: encrypted files that change their places are damaged, and so are exchanged blocks', async () => {
  const bytes = content(2 * BLOCK_BYTES);
  const one = await store(bytes, { folder: folder.path, file: 'binlog.000007', form: 'enc', keys });
  const other = await store(bytes, { folder: folder.path, file: 'binlog.000008', form: 'enc', keys });
  const moved = { ...one.segment, path: other.segment.path };
  await expect(readStored(moved)).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
  await change(one.segment.path, (stored) => {
    const first = Buffer.from(stored.subarray(64, 64 + BLOCK_BYTES + 16));
    stored.copyWithin(64, 64 + first.length, 64 + 2 * first.length);
    first.copy(stored, 64 + first.length);
    return stored;
  });
  await expect(readStored(one.segment)).rejects.toMatchObject({ code: 'ARCHIVE_DAMAGED' });
});

it('is one zstd stream for other programs when it is compressed', async () => {
  const bytes = content(2 * BLOCK_BYTES + 5);
  const { segment } = await store(bytes, { folder: folder.path, form: 'zst', keys });
  const pieces = await createReadStream(segment.path).pipe(new DecompressStream()).toArray();
  expect(Buffer.concat(pieces as Buffer[]).equals(bytes)).toBe(true);
});
