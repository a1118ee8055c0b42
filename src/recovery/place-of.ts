import type { Repository } from '../archive/repository.ts';
import type { ServedIdentity } from '../server/served-range.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readGtidState } from './applier.ts';
import { findAppliedPlace, type AppliedPlace, type Reached } from './applied-place.ts';
import { hasGtids, setBeginState } from './begin-state.ts';
import { openPlanRanges } from './plan-ranges.ts';
import type { Plan } from './plan.ts';
import type { RestoreRun, RestorePhase } from './restore-note.ts';
import { readKeptPlace } from './session/place-table.ts';

/** How a restore came where it is. */
export interface Way {
  readonly engine: RestoreRun['engine'];
  readonly phase: RestorePhase;
}

/**
 * How far into the plan a server is that nothing is at work on; null when it is at no place of it, or does not tell.
 *
 * @throws LastgoodError `ARCHIVE_DAMAGED`
 */
export async function placeOf(
  connection: ServerConnection,
  { repository, plan, signal }: { repository: Repository; plan: Plan; signal?: AbortSignal | undefined },
  way: Way,
): Promise<AppliedPlace | null> {
  const { identity, ranges } = await openPlanRanges(repository, plan);
  const reached = await reachedBy(connection, identity, way);
  return reached === null ? null : await findAppliedPlace(ranges, reached, signal);
}

/** A server's GTIDs tell its place; on MariaDB only once a session is at its end, and without GTIDs never. */
async function reachedBy(
  connection: ServerConnection,
  { flavor, gtidState: before }: ServedIdentity,
  { engine, phase }: Way,
): Promise<Reached | null> {
  const isMysql = flavor === 'mysql';
  const kept = engine === 'session' ? await readKeptPlace(connection) : null;
  if (engine === 'session' && phase === 'replaying' && kept === null) return null;
  if (isMysql && (await hasGtids(connection))) return await reachedByGtids(connection, flavor, before);
  if (kept !== null && (isMysql || before !== null)) return { flavor, before: before ?? '', kept };
  return isMysql ? null : await reachedByGtids(connection, flavor, before);
}

async function reachedByGtids(
  connection: ServerConnection,
  flavor: ServedIdentity['flavor'],
  before: string | null,
): Promise<Reached | null> {
  if (before === null) return null;
  const state = await readGtidState(connection);
  // Nothing is applied yet, not even where to begin.
  if (state === '' && before !== '') await setBeginState(connection, before);
  return { flavor, before, state: state === '' ? before : state };
}
