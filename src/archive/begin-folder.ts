/**
 * Where a repository may be begun. Enters: a folder's path. Leaves: nothing, or the refusal. Among the files of something else, such as a
 * server's data folder, nothing is begun: a server takes our folders for schemas, and nobody could tell later what belongs to whom.
 */
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { isNoFolder, readFolder } from './presence.ts';
import { recordGone } from './stored-records.ts';

/** The folders that a begin makes, before the record that says that there is a repository. */
export const REPOSITORY_FOLDERS = ['lineages', 'backups', 'rehearsals'] as const;
export const REPOSITORY_RECORD = 'repository.json';

/** What a file system or a storage device makes, and a begin that was killed leaves. */
const HARMLESS: ReadonlySet<string> = new Set([
  'lost+found',
  'aquota.user',
  'aquota.group',
  '@eaDir',
  '#recycle',
  'System Volume Information',
  `${REPOSITORY_RECORD}.partial`,
]);

/** What a person keeps beside `url = "."`: the configuration, files that it names, notes. `password` alone is such a name, too. */
const KEPT_BESIDE = /(?:^|\.)(?:toml|key|pem|password|txt|env|log|md)$/;

/** Nothing of these is there before the record: where they are, it was lost. */
const LATER_THAN_RECORD =
  /^(?:archiver-.+\.(?:json|lock)|alerts-.+\.jsonl|catalog\.sqlite|ledger\.jsonl|pins\.jsonl|backup\.lock$)/;

/**
 * @throws LastgoodError `REPOSITORY_MISSING` for a folder that holds anything that is not ours or harmless, of which it names one thing;
 * `REPOSITORY_UNREADABLE`, also for a repository that lost its record
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
 * @throws LastgoodError `REPOSITORY_UNREADABLE`, also for a repository that lost its record
 */
export async function findForeign(path: string): Promise<string | null> {
  const names = await readVisible(path);
  if (names.includes(REPOSITORY_RECORD)) return null;
  const later = names.find((name) => LATER_THAN_RECORD.test(name));
  if (later !== undefined) throw lostRecord(path, later);
  for (const name of names) if (!isOurs(name) && !(await isHarmless(path, name))) return name;
  for (const name of names.filter(isOurs)) {
    const [inside] = await readVisible(join(path, name));
    if (inside !== undefined) throw lostRecord(path, join(name, inside)); // what a begin leaves is empty
  }
  return null;
}

function lostRecord(path: string, found: string): LastgoodError {
  return recordGone(join(path, REPOSITORY_RECORD), `'${found}' is`);
}

async function isHarmless(path: string, name: string): Promise<boolean> {
  return HARMLESS.has(name) || (KEPT_BESIDE.test(name) && (await isNoFolder(join(path, name))));
}

/** Hidden files are a user's or a file system's own. */
async function readVisible(path: string): Promise<string[]> {
  return (await readFolder(path, [])).filter((name) => !name.startsWith('.')).sort();
}

function isOurs(name: string): boolean {
  return REPOSITORY_FOLDERS.some((folder) => folder === name);
}
