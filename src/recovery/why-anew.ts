import type { ServerConnection } from '../server/connection.ts';
import type { AppliedPlace } from './applied-place.ts';
import { isInMemory, readFragileTables, type FragileTable } from './fragile-tables.ts';
import type { Way } from './place-of.ts';
import type { RestoreNote, RestoreRun } from './restore-note.ts';

/** Why nothing of an interrupted restore can be used, as far as its note tells; null when its server has to be looked at. */
export function whyAnew(o: {
  note: Pick<RestoreNote, 'phase'>;
  run: Pick<RestoreRun, 'bootId'>;
  /** Of the machine now. */
  bootId: string | null;
}): string | null {
  const { note, run, bootId } = o;
  if (note.phase === 'loading') return NOT_LOADED;
  return run.bootId === null || run.bootId !== bootId
    ? 'the machine was started anew since, and until it is handed over a server does not survive that'
    : null;
}

export const NOT_LOADED = 'its backup was not loaded to the end';

/** What is known of an interrupted server. */
export interface FoundServer {
  readonly place: AppliedPlace | null;
  readonly way: Way;
  /** Of the server's process since. */
  readonly end: 'none' | 'clean' | 'killed';
  /** True where one applier did not wait for the other: what is done by half may lie behind the place's next group. */
  readonly appliesAtOnce?: boolean;
}

/** Why it is not certain what an interrupted server holds; null when it is exactly the place's groups. */
export async function whyUncertain(
  admin: ServerConnection,
  { place, way, end, appliesAtOnce = false }: FoundServer,
): Promise<string | null> {
  if (place === null) return NO_PLACE[way.engine];
  if (place.temporaryTables)
    return `statements used temporary tables, which are gone with the ${way.engine} that had them`;
  if (way.engine === 'session' && way.phase === 'replaying') return whyBrokenOff(place, await readFragileTables(admin));
  if (end === 'none' && place.halves === null && !appliesAtOnce) return null;
  const tables = await readFragileTables(admin);
  const [lost] = tables.filter(isInMemory);
  if (end !== 'none' && lost !== undefined) return `table ${lost.name} is in memory only, and empty now`;
  return whyHalved(place, tables, { end, appliesAtOnce });
}

const NO_PLACE = {
  applier: 'it stands at no place of the plan',
  session: 'its session has not told a place of the plan that is certain',
};

/** What a session was at ends with it, somewhere: certain is only what the server takes back. */
function whyBrokenOff({ apart }: AppliedPlace, [first]: readonly FragileTable[]): string | null {
  if (first !== undefined) return `a session may have done a part of what comes next, and table ${knowsNone(first)}`;
  return apart === null ? null : `its session may have done ${apart}, or a part of it, and that is no transaction`;
}

function knowsNone({ name, engine }: FragileTable): string {
  return `${name} (${engine}) knows no transactions`;
}

function whyHalved(
  { halves }: AppliedPlace,
  [first]: readonly FragileTable[],
  { end, appliesAtOnce }: Pick<FoundServer, 'end' | 'appliesAtOnce'>,
): string | null {
  const fragile = first === undefined ? null : `table ${knowsNone(first)}`;
  if (end === 'killed' && fragile !== null) return `its server was killed, and ${fragile}`;
  // Seen on MariaDB 10.11.19 with two domains: 63 of 500 rows stayed of the group behind the next one.
  if (appliesAtOnce === true && fragile !== null)
    return `several appliers may have done parts of what comes next, and ${fragile}`;
  if (halves === null) return null;
  if (end === 'killed') return `its server was killed, and may have done a part of ${halves}`;
  // What came of a group stays there when its applier is told to end, and nothing is said of that. Seen on MariaDB 10.11.19.
  return fragile === null ? null : `its applier may have done a part of ${halves}, and ${fragile}`;
}
