import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { formatBytes } from '../platform/byte-size.ts';
import { LastgoodError } from '../platform/errors.ts';
import { nearestThere, partThatIsNoFolder } from '../platform/folder-way.ts';
import { availableMemory } from '../platform/memory.ts';
import { notAFolder } from '../platform/unusable-folder.ts';
import type { Plan } from './plan.ts';
import { SMALLEST_REDO_LOG, type Room } from './restoring-sizes.ts';
import { RELAY_LOG_BYTES } from './scratch-options.ts';

/** SQL text that zstd made small becomes rows and indexes. A rough lower bound: a backup does not tell its plain size. */
const GROWTH = 6;
/** System tables, undo logs, temporary files. */
const RESERVE_BYTES = 768 * 1024 ** 2;

type Work = Pick<Plan, 'backup' | 'bytes'>;

/** About so many bytes of tables a restore makes: each byte of the log may be a row of its own. */
export function dataBytes({ backup, bytes }: Work): number {
  return backup.bytes * GROWTH + bytes;
}

/** At least so many bytes a restore writes: what the replayed groups add comes on top, and nobody knows it before. */
export function neededBytes(work: Work): number {
  const { backup, bytes } = work;
  return backup.bytes * GROWTH + RESERVE_BYTES + SMALLEST_REDO_LOG + Math.min(bytes, RELAY_LOG_BYTES);
}

/** At least so many bytes more are written where a server that has run the one plan goes on with the other. */
export function neededForward(done: Pick<Plan, 'bytes'>, plan: Pick<Plan, 'bytes'>): number {
  return Math.min(Math.max(0, plan.bytes - done.bytes), RELAY_LOG_BYTES);
}

/** What a restore into a server that is there already writes at least: it has its redo log, and nothing keeps it from having received all before it has applied much. */
export function neededOnServer(plan: Work & Pick<Plan, 'diskBytes'>, engine: 'applier' | 'session'): number {
  const received = engine === 'applier' ? Math.max(0, plan.bytes - RELAY_LOG_BYTES) : 0;
  return plan.diskBytes - SMALLEST_REDO_LOG + received;
}

/** What there is for a server that is to hold about so many bytes in the folder. @throws LastgoodError as `freeBytes` */
export async function readRoom(datadir: string, data: number): Promise<Room> {
  return {
    memory: availableMemory(),
    spareDisk: (await freeBytes(datadir)) - data - RESERVE_BYTES - RELAY_LOG_BYTES,
    redoLog: await stat(join(datadir, 'ib_logfile0')).then(
      ({ size }) => size,
      () => 0, // not made yet
    ),
  };
}

const ELSEWHERE = 'Give a --datadir on a larger disk, or free space; nothing was written.';

/** @throws LastgoodError `PREFLIGHT_FAILED` with both numbers when the folder's file system has less than `needed` bytes free */
export async function requireSpace(datadir: string, needed: number, hint = ELSEWHERE): Promise<void> {
  const free = await freeBytes(datadir);
  if (free >= needed) return;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `a restore needs at least ${formatBytes(needed)}, and the file system of '${datadir}' has ${formatBytes(free)} free`,
    {
      details: { datadir, needed, free },
      hint,
    },
  );
}

/**
 * Free for this user, in the folder or, until it exists, in the nearest one above it.
 *
 * @throws LastgoodError `TARGET_NOT_EMPTY` where no folder can be; `PREFLIGHT_FAILED` when that cannot be told
 */
export async function freeBytes(path: string): Promise<number> {
  if (partThatIsNoFolder(path) !== null) throw notAFolder(path);
  try {
    const { bavail, bsize } = await statfs(await nearestThere(path));
    return bavail * bsize;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new LastgoodError('PREFLIGHT_FAILED', `cannot tell how much is free for '${path}': ${why}`, { cause });
  }
}
