import { readMemory, type Memory } from '../platform/memory.ts';
import type { ServerOptionValues } from './scratch-options.ts';

const MIB = 1024 * 1024;
const SMALLEST_BUFFER_POOL = 128 * MIB;
/** So much also for little data: what is estimated of a backup is a lower bound. */
const USUAL_BUFFER_POOL = 2048 * MIB;
const SMALLEST_REDO_LOG = 256 * MIB;
const LARGEST_REDO_LOG = 2048 * MIB;

/** What InnoDB gets while so many bytes are loaded and replayed: where it is too little, every change of a row waits for the disk. */
export function restoringSizes(dataBytes: number): ServerOptionValues {
  return {
    innodb_buffer_pool_size: String(bufferPoolBytes(dataBytes, readMemory())),
    innodb_log_file_size: String(redoLogBytes(dataBytes)),
  };
}

/**
 * All of the data, and at most a quarter of the memory, and half of what nobody uses: others live here too, and where all is used the
 * system ends the largest of them, which is a production server as a rule.
 */
export function bufferPoolBytes(dataBytes: number, { total, available }: Memory): number {
  const most = Math.floor(Math.min(total / 4, available / 2) / MIB) * MIB;
  return Math.max(SMALLEST_BUFFER_POOL, Math.min(most, Math.max(USUAL_BUFFER_POOL, whole(dataBytes))));
}

/** The more there is, the less often a page is written while it still changes. It takes that much of the disk. */
export function redoLogBytes(dataBytes: number): number {
  return Math.min(Math.max(SMALLEST_REDO_LOG, whole(dataBytes / 4)), LARGEST_REDO_LOG);
}

function whole(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
