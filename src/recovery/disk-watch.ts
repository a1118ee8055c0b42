import { statfs } from 'node:fs/promises';
import type { Logger } from '../platform/logger.ts';

/** Less is nothing to a server: the next file, or the next piece of one, takes as much. */
const NEARLY_FULL_BYTES = 16 * 1024 ** 2;
const LOOK_EVERY_MS = 30_000;

export interface DiskWatchOptions {
  readonly log: Logger;
  readonly leastBytes?: number;
  readonly everyMs?: number;
}

/**
 * Tells again and again, until it is disposed of, that the file system of a server's folder is full. A server whose relay log has no room
 * waits for some, for ever, and says nothing to its clients: even who asks for the applier's status has no answer until then.
 *
 * Source: seen on MariaDB 10.11.19.
 */
export function watchDisk(folder: string, o: DiskWatchOptions): Disposable {
  const { log, leastBytes = NEARLY_FULL_BYTES, everyMs = LOOK_EVERY_MS } = o;
  const look = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(folder);
    const freeBytes = bavail * bsize;
    if (freeBytes < leastBytes)
      log.warn({ folder, freeBytes }, 'the disk is full: the server waits until there is room');
  };
  const timer = setInterval(() => {
    void look().catch(() => undefined); // a folder that is gone is told of by whatever works there
  }, everyMs);
  timer.unref();
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer);
    },
  };
}
