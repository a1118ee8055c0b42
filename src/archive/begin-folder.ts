/**
 * Where a repository may be begun. Enters: a folder's path. Leaves: nothing, or the refusal. Among the files of something else, such as a
 * server's data folder, nothing is begun: a server takes our folders for schemas, and nobody could tell later what belongs to whom.
 */
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { readFolder } from './presence.ts';

/** The folders that a begin makes, before the record that says that there is a repository. */
export const REPOSITORY_FOLDERS = ['lineages', 'backups', 'rehearsals'] as const;
export const REPOSITORY_RECORD = 'repository.json';

/** What a file system makes, a begin that was killed leaves, and a person keeps beside `url = "."`. */
const HARMLESS: ReadonlySet<string> = new Set(['lost+found', `${REPOSITORY_RECORD}.partial`, 'lastgood.toml']);

/**
 * @throws LastgoodError `REPOSITORY_MISSING` for a folder that holds anything that is not ours or harmless, of which it names one thing;
 * `REPOSITORY_UNREADABLE`
 */
export async function refuseUsedFolder(path: string): Promise<void> {
  const found = await findForeign(path);
  if (found === null) return;
  throw new LastgoodError(
    'REPOSITORY_MISSING',
    `no repository at '${path}', and none is begun there: ${holds(found)}`,
    {
      details: { path, found },
      hint: EMPTY_FOLDER,
    },
  );
}

/** What to do about such a folder. */
export const EMPTY_FOLDER =
  'Is repository.url right? Give a folder that is empty or does not exist yet: `lastgood archive` makes the repository there.';

/** Why nothing is begun in it, in words. */
export function holds(found: string): string {
  return `the folder holds '${found}', which is not of an archive`;
}

/**
 * The first thing in the folder that keeps a repository from being begun there, by its path in it; null for none, and where one was begun
 * meanwhile.
 *
 * @throws LastgoodError `REPOSITORY_UNREADABLE`
 */
export async function findForeign(path: string): Promise<string | null> {
  const names = await readVisible(path);
  if (names.includes(REPOSITORY_RECORD)) return null;
  for (const name of names.filter((name) => !HARMLESS.has(name))) {
    if (!isOurs(name)) return name;
    const [inside] = await readVisible(join(path, name));
    if (inside !== undefined) return join(name, inside); // what a begin leaves is empty
  }
  return null;
}

/** Hidden files are a user's or a file system's own. */
async function readVisible(path: string): Promise<string[]> {
  return (await readFolder(path, [])).filter((name) => !name.startsWith('.')).sort();
}

function isOurs(name: string): boolean {
  return REPOSITORY_FOLDERS.some((folder) => folder === name);
}
