import { writeStreamDurably } from '../../platform/durable-file.ts';
import { requireNewFile } from '../../platform/new-file.ts';

/** A file with rows. */
export interface SavedRows {
  readonly out: string;
  readonly bytes: number;
  /** Hex. */
  readonly sha256: string;
}

/** Writes pieces to a new file of mode 0600: all of them, or no file. @throws LastgoodError `TARGET_NOT_EMPTY`, `STORAGE_FAILED` */
export async function saveLostRows(pieces: AsyncIterable<string>, out: string): Promise<SavedRows> {
  await requireNewFile(out);
  return { out, ...(await writeStreamDurably(out, bytesOf(pieces))) };
}

async function* bytesOf(pieces: AsyncIterable<string>): AsyncGenerator<Buffer> {
  for await (const piece of pieces) yield Buffer.from(piece);
}
