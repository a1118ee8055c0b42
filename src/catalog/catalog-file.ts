import { closeSync, openSync, renameSync, rmSync } from 'node:fs';

/** Gives a damaged catalog's place free; what it held can be looked at in `<path>.damaged`. */
export function moveAside(path: string): void {
  removeJournals(path);
  renameSync(path, `${path}.damaged`);
}

/** A journal left beside a new database file would be played into it. */
export function removeJournals(path: string): void {
  for (const suffix of ['-wal', '-shm']) rmSync(path + suffix, { force: true });
}

/** Makes the file so that only its owner reads it: it holds statements, as the log does. Its journals get the same mode. */
export function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, 'a', 0o600));
  } catch {
    // Read-only, or no folder: SQLite says so in its own words.
  }
}
