import { ApplyingPause } from '../backup/applying-pause.ts';
import { removeUnfinished } from '../backup/interrupted-backups.ts';
import { readReplicationPoint } from '../backup/replication-point.ts';
import type { Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause as sleep, throwIfAborted } from '../platform/wait.ts';
import { connect, describeServer, type ServerConnection } from '../server/connection.ts';
import { readServerFacts } from '../server/facts.ts';
import { startApplying } from '../server/replica-status.ts';
import type { ServerOptions } from '../server/server-options.ts';
import { TARGET_WORDS } from './target-words.ts';
import { holdDefinitions, listTables, readTableStates, type TableState } from './table-state.ts';

/** ER_LOCK_WAIT_TIMEOUT */
const LOCK_WAIT_TIMEOUT = 1205;
const ATTEMPTS = 5;
const ATTEMPT_PAUSE_MS = 1000;

export interface ReferenceOptions {
  readonly replica: ServerOptions;
  readonly primary: ServerConnection;
  /** For the note that tells the next backup to start applying again, should this process die meanwhile. Gone in the end, unless that is still to be done. */
  readonly folder: string;
  readonly log: Logger;
  readonly progress?: (done: { tables: number; totalTables: number }) => void;
  readonly signal?: AbortSignal | undefined;
}

/** Every table of a replica as it was at one point of the primary's log. */
export interface ReplicaReference {
  readonly coordinates: Coordinates;
  readonly gtid: string;
  readonly tables: readonly TableState[];
  /** How long the replica did not apply. */
  readonly stoppedSeconds: number;
}

/**
 * Reads every table of the replica at one point. Applying stops only while the point is read, a snapshot is opened and
 * tables that no snapshot covers are read; rows then come from the snapshot while the replica goes on. CREATE, ALTER,
 * DROP and TRUNCATE of its tables wait until all is read. The caller holds the backup lock and has checked the replica.
 *
 * Source: tried on MariaDB 10.11: CHECKSUM TABLE in a REPEATABLE READ transaction reads the transaction's snapshot.
 *
 * @throws LastgoodError `PREFLIGHT_FAILED` when the replica stands at no certain point, `INTERRUPTED`
 */
export async function readReference(o: ReferenceOptions): Promise<ReplicaReference> {
  await using replica = await connect(o.replica);
  const facts = await readServerFacts(replica);
  await using pause = new ApplyingPause({ folder: o.folder, replica: o.replica, serverId: facts.serverId, log: o.log });
  try {
    return await readStopped({ ...o, connection: replica, pause, logBin: facts.logBin });
  } finally {
    await pause[Symbol.asyncDispose]();
    if (!pause.isStopped) await removeUnfinished(o.folder); // else its note is still needed
  }
}

type Stopped = ReferenceOptions & { connection: ServerConnection; pause: ApplyingPause; logBin: boolean };

async function readStopped(o: Stopped): Promise<ReplicaReference> {
  const { connection: replica, pause } = o;
  const point = await stopAtCertainPoint(o);
  await replica.query('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await replica.query('START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY');
  const tables = await listTables(replica);
  const outside = tables.filter(({ inSnapshot }) => !inSnapshot);
  const inside = tables.filter(({ inSnapshot }) => inSnapshot);
  const states = await readTableStates(replica, outside, { signal: o.signal });
  const progress = (done: { tables: number; totalTables: number }): void => o.progress?.(done);
  try {
    await holdDefinitions(replica, inside);
    await pause.resume();
    states.push(...(await readTableStates(replica, inside, { signal: o.signal, progress })));
  } finally {
    await replica.query('ROLLBACK');
    if (await restartAfterLockWait(replica)) o.log.info('applying had given up waiting for us: started again');
  }
  return { ...point, tables: states, stoppedSeconds: pause.stoppedSeconds };
}

/**
 * An applier waits for held definitions as long as its server's lock_wait_timeout says, a day when nothing was set; then
 * it stops with this error, which is ours to put right. @returns whether it was
 */
async function restartAfterLockWait(replica: ServerConnection): Promise<boolean> {
  const rows = await replica.query<{ Last_SQL_Errno: string | number }>(TARGET_WORDS[replica.flavor].showPrimaries);
  if (!rows.some((row) => Number(row.Last_SQL_Errno) === LOCK_WAIT_TIMEOUT)) return false;
  await startApplying(replica);
  return true;
}

/** Leaves applying stopped where both servers agree on the place. */
async function stopAtCertainPoint(o: Stopped): Promise<{ coordinates: Coordinates; gtid: string }> {
  for (let attempt = 1; ; attempt += 1) {
    throwIfAborted(o.signal);
    await o.pause.stop(o.connection);
    const point = await readReplicationPoint({ replica: o.connection, primary: o.primary, logBin: o.logBin });
    if (typeof point !== 'string') return point.primary;
    await o.pause.resume();
    if (attempt === ATTEMPTS) {
      throw new LastgoodError('PREFLIGHT_FAILED', `the ${describeServer(o.replica)} cannot be compared: ${point}`);
    }
    await sleep(ATTEMPT_PAUSE_MS, o.signal);
  }
}
