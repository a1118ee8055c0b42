import type { Finding } from './finding.ts';
import { readSpace } from './doctor/facts.ts';

/** A repository whose disk has no room at all. Its archiver waits, and cannot even note that. */
export async function findFullDisk(repositoryPath: string): Promise<Finding[]> {
  const { freeBytes, totalBytes } = await readSpace(repositoryPath);
  if (freeBytes > 0 || totalBytes === 0) return []; // some file systems do not say
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
