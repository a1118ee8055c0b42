import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../platform/durable-file.ts';
import type { Plan } from './plan.ts';

/**
 * 'failed' is a server whose proof did not hold, kept to be looked at. 'proven' is one that is as planned but was not
 * started, or not stopped cleanly: it is good. 'done' is one that was handed over.
 */
export type RestorePhase = 'loading' | 'replaying' | 'proving' | 'failed' | 'proven' | 'done';

/** How a restore runs: what whoever goes on with it has to know. */
export interface RestoreRun {
  readonly engine: 'applier' | 'session';
  readonly keepPrepared: boolean;
  readonly acceptConflicts: boolean;
  /** Asked for, of a new server; 0 is a free one. */
  readonly port: number;
  readonly serverId: number;
  /** Of the machine when it began, which limit a target's appliers; not in notes of earlier versions. */
  readonly cores?: number | undefined;
  /** Of the machine, when the present phase began: until it is handed over, the server does not survive a power cut. */
  readonly bootId: string | null;
  /** True when the server ended like one that was killed, and nobody has looked yet what that did. */
  readonly fell: boolean;
}

/** The content of `lastgood-restore.json` in a restored data folder: what it is and how far its making came. */
export interface RestoreNote {
  readonly format: 2;
  readonly phase: RestorePhase;
  readonly backup: string;
  readonly lineage: string;
  /** The cut: FILE:POSITION. */
  readonly target: string;
  readonly startedAt: string;
  /** What runs, so that it can go on; null in notes of earlier versions. */
  readonly plan: Plan | null;
  readonly run: RestoreRun | null;
  /** With phase 'failed', 'proven' and 'done': the restore's result, as the command prints it. */
  readonly result: object | null;
}

/** One that this version writes. */
export interface BegunNote extends RestoreNote {
  readonly plan: Plan;
  readonly run: RestoreRun;
}

/** Format 1 had neither plan nor run. */
type StoredNote = Omit<RestoreNote, 'format' | 'plan' | 'run'> & {
  readonly format: number;
  readonly plan?: Plan | null;
  readonly run?: RestoreRun | null;
};

/** Where the note is, for a person. */
export function restoreNotePath(datadir: string): string {
  return join(datadir, 'lastgood-restore.json');
}

/** Durable before the work that it announces: a server that was killed on the way never looks finished. */
export async function writeRestoreNote(datadir: string, note: RestoreNote): Promise<void> {
  await writeFileDurably(restoreNotePath(datadir), `${JSON.stringify(note, null, 2)}\n`);
}

/** Also one of an earlier version. null where none can be read: the folder is of someone else. */
export async function readRestoreNote(datadir: string): Promise<RestoreNote | null> {
  let stored: StoredNote;
  try {
    stored = JSON.parse(await readFile(restoreNotePath(datadir), 'utf8')) as StoredNote;
  } catch {
    return null;
  }
  return { ...stored, format: 2, plan: stored.plan ?? null, run: stored.run ?? null };
}
