import { compareCoordinates, formatCoordinates } from '../binlog/coordinates.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { Lineage } from '../archive/lineage.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { Plan } from '../recovery/plan.ts';
import { connect, describeServer, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { readReplicaStatus, stopApplyingStatement, type ReplicaStatus } from '../server/replica-status.ts';
import type { ServerOptions } from '../server/server-options.ts';

/** A replica that waits on purpose and has not come to the target yet: quicker than any restore. Nothing is done to it. */
export interface DelayedReplica {
  readonly server: string;
  readonly delaySeconds: number;
  /** Until it applies its next group; null when it does not wait now. */
  readonly secondsLeft: number | null;
  /** What it has applied of the primary's log, FILE:POSITION. */
  readonly executed: string;
  /** What keeps it from going on, for a person to run there. */
  readonly statement: string;
}

/**
 * Looks whether the replica stands before the plan's cut because it is delayed.
 *
 * @param lineages of the archive
 * @returns null when it does not, or when it cannot be asked or told: a plan does not need it
 */
export async function findDelayedReplica(
  { target: { resolved }, skipped }: Plan,
  replica: ServerOptions,
  lineages: readonly Lineage[],
): Promise<DelayedReplica | null> {
  const lineage = lineages.find(({ id }) => id === resolved.lineage);
  if (lineage === undefined || skipped.length > 0) return null; // a replica leaves nothing out
  try {
    await using connection = await connect(replica, SHORT_QUESTIONS);
    const status = await readReplicaStatus(connection);
    if (status === null || !standsBefore(status, { connection, lineage, resolved })) return null;
    const { delaySeconds, delayLeftSeconds: secondsLeft, executed } = status;
    if (delaySeconds === 0 || executed === null) return null;
    const statement = stopApplyingStatement(connection);
    return {
      server: describeServer(replica),
      delaySeconds,
      secondsLeft,
      executed: formatCoordinates(executed),
      statement,
    };
  } catch (error) {
    if (isLastgoodError(error) && error.code !== 'INTERRUPTED') return null;
    throw error;
  }
}

/** Several appliers may have run ahead of the place that it tells: then GTIDs decide, where there are any. */
function standsBefore(
  status: ReplicaStatus,
  o: { connection: ServerConnection; lineage: Lineage; resolved: Plan['target']['resolved'] },
): boolean {
  const { executed, gtidApplied, primaryServerId, primaryServerUuid } = status;
  const { connection, lineage, resolved } = o;
  const isItsReplica =
    primaryServerUuid === null || lineage.serverUuid === null
      ? primaryServerId === lineage.serverId
      : primaryServerUuid === lineage.serverUuid;
  if (!isItsReplica || connection.flavor !== lineage.flavor || executed === null) return false;
  if (compareCoordinates(executed, resolved) > 0) return false;
  if (resolved.gtidState === null || gtidApplied === '') return true;
  return isWithin(gtidApplied, resolved.gtidState);
}

/** Writes of its own, or of a domain that the log does not have, make it another server than the target is. */
function isWithin(applied: string, planned: string): boolean {
  if (applied.includes(':')) return GtidSet.parse(planned).includes(GtidSet.parse(applied));
  const position = GtidPosition.parse(planned);
  return GtidPosition.parse(applied)
    .gtids()
    .every(({ domain, sequence }) => (position.last(domain)?.sequence ?? -1) >= sequence);
}
