import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';
import type { AppliedPlace } from './applied-place.ts';
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
  const tables = await tablesWithoutTransactions(admin);
  const [lost] = tables.filter(({ engine }) => engine === 'MEMORY');
  if (lost !== undefined) return `table ${lost.name} is in memory only, and empty now`;
  if (endedCleanly) return null;
  const [first] = tables;
  if (first !== undefined)
    return `its server was killed, and table ${first.name} (${first.engine}) knows no transactions`;
  return place.halves === null ? null : `its server was killed, and may have done a part of ${place.halves}`;
}

async function tablesWithoutTransactions(admin: ServerConnection): Promise<{ name: string; engine: string }[]> {
  return await admin.query<{ name: string; engine: string }>(
    `SELECT CONCAT(TABLE_SCHEMA, '.', TABLE_NAME) AS name, ENGINE AS engine FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND TABLE_TYPE NOT LIKE '%VIEW' AND ENGINE <> 'InnoDB'
     ORDER BY name`,
  );
}
