import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import { SOCKET_PATH_MAX_BYTES } from '../server/local-server.ts';
import { readRestoreNote, type RestorePhase } from './restore-note.ts';

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

/** @throws LastgoodError `TARGET_NOT_EMPTY` unless the folder does not exist or is empty */
export async function requireEmpty(datadir: string): Promise<void> {
  const names = await readNames(datadir);
  if (names.length === 0) return;
  const note = await readRestoreNote(datadir);
  const unfinished = note === null ? undefined : UNFINISHED[note.phase];
  if (note?.phase === 'proven') throw holdsProven(datadir);
  if (unfinished !== undefined) throw await holdsUnfinished(datadir, unfinished);
  throw new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' is not empty: it holds '${names[0] ?? ''}'`, {
    details: { datadir, entries: names.length },
  });
}

/** What a folder holds whose restore was not finished. */
const UNFINISHED: Partial<Record<RestorePhase, string>> = {
  loading: 'an interrupted restore (loading the backup)',
  replaying: 'an interrupted restore (replaying the archive)',
  proving: 'an interrupted restore (proving the result)',
  failed: 'a restore that failed its proof',
};

async function holdsUnfinished(datadir: string, what: string): Promise<LastgoodError> {
  const pid = await runningServer(datadir);
  const running = pid === null ? '' : `, and its server still runs as process ${pid}`;
  const first = pid === null ? 'Remove' : `End process ${pid}, remove`;
  return new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' holds ${what}${running}`, {
    details: { datadir, pid },
    hint: `${first} the folder, then run again; or give another folder.`,
  });
}

/** Its maker was killed after the proof, before the server was handed over: there is nothing to remove. */
function holdsProven(datadir: string): LastgoodError {
  return new LastgoodError('TARGET_NOT_EMPTY', `'${datadir}' holds a proven restore that was not handed over`, {
    details: { datadir },
    hint: `Once no server runs there, start it: mariadbd --defaults-file=${datadir}/lastgood.cnf; or give another folder.`,
  });
}

/** The process of a server on this very folder: a pid in a file may since have been given to another. */
async function runningServer(datadir: string): Promise<number | null> {
  const pid = Number(await readText(join(datadir, 'server.pid')));
  if (!Number.isInteger(pid) || pid <= 0) return null;
  const command = (await readText(`/proc/${pid}/cmdline`)).split('\0');
  return command.includes(`--datadir=${datadir}`) ? pid : null;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return ''; // no such file, no such process, or no Linux
  }
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
