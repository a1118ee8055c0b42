import { readdir, readFile } from 'node:fs/promises';
import { waitFor } from '../../src/platform/wait.ts';

/**
 * Ends servers whose data folder is inside `folder`: a test that fails does not come to end a restored one, which outlives its
 * maker. Source: proc(5).
 */
export async function endServersIn(folder: string): Promise<void> {
  for (const pid of await serversIn(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // it has ended
    }
  }
  const areGone = async (): Promise<boolean> => (await serversIn(folder)).length === 0;
  await waitFor(areGone, { timeoutMs: 20_000, intervalMs: 20, what: `the servers in '${folder}' to end` });
}

async function serversIn(folder: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const isThere = await Promise.all(pids.map((pid) => worksIn(folder, pid)));
  return pids.filter((_, index) => isThere[index]).map(Number);
}

async function worksIn(folder: string, pid: string): Promise<boolean> {
  try {
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
    return args.some((arg) => arg.startsWith(`--datadir=${folder}/`));
  } catch {
    return false; // it has ended
  }
}
