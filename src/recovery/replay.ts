import { formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { LastgoodError } from '../platform/errors.ts';
import type { Logger } from '../platform/logger.ts';
import { pause, throwIfAborted, unlessAborted, within } from '../platform/wait.ts';
import { startArchiveServer, type ArchiveServer } from '../server/archive-server.ts';
import { addressOf, type ServerConnection } from '../server/connection.ts';
import type { ServedIdentity, ServedRange } from '../server/served-range.ts';
import { attach, detach, readApplier, readGtidState, startApplier, type ApplierStatus } from './applier.ts';
import { setBeginState } from './begin-state.ts';

const POLL_MS = 100;
const DETACH_MS = 5000;

export interface ReplayOptions {
  /** An account with all privileges on a server whose id is in none of the events, and that replicates nothing. */
  readonly target: ServerConnection;
  readonly identity: ServedIdentity;
  /** In order; empty when there is nothing to replay. */
  readonly ranges: readonly ServedRange[];
  /** Of the plan's groups so many are applied: the applier goes on from its own GTID state; a session has the rest in `ranges`. */
  readonly groupsBefore?: number | undefined;
  /** A session tells the target how far it is, for one that goes on; appliers do so by themselves. */
  readonly keepsPlace?: boolean | undefined;
  readonly log: Logger;
  /** Bytes of the ranges applied so far. */
  readonly progress?: (done: { bytes: number; totalBytes: number }) => void;
  readonly signal?: AbortSignal | undefined;
}

/** What the target's applier has done. */
export interface Replayed {
  /** null where nothing counts them: the applier of MySQL without GTIDs. */
  readonly groups: number | null;
  readonly gtidState: string;
  /** null when there was nothing to replay. */
  readonly executed: Coordinates | null;
}

/**
 * Has the target apply exactly the ranges: it becomes a replica of an archive server on loopback, which offers
 * nothing else, until it has applied the last event, and is no replica again afterwards. After an error the
 * target holds a part of them: it must be thrown away.
 *
 * @throws LastgoodError `TOOL_FAILED` with the applier's own message, `ARCHIVE_DAMAGED`, `INTERRUPTED`
 */
export async function replay(options: ReplayOptions, detachWithinMs = DETACH_MS): Promise<Replayed> {
  const { target, identity, ranges, log, signal } = options;
  throwIfAborted(signal);
  if (identity.gtidState !== null && options.groupsBefore === undefined)
    await setBeginState(target, identity.gtidState);
  const [first] = ranges;
  if (first === undefined) return { groups: 0, gtidState: await readGtidState(target), executed: null };
  await using archive = await startArchiveServer({ identity, ranges, log });
  const coordinates = { file: first.file, position: first.from };
  await attach(target, { archive, coordinates, byGtid: isByGtid(identity) });
  const groupsBefore = (await readApplier(target))?.groups ?? null;
  let done: ApplierStatus;
  try {
    await startApplier(target);
    done = await watch(archive, options);
  } catch (error) {
    // The first error says why; the target is thrown away. One whose relay log has no room does not answer: seen on MariaDB 10.11.19.
    const detached = detach(target).catch(() => undefined);
    await within(detachWithinMs, detached, undefined);
    throw error;
  }
  await detach(target);
  const groups = done.groups === null || groupsBefore === null ? null : done.groups - groupsBefore;
  return { groups, gtidState: done.gtidState, executed: done.executed };
}

function isByGtid({ flavor, gtidState, gtidMode }: ServedIdentity): boolean {
  return flavor === 'mariadb' ? gtidState !== null : gtidMode === 'ON';
}

/** Polls until the applier stands where everything is applied. */
async function watch(
  archive: ArchiveServer,
  { target, ranges, progress, signal }: ReplayOptions,
): Promise<ApplierStatus> {
  const totalBytes = ranges.reduce((sum, { from, to }) => sum + to - from, 0);
  for (;;) {
    const { reached } = archive; // read first: what the applier says afterwards is at least as new
    const status = await unlessAborted(readApplier(target), signal);
    if (status === null)
      throw new LastgoodError('TOOL_FAILED', `the ${describe(target)} has forgotten that it is a replica`);
    throwIfFailed(target, archive, status);
    progress?.({ bytes: bytesUpTo(ranges, status.executed), totalBytes });
    if (reached !== null && isSame(status.executed, reached)) return status;
    await pause(POLL_MS, signal);
  }
}

function throwIfFailed(target: ServerConnection, { failure }: ArchiveServer, status: ApplierStatus): void {
  if (failure !== null) throw failure as Error;
  const { executed, applyError, receiveError } = status;
  const error = applyError ?? receiveError;
  if (error === null) return;
  const does = applyError === null ? 'receive' : 'apply';
  const where = formatCoordinates(executed);
  throw new LastgoodError('TOOL_FAILED', `the ${describe(target)} cannot ${does} what follows ${where}: ${error}`, {
    details: { file: executed.file, position: executed.position },
  });
}

/** Not as whom: the account is one of ours. */
function describe({ options }: ServerConnection): string {
  return `${options.name} (${addressOf(options)})`;
}

function bytesUpTo(ranges: readonly ServedRange[], { file, position }: Coordinates): number {
  const reached = ranges.findLastIndex((range) => range.file === file && range.from <= position);
  const done = ({ from, to }: ServedRange, index: number): number => {
    if (index !== reached) return index < reached ? to - from : 0;
    return Math.min(Math.max(position - from, 0), to - from);
  };
  return ranges.reduce((sum, range, index) => sum + done(range, index), 0);
}

/** A server's positions are four bytes wide and begin again at 0 in a larger file. */
function isSame(a: Coordinates, b: Coordinates): boolean {
  return a.file === b.file && a.position % 2 ** 32 === b.position % 2 ** 32;
}
