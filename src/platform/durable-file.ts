import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { cannotWrite } from './disk-full.ts';
import { hasCode } from './error-code.ts';

/** What a written file holds. */
export interface WrittenFile {
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/**
 * Writes `content` so that `path` holds all of it or what was there before, also after a power cut: temporary
 * file, fsync, rename, fsync of the folder. Mode 0600. Only one writer per path at a time.
 *
 * @throws LastgoodError `STORAGE_FAILED`
 */
export async function writeFileDurably(path: string, content: string | Uint8Array): Promise<void> {
  await writeStreamDurably(path, [typeof content === 'string' ? Buffer.from(content) : content]);
}

/** The same for content that comes in pieces; nothing is under `path` until the last one is durable. */
export async function writeStreamDurably(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<WrittenFile> {
  const partial = `${path}.partial`;
  try {
    const written = await writeAndSync(partial, chunks);
    await renameDurably(partial, path);
    return written;
  } catch (error) {
    await rm(partial, { force: true });
    throw storageFailure(path, error);
  }
}

/** Renames so that the new name is there after a power cut. Both in the same file system. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(dirname(to));
}

/** Makes a folder and its missing parents, mode 0700; they are there after a power cut. @throws LastgoodError `STORAGE_FAILED` */
export async function makeDirectory(path: string): Promise<void> {
  const folder = resolve(path);
  try {
    await makeOne(folder).catch(async (error: unknown) => {
      if (!hasCode(error, 'ENOENT')) throw error;
      // One step at a time: where a parent cannot be made (/proc), mkdir's own recursion in Node 20 never ends.
      if (!(await exists(dirname(folder)))) await makeDirectory(dirname(folder));
      await makeOne(folder);
    });
  } catch (error) {
    throw storageFailure(path, error);
  }
}

async function makeOne(folder: string): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
    await syncDirectory(dirname(folder));
  } catch (error) {
    if (!hasCode(error, 'EEXIST') || !(await isFolder(folder))) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false, // a link to nothing
  );
}

/** Makes the names in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  await using directory = await open(path, 'r');
  await directory.sync();
}

/** An error of the file system in the words of the error table; any other error as it is. */
export function storageFailure(path: string, error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error;
  return cannotWrite(path, error);
}

async function writeAndSync(
  path: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<WrittenFile> {
  await using file = await open(path, 'w', 0o600);
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    await file.writeFile(chunk);
    bytes += chunk.byteLength;
  }
  await file.sync();
  return { bytes, sha256: hash.digest('hex') };
}
