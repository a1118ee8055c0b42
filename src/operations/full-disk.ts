import { statfs } from 'node:fs/promises';
import { ownUserId } from '../platform/own-user.ts';
import type { Finding } from './finding.ts';

/** A repository whose disk has no room at all. Its archiver waits, and cannot even note that. */
export async function findFullDisk(repositoryPath: string): Promise<Finding[]> {
  if (!isFull(await statfs(repositoryPath), ownUserId())) return [];
  return [
    {
      severity: 'warning',
      check: 'free disk',
      object: repositoryPath,
      found: 'no room is left on its disk: nothing is archived until there is',
      fix: 'Free space there: an archiver that runs then goes on by itself, within a minute.',
    },
  ];
}

/** Blocks of a file system, as `statfs` counts them. */
interface Blocks {
  readonly blocks: number;
  readonly bfree: number;
  readonly bavail: number;
}

/** Whether the user has no room on it. What is free, but not available, is kept for root: 5 % of an ext4. Pure. */
export function isFull({ blocks, bfree, bavail }: Blocks, user: number | null): boolean {
  if (blocks === 0) return false; // some file systems do not say
  return bfree === 0 || (bavail === 0 && user !== 0);
}
