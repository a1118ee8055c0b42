import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';

/** Where a private server has its files: all in its data folder. */
export function serverPaths(datadir: string): { datadir: string; socket: string; errorLog: string } {
  return { datadir, socket: join(datadir, 'server.sock'), errorLog: join(datadir, 'error.log') };
}

/** @throws LastgoodError `TARGET_NOT_EMPTY` unless the folder does not exist or is empty */
export async function requireEmpty(datadir: string): Promise<void> {
  const names = await readNames(datadir);
  if (names.length === 0) return;
  throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' is not empty: it holds '${names[0] ?? ''}'`, {
    details: { datadir, entries: names.length },
  });
}

/** Removes what is in the folder. It stays itself: it may be the user's, with an owner and a mode of its own. */
export async function emptyFolder(datadir: string): Promise<void> {
  for (const name of await readNames(datadir)) await rm(join(datadir, name), { recursive: true, force: true });
}

async function readNames(datadir: string): Promise<string[]> {
  try {
    return await readdir(datadir);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    if (code === 'ENOENT') return [];
    const why = code === 'ENOTDIR' ? 'is not a folder' : 'cannot be read';
    throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' ${why}`, { cause, details: { datadir } });
  }
}
