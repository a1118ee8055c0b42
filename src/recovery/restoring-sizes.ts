import type { ServerOptionValues } from './scratch-options.ts';

const MIB = 1024 * 1024;
const SMALLEST_BUFFER_POOL = 128 * MIB;
/** So much also for little data: what is estimated of a backup is a lower bound. */
const USUAL_BUFFER_POOL = 2048 * MIB;
export const SMALLEST_REDO_LOG = 256 * MIB;
/** Reading it again after a crash takes minutes. */
const LARGEST_REDO_LOG = 8192 * MIB;

/** What a restore finds where it is to happen; bytes. */
export interface Room {
  /** Memory that nobody uses. */
  readonly memory: number;
  /** On the disk, when all that a restore needs at least is taken off; below 0: less than that. */
  readonly spareDisk: number;
  /** What is there, as the server's installation or a run before made it. */
  readonly redoLog: number;
}

/** What InnoDB gets while so many bytes are loaded and replayed: where it is too little, every change of a row waits for the disk. */
export function restoringSizes(dataBytes: number, room: Room): ServerOptionValues {
  return {
    innodb_buffer_pool_size: String(bufferPoolBytes(dataBytes, room.memory)),
    innodb_log_file_size: String(redoLogBytes(dataBytes, room)),
  };
}

/**
 * All of the data, and at most half of the memory that nobody uses: others live here too, and where all is used the system ends the
 * largest of them, which is a production server as a rule.
 */
function bufferPoolBytes(dataBytes: number, available: number): number {
  const most = Math.floor(available / 2 / MIB) * MIB;
  return Math.max(SMALLEST_BUFFER_POOL, Math.min(most, Math.max(USUAL_BUFFER_POOL, whole(dataBytes))));
}

/**
 * The more there is, the less often a page is written while it still changes: as much as the data, of a disk with room at most half of
 * that room. A larger one that is there keeps its size.
 */
function redoLogBytes(dataBytes: number, { spareDisk, redoLog }: Room): number {
  const most = Math.min(whole(dataBytes), Math.floor(spareDisk / 2 / MIB) * MIB, LARGEST_REDO_LOG);
  return Math.max(SMALLEST_REDO_LOG, redoLog, most);
}

function whole(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}
