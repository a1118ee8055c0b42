import { randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { LastgoodError } from '../../platform/errors.ts';

const LENGTH_BYTES = 6;

/**
 * Gives pieces back last one first; they wait in a file in `folder`, so that memory is that of the largest piece. The file has no
 * name while it holds anything: only this process can read it, and it is gone however this process ends.
 *
 * @throws LastgoodError `STORAGE_FAILED` when the folder takes nothing, or not so much
 */
export async function* backwards(pieces: AsyncIterable<string>, folder: string): AsyncGenerator<string> {
  await using file = await stored(folder, openNameless(folder));
  let end = 0;
  const length = Buffer.alloc(LENGTH_BYTES);
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    length.writeUIntLE(bytes.length, 0, LENGTH_BYTES);
    await stored(folder, file.writeFile(Buffer.concat([bytes, length])));
    end += bytes.length + LENGTH_BYTES;
  }
  while (end > 0) {
    await file.read(length, 0, LENGTH_BYTES, end - LENGTH_BYTES);
    const bytes = Buffer.alloc(length.readUIntLE(0, LENGTH_BYTES));
    end -= bytes.length + LENGTH_BYTES;
    await file.read(bytes, 0, bytes.length, end);
    yield bytes.toString('utf8');
  }
}

async function openNameless(folder: string): Promise<FileHandle> {
  const path = join(folder, `.lastgood-rows-${randomUUID()}`);
  const file = await open(path, 'wx+', 0o600);
  await unlink(path);
  return file;
}

async function stored<T>(folder: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('STORAGE_FAILED', `cannot keep rows for a while in '${folder}': ${why}`, {
      ...{ cause, details: { folder } },
      hint: 'Give a file with --out in a folder that has space for it, or set TMPDIR to one.',
    });
  }
}
