import type { ServerConnection } from '../server/connection.ts';
import type { AppliedPlace } from './applied-place.ts';
import { isInMemory, readFragileTables, type FragileTable } from './fragile-tables.ts';
import type { RestoreNote, RestoreRun } from './restore-note.ts';

/** Why nothing of an interrupted restore can be used, as far as its note tells; null when its server has to be looked at. */
export function whyAnew(o: {
  note: Pick<RestoreNote, 'phase'>;
  run: Pick<RestoreRun, 'engine' | 'bootId'>;
  /** Of the machine now. */
  bootId: string | null;
}): string | null {
  const { run, bootId } = o;
  const none = whyNoPlace(o);
  if (none !== null) return none;
  return run.bootId === null || run.bootId !== bootId
    ? 'the machine was started anew since, and until it is handed over a server does not survive that'
    : null;
}

/** Why the server itself does not tell how far its restore came; null when it does. */
export function whyNoPlace({
  note,
  run,
}: {
  note: Pick<RestoreNote, 'phase'>;
  run: Pick<RestoreRun, 'engine'>;
}): string | null {
  if (note.phase === 'loading') return 'its backup was not loaded to the end';
  return run.engine === 'session' ? 'a session does not keep its place' : null;
}

/** What is known of an interrupted server. */
export interface FoundServer {
  readonly place: AppliedPlace | null;
  /** Of the server's process since. */
  readonly end: 'none' | 'clean' | 'killed';
  /** True where one applier did not wait for the other: what is done by half may lie behind the place's next group. */
  readonly appliesAtOnce?: boolean;
}

/** Why it is not certain what an interrupted server holds; null when it is exactly the place's groups. */
export async function whyUncertain(
  admin: ServerConnection,
  { place, end, appliesAtOnce = false }: FoundServer,
): Promise<string | null> {
  if (place === null) return 'it stands at no place of the plan';
  if (place.temporaryTables) return 'statements used temporary tables, which are gone with the applier that had them';
  if (end === 'none' && place.halves === null && !appliesAtOnce) return null;
  const tables = await readFragileTables(admin);
  const [lost] = tables.filter(isInMemory);
  if (end !== 'none' && lost !== undefined) return `table ${lost.name} is in memory only, and empty now`;
  return whyHalved(place, tables, { end, appliesAtOnce });
}

function whyHalved(
  { halves }: AppliedPlace,
  [first]: readonly FragileTable[],
  { end, appliesAtOnce }: Pick<FoundServer, 'end' | 'appliesAtOnce'>,
): string | null {
  const fragile = first === undefined ? null : `table ${first.name} (${first.engine}) knows no transactions`;
  if (end === 'killed' && fragile !== null) return `its server was killed, and ${fragile}`;
  // Seen on MariaDB 10.11.19 with two domains: 63 of 500 rows stayed of the group behind the next one.
  if (appliesAtOnce === true && fragile !== null)
    return `several appliers may have done parts of what comes next, and ${fragile}`;
  if (halves === null) return null;
  if (end === 'killed') return `its server was killed, and may have done a part of ${halves}`;
  // What came of a group stays there when its applier is told to end, and nothing is said of that. Seen on MariaDB 10.11.19.
  return fragile === null ? null : `its applier may have done a part of ${halves}, and ${fragile}`;
}
