import { closeSync, fdatasync, openSync } from 'node:fs';

/** Stored bytes that are worth the disk's work while more come. */
const EARLY_BYTES = 8 * 1024 * 1024;

/**
 * Has a growing file written to the disk while it grows, so that the fsync at its end is short. It promises nothing, and hides nothing: it has
 * a handle of its own, and a failure is told to every handle once. Source: Linux Documentation/filesystems/vfs.rst, "Handling errors during writeback".
 */
export class EarlySync {
  readonly #path: string;
  #file: number | null = null;
  #syncedTo = 0;
  #isUnderWay = false;
  #isClosed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** The file now has so many bytes. */
  written(bytes: number): void {
    if (this.#isUnderWay || this.#isClosed || bytes - this.#syncedTo < EARLY_BYTES) return;
    this.#syncedTo = bytes;
    this.#file ??= openIfPossible(this.#path);
    if (this.#file === null) return;
    this.#isUnderWay = true;
    fdatasync(this.#file, () => {
      this.#isUnderWay = false;
      if (this.#isClosed) this.#closeFile();
    });
  }

  close(): void {
    this.#isClosed = true;
    if (!this.#isUnderWay) this.#closeFile();
  }

  #closeFile(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }
}

/** Whoever needs the file says what is wrong with it. */
function openIfPossible(path: string): number | null {
  try {
    return openSync(path, 'r');
  } catch {
    return null;
  }
}
