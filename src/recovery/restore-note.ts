import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileDurably } from '../platform/durable-file.ts';

/**
 * 'failed' is a server whose proof did not hold, kept to be looked at. 'proven' is one that is as planned but was not
 * started, or not stopped cleanly: it is good. 'done' is one that was handed over.
 */
export type RestorePhase = 'loading' | 'replaying' | 'proving' | 'failed' | 'proven' | 'done';

/** The content of `lastgood-restore.json` in a restored data folder: what it is and how far its making came. */
export interface RestoreNote {
  readonly format: 1;
  readonly phase: RestorePhase;
  readonly backup: string;
  readonly lineage: string;
  /** The cut: FILE:POSITION. */
  readonly target: string;
  readonly startedAt: string;
  /** With phase 'failed', 'proven' and 'done': the restore's result, as the command prints it. */
  readonly result: object | null;
}

/** Where the note is, for a person. */
export function restoreNotePath(datadir: string): string {
  return join(datadir, 'lastgood-restore.json');
}

/** Durable before the work that it announces: a server that was killed on the way never looks finished. */
export async function writeRestoreNote(datadir: string, note: RestoreNote): Promise<void> {
  await writeFileDurably(restoreNotePath(datadir), `${JSON.stringify(note, null, 2)}\n`);
}

/** null where none can be read: the folder is of someone else. */
export async function readRestoreNote(datadir: string): Promise<RestoreNote | null> {
  try {
    return JSON.parse(await readFile(restoreNotePath(datadir), 'utf8')) as RestoreNote;
  } catch {
    return null;
  }
}
