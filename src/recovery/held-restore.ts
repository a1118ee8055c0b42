import { basename } from 'node:path';
import { LastgoodError } from '../platform/errors.ts';
import type { Lock } from '../platform/lock.ts';
import { endProcesses, findProcesses } from '../platform/other-processes.ts';
import { requireSilent } from '../server/socket-in-use.ts';
import { saysGoodbye } from './goodbye.ts';
import { parsePlan } from './parse-plan.ts';
import type { Plan } from './plan.ts';
import { claimFolder } from './restore-folder.ts';
import { readRestoreNote, restoreNotePath, type RestoreNote, type RestoreRun } from './restore-note.ts';
import { PATIENCE } from './scratch-server.ts';
import { lastingServerPaths, readContent, serverMark, serverPaths } from './server-folder.ts';

/** An earlier restore's folder, which nobody else works in until this is disposed of. */
export interface HeldRestore extends AsyncDisposable {
  readonly datadir: string;
  readonly note: RestoreNote;
  readonly plan: Plan;
  readonly run: RestoreRun;
  readonly lock: Lock;
}

/**
 * Takes a folder that an earlier restore has left.
 *
 * @throws LastgoodError `NOTHING_TO_RESUME` for what is no such folder, `FILE_UNREADABLE`, `LOCKED` while somebody works there, `PLAN_INVALID`
 */
export async function holdRestore(datadir: string): Promise<HeldRestore> {
  await readOwnNote(datadir); // before anything is written there
  const lock = await claimFolder(datadir);
  try {
    const { note, run } = await readOwnNote(datadir);
    const plan = parsePlan(JSON.stringify(note.plan), restoreNotePath(datadir));
    return { datadir, note, plan, run, lock, [Symbol.asyncDispose]: () => lock[Symbol.asyncDispose]() };
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
}

async function readOwnNote(datadir: string): Promise<{ note: RestoreNote; run: RestoreRun }> {
  const note = await readRestoreNote(datadir);
  if (note === null) throw await noRestore(datadir);
  if (note.run !== null && note.plan !== null) return { note, run: note.run };
  throw new LastgoodError('NOTHING_TO_RESUME', `'${datadir}' holds a restore of an earlier version, without its plan`, {
    details: { datadir },
    hint: 'Restore into another folder, or remove this one first.',
  });
}

/** One that was interrupted before it wrote anything is begun again like any other. */
async function noRestore(datadir: string): Promise<LastgoodError> {
  const names = await readContent(datadir);
  const path = restoreNotePath(datadir);
  if (names.includes(basename(path))) {
    return new LastgoodError('FILE_UNREADABLE', `the note of a restore cannot be read: '${path}'`, {
      details: { datadir },
    });
  }
  const isEmpty = names.length === 0;
  const found = isEmpty
    ? 'the folder is empty, or does not exist'
    : `the folder holds '${names[0] ?? ''}', and no restore`;
  const start = 'lastgood restore TARGET --datadir';
  return new LastgoodError('NOTHING_TO_RESUME', `there is no restore to resume in '${datadir}': ${found}`, {
    details: { datadir },
    hint: isEmpty
      ? `Is it the folder that --datadir named? To start a restore there: \`${start} ${datadir}\`; \`lastgood incidents\` lists what TARGET can name.`
      : `Is it the folder that --datadir named? A restore is started in an empty one: \`${start} DIR\`.`,
  });
}

/** True while a server runs there. */
export function hasServer({ datadir }: Pick<HeldRestore, 'datadir'>): boolean {
  return findProcesses(serverMark(datadir)).length > 0;
}

/**
 * Ends whatever runs on the folder: cleanly, unless what it holds is thrown away.
 *
 * @returns true when the server there ended cleanly, now or before
 * @throws LastgoodError `TOOL_FAILED`; `PREFLIGHT_FAILED` when one is left that we may not end, or cannot see
 */
export async function endServer({ datadir, note, run }: HeldRestore): Promise<boolean> {
  const signal = note.phase === 'loading' ? 'SIGKILL' : 'SIGTERM';
  await endProcesses(serverMark(datadir), { signal, timeoutMs: PATIENCE.stopTimeoutMs });
  await requireSilent(lastingServerPaths(datadir, run.serverId).socket);
  return !run.fell && (await saysGoodbye(serverPaths(datadir).errorLog));
}
