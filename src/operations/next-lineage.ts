/**
 * What an archiver does when its source no longer has the history that is archived. Enters: why. Leaves: a new lineage, with a
 * verified hand-over or without one, and what was lost in the ledger; or a refusal. The old lineage stays as it is.
 */
import { archivedLog } from '../archive/archived-log.ts';
import { findCommonPlace, type CommonPlace } from '../archive/hand-over.ts';
import type { HandOver, Lineage } from '../archive/lineage.ts';
import type { Repository } from '../archive/repository.ts';
import { strandedGroups, type StrandedGroups } from '../archive/stranded-groups.ts';
import { compareCoordinates, FIRST_EVENT_OFFSET, formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import { parseGtidState } from '../binlog/gtid-text.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { describeServer } from '../server/connection.ts';
import { readReplicaStatus } from '../server/replica-status.ts';
import type { Continuation } from './archive-start.ts';
import { newLineage } from './begin-lineage.ts';
import { checkSealedBytes, findSharedEnd } from './shared-end.ts';
import { sourceLog, type Source } from './source-log.ts';

/** The lineage that is archived no further, and where its archive ends. */
export interface OldLineage {
  readonly repository: Repository;
  readonly lineage: Lineage;
  readonly end: Coordinates;
  /** GTID state at its end; null when the log does not say, or when nothing is archived. */
  readonly gtidEnd: string | null;
  readonly signal: AbortSignal;
}

export interface NewHistory {
  readonly lineage: Lineage;
  /** What was lost, in one sentence; null when nothing was. */
  readonly loss: string | null;
}

/**
 * Begins the lineage with which archiving goes on. What is lost by that stands in the ledger before the lineage exists.
 *
 * @param options.takeUnrelated true: also another server's log that does not continue the archived one
 * @throws LastgoodError `LINEAGE_MISMATCH` for such a server, and with `details.waiting` for a replica that has not applied yet
 * what it has; `ARCHIVE_DAMAGED` when the archive's own bytes have changed
 */
export async function beginNextLineage(
  old: OldLineage,
  source: Source,
  options: { continuation: Exclude<Continuation, { kind: 'same' }>; takeUnrelated: boolean },
): Promise<NewHistory> {
  const { continuation } = options;
  if (continuation.kind === 'purged' || continuation.kind === 'unreadable')
    return await goOnBehindGap(old, source, gapOf(continuation));
  const isSameServer = continuation.kind === 'other-history';
  // Before its log is read: what it applies meanwhile must not look as if it never came.
  const applying = isSameServer ? NOTHING_TO_APPLY : await readApplying(old, source);
  const place = isSameServer ? await findShortened(old, source) : await findHandOver(old, source);
  if (place !== null) return await handOver(old, source, { place, isSameServer, applying });
  if (isSameServer || options.takeUnrelated) return await breakOff(old, source, continuation.why);
  throw new LastgoodError(
    'LINEAGE_MISMATCH',
    `the ${describeServer(source.primary)} is not the server of lineage '${old.lineage.id}' and its binary log does not continue it by GTID: ${continuation.why}`,
    {
      details: { lineage: old.lineage.id, archivedTo: formatCoordinates(old.end), gtid: old.gtidEnd },
      hint: 'Is [primary] the right server, and has it log_slave_updates and the log of the failover still? `lastgood archive --new-lineage` archives it as a history of its own; no restore crosses from one to the other.',
    },
  );
}

/** What is not archived, and with which file it goes on. */
interface MissingBytes {
  readonly from: Coordinates;
  readonly next: string;
  readonly why: string;
  /** As a sentence about FROM and TO. */
  readonly told: (from: string, to: string) => string;
}

function gapOf(continuation: Extract<Continuation, { kind: 'purged' | 'unreadable' }>): MissingBytes {
  const { kind, from } = continuation;
  if (kind === 'purged') {
    const why = 'the source purged its files before they were archived';
    const told: MissingBytes['told'] = (begin, to) => `the source has purged ${begin} to ${to} before it was archived`;
    return { from, next: continuation.oldest, why, told };
  }
  const why = 'the source could not read its own log on from there';
  const told: MissingBytes['told'] = (begin, to) => `the source cannot read ${begin} to ${to} of its own log`;
  return { from, next: continuation.next, why, told };
}

async function goOnBehindGap(
  old: OldLineage,
  source: Source,
  { from, next, why, told }: MissingBytes,
): Promise<NewHistory> {
  const lineage = await newLineage(source, { file: next, parent: old.lineage, handOver: null });
  const to = formatCoordinates({ file: next, position: FIRST_EVENT_OFFSET });
  const facts = { lineage: old.lineage.id, from: formatCoordinates(from), to, child: lineage.id };
  await old.repository.ledger.record({ kind: 'gap', ...facts, why, noticedAt: now() });
  await old.repository.writeLineage(lineage);
  const loss = `${told(facts.from, to)}: lineage '${lineage.id}' goes on behind the gap, take a new backup`;
  return { lineage, loss };
}

async function breakOff(old: OldLineage, source: Source, why: string): Promise<NewHistory> {
  const file = source.logs[0]?.file ?? '';
  const lineage = await newLineage(source, { file, parent: old.lineage, handOver: null });
  const to = formatCoordinates({ file, position: FIRST_EVENT_OFFSET });
  const facts = { lineage: old.lineage.id, from: formatCoordinates(old.end), to, child: lineage.id };
  await old.repository.ledger.record({ kind: 'break', ...facts, why, noticedAt: now() });
  await old.repository.writeLineage(lineage);
  const loss = `the source's binary log is not the history of lineage '${old.lineage.id}' any more: ${why}; lineage '${lineage.id}' begins, take a new backup`;
  return { lineage, loss };
}

async function handOver(
  old: OldLineage,
  source: Source,
  { place, isSameServer, applying }: { place: CommonPlace; isSameServer: boolean; applying: Applying },
): Promise<NewHistory> {
  const { repository, lineage: parent } = old;
  const child = isSameServer ? null : sourceLog(source);
  const stranded = await strandedGroups(await archivedLog(repository, parent, old), child, place);
  const mayStillCome = stranded.hasDiverged ? applying.isBehind : applying.isReplica;
  if (stranded.groups > 0 && mayStillCome) throw stillApplying(old, source, stranded);
  const record: HandOver = {
    gtidState: place.gtidState,
    parent: place.parent,
    child: place.child,
    stranded: stranded.groups,
  };
  const lineage = await newLineage(source, { file: place.child.file, parent, handOver: record });
  const loss = stranded.groups === 0 ? null : await recordStranded(old, { lineage, isSameServer, place, stranded });
  await repository.writeLineage(lineage);
  return { lineage, loss };
}

async function recordStranded(
  old: OldLineage,
  options: { lineage: Lineage; isSameServer: boolean; place: CommonPlace; stranded: StrandedGroups },
): Promise<string> {
  const { lineage, isSameServer, place, stranded } = options;
  const { groups, firstGtid, lastGtid, end } = stranded;
  const [they, them] = groups === 1 ? ['it was', 'it'] : ['they were', 'them'];
  const why = isSameServer
    ? `the source lost ${them}: its binary log became shorter`
    : `${they} archived from the old primary and never reached the new one`;
  await old.repository.ledger.record({
    kind: 'stranded',
    lineage: old.lineage.id,
    from: formatCoordinates(place.parent),
    to: formatCoordinates(end),
    child: lineage.id,
    groups,
    firstGtid,
    lastGtid,
    why,
    noticedAt: now(),
  });
  const gtids =
    groups === 1 ? `GTID ${firstGtid ?? 'unknown'}` : `GTIDs ${firstGtid ?? 'unknown'} to ${lastGtid ?? 'unknown'}`;
  return `${groups} transaction${groups === 1 ? ' is' : 's are'} only in lineage '${old.lineage.id}', ${gtids}: ${why}; lineage '${lineage.id}' goes on without`;
}

/** Before a log is called shorter, our own copy must be shown to be what was sealed. */
async function findShortened({ repository, lineage }: OldLineage, source: Source): Promise<CommonPlace | null> {
  const segments = await repository.segments(lineage.id);
  for (const segment of segments.slice(-2)) await checkSealedBytes(segment);
  return await findSharedEnd(segments, source);
}

async function findHandOver(old: OldLineage, source: Source): Promise<CommonPlace | null> {
  const { lineage, gtidEnd, repository } = old;
  if (gtidEnd === null || gtidEnd === '' || lineage.flavor !== source.flavor) return null;
  const parent = await archivedLog(repository, lineage, old);
  return await findCommonPlace(parent, sourceLog(source), parseGtidState(lineage.flavor, gtidEnd));
}

/** What a running replica has received and not yet applied will still come: calling it lost would be a false alarm. */
function stillApplying(old: OldLineage, { primary }: Source, { groups }: StrandedGroups): LastgoodError {
  return new LastgoodError(
    'LINEAGE_MISMATCH',
    `the ${describeServer(primary)} is a replica that lacks the last ${groups === 1 ? 'transaction' : `${groups} transactions`} of lineage '${old.lineage.id}' so far`,
    {
      details: { lineage: old.lineage.id, waiting: true },
      hint: 'Run again when it has applied all it received, or when it is the primary: its replication ends then (RESET SLAVE ALL).',
    },
  );
}

/** What a server may still apply of another one's log. */
interface Applying {
  /** It replicates, or may do so. */
  readonly isReplica: boolean;
  /** It has received more of the old primary's log than it has applied, and goes on applying. */
  readonly isBehind: boolean;
}

const NOTHING_TO_APPLY: Applying = { isReplica: false, isBehind: false };

async function readApplying({ lineage }: OldLineage, { connection }: Source): Promise<Applying> {
  try {
    const status = await readReplicaStatus(connection);
    if (status === null) return NOTHING_TO_APPLY;
    const { ioRunning, sqlRunning, executed, received } = status;
    const isOldPrimary =
      lineage.serverUuid === null
        ? status.primaryServerId === lineage.serverId
        : status.primaryServerUuid === lineage.serverUuid;
    const hasMore = executed !== null && received !== null && compareCoordinates(executed, received) < 0;
    return { isReplica: sqlRunning || ioRunning, isBehind: isOldPrimary && sqlRunning && hasMore };
  } catch (error) {
    // Not allowed to ask, or several primaries: then only a write of its own shows that it has gone its own way.
    if (isLastgoodError(error, 'PRIVILEGE_MISSING') || isLastgoodError(error, 'PREFLIGHT_FAILED'))
      return { isReplica: true, isBehind: false };
    throw error;
  }
}

function now(): string {
  return new Date().toISOString();
}
