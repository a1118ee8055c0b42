import { stat } from 'node:fs/promises';
import { writeStreamDurably } from '../../platform/durable-file.ts';
import { LastgoodError } from '../../platform/errors.ts';

/** A file with rows. */
export interface SavedRows {
  readonly out: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Writes pieces to a new file of mode 0600: all of them, or no file. @throws LastgoodError `TARGET_NOT_EMPTY`, `STORAGE_FAILED` */
export async function saveLostRows(pieces: AsyncIterable<string>, out: string): Promise<SavedRows> {
  const exists = await stat(out).then(
    () => true,
    () => false,
  );
  if (exists) {
    throw new LastgoodError('TARGET_NOT_EMPTY', `'${out}' exists already`, {
      hint: 'Give the name of a file that does not exist yet; nothing was written.',
    });
  }
  return { out, ...(await writeStreamDurably(out, bytesOf(pieces))) };
}

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
