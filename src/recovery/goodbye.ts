import { open } from 'node:fs/promises';

const TAIL_BYTES = 512;

/** True when the last words in a server's error log are those of one that shut down. Source: MariaDB 10.11, ER_SHUTDOWN_COMPLETE. */
export async function saysGoodbye(errorLog: string): Promise<boolean> {
  try {
    await using file = await open(errorLog, 'r');
    const { size } = await file.stat();
    const from = Math.max(0, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(TAIL_BYTES), 0, TAIL_BYTES, from);
    return /: Shutdown complete\s*$/.test(buffer.toString('utf8', 0, bytesRead));
  } catch {
    return false; // it never came to write one
  }
}
