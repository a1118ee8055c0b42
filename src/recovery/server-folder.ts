import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { findProcesses, type ProcessMark } from '../platform/other-processes.ts';
import { SOCKET_PATH_MAX_BYTES } from '../server/local-server.ts';
import { readRestoreNote, type RestorePhase } from './restore-note.ts';
import { shellWord } from '../platform/shell-word.ts';

/** Where a private server has its files: all in its data folder. */
export function serverPaths(datadir: string): { datadir: string; socket: string; errorLog: string } {
  return { datadir, socket: join(datadir, 'server.sock'), errorLog: join(datadir, 'error.log') };
}

/** As `serverPaths`, but under a deep folder with a socket that lasts: its option file names it long after this process. */
export function lastingServerPaths(datadir: string, serverId: number): ReturnType<typeof serverPaths> {
  const paths = serverPaths(datadir);
  const fits = Buffer.byteLength(paths.socket) <= SOCKET_PATH_MAX_BYTES;
  return fits ? paths : { ...paths, socket: `/tmp/lastgood-${serverId}.sock` };
}

/** In the data folder while a restore works there. */
export const FOLDER_LOCK = 'lastgood-restore.lock';

/** Beginnings of what a restore that was killed at once leaves: there is nothing yet that could be lost. */
const BARELY_BEGUN = ['lastgood-restore.lock', 'lastgood-restore.json.partial'];

/** What a person starts the restored server with. */
export function optionFilePath(datadir: string): string {
  return join(datadir, 'lastgood.cnf');
}

/**
 * Tells every server on the folder, and whatever installs one there: those that we started by their argument, those that a person or a
 * service started by where they work. Source: MariaDB 10.11 sql/mysqld.cc, a server goes to its data folder.
 */
export function serverMark(datadir: string): ProcessMark {
  return {
    argument: `--datadir=${datadir}`,
    program: {
      name: /^(?:mariadbd|mysqld)/,
      folder: datadir,
      argument: `--defaults-file=${optionFilePath(datadir)}`,
      pidFile: join(datadir, 'server.pid'),
    },
  };
}

/** @throws LastgoodError `TARGET_NOT_EMPTY` unless the folder does not exist or is empty */
export async function requireEmpty(datadir: string): Promise<void> {
  const names = await readContent(datadir);
  if (names.length === 0) return;
  const note = await readRestoreNote(datadir);
  const unfinished = note === null ? undefined : UNFINISHED[note.phase];
  if (note?.phase === 'proven') throw holdsProven(datadir);
  if (unfinished !== undefined) throw holdsUnfinished(datadir, unfinished);
  throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' is not empty: it holds '${names[0] ?? ''}'`, {
    details: { datadir, entries: names.length },
  });
}

/** Names of what is in it, but for the first traces of a restore; none where it does not exist. @throws LastgoodError `TARGET_NOT_EMPTY` when it cannot be read */
export async function readContent(datadir: string): Promise<string[]> {
  const names = await readNames(datadir);
  return names.filter((name) => !BARELY_BEGUN.some((begun) => name.startsWith(begun)));
}

/** What a folder holds whose restore was not finished. */
const UNFINISHED: Partial<Record<RestorePhase, string>> = {
  loading: 'an interrupted restore (loading the backup)',
  replaying: 'an interrupted restore (replaying the archive)',
  proving: 'an interrupted restore (proving the result)',
  failed: 'a restore that failed its proof',
};

function holdsUnfinished(datadir: string, what: string): LastgoodError {
  const pid = findProcesses(serverMark(datadir))[0] ?? null;
  const running = pid === null ? '' : `, and its server still runs as process ${pid}`;
  const first = pid === null ? 'remove' : `end process ${pid}, remove`;
  return new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' holds ${what}${running}`, {
    details: { datadir, pid },
    hint: `\`lastgood restore --resume --datadir ${shellWord(datadir)}\` goes on with it. To start over: ${first} the folder, then run again; or give another folder.`,
  });
}

/** Its maker was killed after the proof, before the server was handed over: there is nothing to remove. */
function holdsProven(datadir: string): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' holds a proven restore that was not handed over`, {
    details: { datadir },
    hint: `\`lastgood restore --resume --datadir ${shellWord(datadir)}\` proves it again and hands it over; or give another folder.`,
  });
}

/** Removes what is in the folder, but for the names in `keep`. It stays itself: it may be the user's, with an owner and a mode of its own. */
export async function emptyFolder(datadir: string, keep: readonly string[]): Promise<void> {
  for (const name of await readNames(datadir)) {
    if (!keep.includes(name)) await rm(join(datadir, name), { recursive: true, force: true });
  }
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
