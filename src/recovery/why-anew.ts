import type { ServerConnection } from '../server/connection.ts';
import type { AppliedPlace } from './applied-place.ts';
import { isInMemory, readFragileTables } from './fragile-tables.ts';
import type { RestoreNote, RestoreRun } from './restore-note.ts';

/** Why nothing of an interrupted restore can be used, as far as its note tells; null when its server has to be looked at. */
export function whyAnew(o: {
  note: Pick<RestoreNote, 'phase'>;
  run: Pick<RestoreRun, 'engine' | 'bootId'>;
  /** Of the machine now. */
  bootId: string | null;
}): string | null {
  const { note, run, bootId } = o;
  if (note.phase === 'loading') return 'its backup was not loaded to the end';
  if (run.engine === 'session') return 'a session does not keep its place';
  return run.bootId === null || run.bootId !== bootId
    ? 'the machine was started anew since, and until it is handed over a server does not survive that'
    : null;
}

/** Why it is not certain what an interrupted server holds; null when it is exactly the place's groups. */
export async function whyUncertain(
  admin: ServerConnection,
  { place, endedCleanly }: { place: AppliedPlace | null; endedCleanly: boolean },
): Promise<string | null> {
  if (place === null) return 'it stands at no place of the plan';
  if (place.temporaryTables) return 'statements used temporary tables, which are gone with the server that had them';
  const tables = await readFragileTables(admin);
  const [lost] = tables.filter(isInMemory);
  if (lost !== undefined) return `table ${lost.name} is in memory only, and empty now`;
  if (endedCleanly) return null;
  const [first] = tables;
  if (first !== undefined)
    return `its server was killed, and table ${first.name} (${first.engine}) knows no transactions`;
  return place.halves === null ? null : `its server was killed, and may have done a part of ${place.halves}`;
}
