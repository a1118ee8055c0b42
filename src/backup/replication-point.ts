import type { Coordinates } from '../binlog/coordinates.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { LastgoodError, type ErrorCode } from '../platform/errors.ts';
import { gtidStateAt, readBinlogEnd } from '../server/binary-logs.ts';
import { describeServer, type ServerConnection } from '../server/connection.ts';
import { readReplicaStatus, type ReplicaStatus } from '../server/replica-status.ts';

/** Who the primary is, as it says itself. */
export interface PrimaryIdentity {
  readonly serverId: number;
  readonly serverUuid: string | null;
}

/** A point in both logs: never one taken for the other. */
export interface ReplicationPoint {
  /** What the replica has applied, in the primary's log. */
  readonly primary: { readonly coordinates: Coordinates; readonly gtid: string };
  /** Where the replica's own log stands; null when it writes none. */
  readonly replica: { readonly coordinates: Coordinates; readonly gtid: string } | null;
}

/**
 * Refuses a replica from which no backup can be taken that fits the primary's archive.
 *
 * @throws LastgoodError `IDENTITY_MISMATCH`, `PREFLIGHT_FAILED`
 */
export async function checkReplica(replica: ServerConnection, primary: PrimaryIdentity): Promise<ReplicaStatus> {
  const status = await readReplicaStatus(replica);
  const server = describeServer(replica.options);
  if (status === null) throw refusal('IDENTITY_MISMATCH', `the ${server} is no replica`);
  if (status.primaryServerId === 0) {
    throw refusal(
      'PREFLIGHT_FAILED',
      `the ${server} has not met its primary since it started: ${status.ioError ?? 'its I/O thread is stopped'}`,
    );
  }
  checkIdentity(status, primary, server);
  if (status.sqlError !== null) throw refusal('PREFLIGHT_FAILED', `the ${server} stopped applying: ${status.sqlError}`);
  if (!status.sqlRunning) throw refusal('PREFLIGHT_FAILED', `the ${server} does not apply: its SQL thread is stopped`);
  if (status.filters.length > 0) {
    throw refusal(
      'PREFLIGHT_FAILED',
      `the ${server} leaves out part of the primary's log: ${status.filters.join(', ')}`,
    );
  }
  return status;
}

/**
 * Reads where a replica stands whose SQL thread is stopped.
 *
 * @returns the point, or in words why it cannot be relied on now
 */
export async function readReplicationPoint(o: {
  replica: ServerConnection;
  primary: ServerConnection;
  /** Whether the replica writes a log of its own. */
  logBin: boolean;
}): Promise<ReplicationPoint | string> {
  const status = await readReplicaStatus(o.replica);
  if (status === null || status.executed === null) return 'it has not applied anything yet';
  if (status.openTempTables > 0) {
    return `replicated statements have ${status.openTempTables} temporary tables open, which no dump holds`;
  }
  const prepared = await o.replica.query('XA RECOVER');
  if (prepared.length > 0) return `it has ${prepared.length} prepared XA transactions, which no dump holds`;
  const { executed: coordinates, gtidApplied: gtid } = status;
  const contradiction = await contradictionAt(o.primary, coordinates, gtid);
  if (contradiction !== null) return contradiction;
  const end = o.logBin ? await readBinlogEnd(o.replica) : null;
  return {
    primary: { coordinates, gtid },
    replica: end === null ? null : { coordinates: end.coordinates, gtid: end.gtidState },
  };
}

function checkIdentity(status: ReplicaStatus, primary: PrimaryIdentity, server: string): void {
  const sameUuid = primary.serverUuid === null || status.primaryServerUuid === primary.serverUuid;
  if (status.primaryServerId === primary.serverId && sameUuid) return;
  const theirs = `server ${status.primaryServerId} at ${status.primaryHost}:${status.primaryPort}`;
  throw refusal(
    'IDENTITY_MISMATCH',
    `the ${server} replicates from ${theirs}, but [primary] is server ${primary.serverId}`,
  );
}

/**
 * After a crash a replica in GTID mode may show coordinates older than its data until it has met its primary
 * again, and with out-of-order domains no single place in the file is right. The primary can tell: at the
 * coordinates its own log must have exactly the GTIDs that the replica has applied.
 *
 * Source: seen on MariaDB 10.11, where relay-log.info is not written in the applied transaction.
 */
async function contradictionAt(
  primary: ServerConnection,
  at: Coordinates,
  gtidApplied: string,
): Promise<string | null> {
  const state = await gtidStateAt(primary, at);
  if (state === null) return null; // a file the primary no longer has cannot be asked about
  const applied = GtidPosition.parse(gtidApplied);
  const differs = GtidPosition.parse(state)
    .gtids()
    .some(({ domain, server, sequence }) => {
      const last = applied.last(domain);
      return last !== undefined && (last.server !== server || last.sequence !== sequence);
    });
  if (!differs) return null;
  return `it applied ${gtidApplied}, but its coordinates ${at.file}:${at.position} stand for ${state}`;
}

function refusal(code: ErrorCode, message: string): LastgoodError {
  return new LastgoodError(code, message);
}
