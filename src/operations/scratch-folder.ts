import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { readLock } from '../platform/lock.ts';
import type { Logger } from '../platform/logger.ts';
import { endProcesses, findProcesses } from '../platform/other-processes.ts';
import { ownTempFolders, sweepLeftDirectories } from '../platform/swept-directory.ts';
import { makeTempDirectory } from '../platform/temp-dir.ts';
import { claimFolder } from '../recovery/restore-folder.ts';
import { PATIENCE } from '../recovery/scratch-server.ts';
import { FOLDER_LOCK, serverMark } from '../recovery/server-folder.ts';

/** Who works in scratch servers. */
const MAKERS = ['salvage', 'rehearsal'] as const;
type Maker = (typeof MAKERS)[number];

/** What a salvage or a rehearsal that was killed has left in the temporary folder, with the data that it had restored. */
export interface LeftScratch {
  readonly maker: Maker;
  readonly folder: string;
  /** The server that still runs there; null when none does. */
  readonly pid: number | null;
  /** RFC 3339, UTC: when it was begun. */
  readonly startedAt: string;
}

/**
 * A data folder for a throw-away server: the given one, or a temporary one, since the system's temporary folder is often too
 * small for a large server's data. Before that, what earlier ones that were killed have left there is removed.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when no temporary folder can be made
 */
export async function scratchFolder(
  given: string | undefined,
  { maker, log }: { maker: Maker; log: Logger },
): Promise<{ datadir: string } & AsyncDisposable> {
  await removeLeftScratch(log);
  await sweepLeftDirectories();
  if (given !== undefined) return { datadir: resolve(given), [Symbol.asyncDispose]: () => Promise.resolve() };
  const folder = await makeTempDirectory(beginning(maker));
  return { datadir: dataIn(folder.path), [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose]() };
}

/**
 * Lists the folders of this user whose maker is surely gone; one without a lock holds no data, or is of nobody we know.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when the temporary folder cannot be read
 */
export async function findLeftScratch(): Promise<LeftScratch[]> {
  const left: LeftScratch[] = [];
  for (const maker of MAKERS) {
    for (const folder of await ownTempFolders(beginning(maker))) {
      const holder = await readLock(join(dataIn(folder), FOLDER_LOCK)).catch(() => null);
      if (holder?.gone !== true) continue;
      const [pid = null] = findProcesses(serverMark(dataIn(folder)));
      left.push({ maker, folder, pid, startedAt: holder.startedAt });
    }
  }
  return left;
}

/** What cannot be removed is told of, and keeps nobody from their work. */
async function removeLeftScratch(log: Logger): Promise<void> {
  const left = await unlessFailed(findLeftScratch(), log);
  for (const one of left ?? []) await unlessFailed(remove(one, log), log);
}

async function unlessFailed<T>(work: Promise<T>, log: Logger): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    log.warn({ reason: String(error) }, 'cannot remove what a killed salvage or rehearsal has left');
    return null;
  }
}

/** Its data are thrown away: the server need not end cleanly. The lock keeps another one that comes to remove it away. */
async function remove({ maker, folder, pid, startedAt }: LeftScratch, log: Logger): Promise<void> {
  await using _lock = await claimFolder(dataIn(folder));
  await endProcesses(serverMark(dataIn(folder)), { signal: 'SIGKILL', timeoutMs: PATIENCE.stopTimeoutMs });
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  log.warn({ folder, pid, startedAt }, `removed the scratch server that a killed ${maker} had left`);
}

function beginning(maker: Maker): string {
  return `lastgood-${maker}-`;
}

function dataIn(folder: string): string {
  return join(folder, 'data');
}
