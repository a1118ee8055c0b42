import { realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { shellWord } from '../../platform/shell-word.ts';
import type { Finding } from '../finding.ts';

const OTHERS_READ = 0o004;
const OTHERS_ENTER = 0o001;

/** One warning for each file with a password or another secret that every user of this machine may read. */
export async function findOpenSecrets(files: readonly string[]): Promise<Finding[]> {
  const findings = await Promise.all([...new Set(files)].map(findOpenSecret));
  return findings.filter((finding) => finding !== null);
}

async function findOpenSecret(file: string): Promise<Finding | null> {
  const finding = { severity: 'warning', check: 'secret file', object: file } as const;
  try {
    const mode = await openMode(await realpath(file));
    if (mode === null) return null;
    const found = `has mode ${mode.toString(8).padStart(4, '0')}: every user of this machine may read it`;
    const fix = `Close it: chmod o-rwx ${shellWord(file)}; the user that lastgood runs as must own it, or be in its group.`;
    return { ...finding, found, fix };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { ...finding, found: `cannot be looked at: ${error.message}`, fix: 'May this user read the file?' };
  }
}

/** The file's mode where others can read it; null where its own mode, or that of a folder above it, keeps them out. */
async function openMode(file: string): Promise<number | null> {
  const { mode } = await stat(file);
  if ((mode & OTHERS_READ) === 0) return null;
  for (let folder = dirname(file); folder !== dirname(folder); folder = dirname(folder))
    if (((await stat(folder)).mode & OTHERS_ENTER) === 0) return null;
  return mode & 0o777;
}
