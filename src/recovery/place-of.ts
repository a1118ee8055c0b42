import type { Repository } from '../archive/repository.ts';
import type { ServerConnection } from '../server/connection.ts';
import { readGtidState } from './applier.ts';
import { findAppliedPlace, type AppliedPlace } from './applied-place.ts';
import { openPlanRanges } from './plan-ranges.ts';
import type { Plan } from './plan.ts';

/** How far into the plan a server is whose applier stands still; null when it is at no place of it. @throws LastgoodError `ARCHIVE_DAMAGED` */
export async function placeOf(
  connection: ServerConnection,
  { repository, plan, signal }: { repository: Repository; plan: Plan; signal?: AbortSignal | undefined },
): Promise<AppliedPlace | null> {
  const { identity, ranges } = await openPlanRanges(repository, plan);
  const before = identity.gtidState;
  if (before === null) return null;
  const state = await readGtidState(connection);
  // Nothing is applied yet, not even where to begin.
  if (state === '' && before !== '') await connection.query('SET GLOBAL gtid_slave_pos = ?', [before]);
  return await findAppliedPlace(ranges, { before, state: state === '' ? before : state }, signal);
}
