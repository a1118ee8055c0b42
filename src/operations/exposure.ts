import type { Lineage } from '../archive/lineage.ts';
import {
  compareFiles,
  FIRST_EVENT_OFFSET,
  formatCoordinates,
  nextFile,
  type Coordinates,
} from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { gtidStateAt, listBinaryLogs, readBinlogEnd, type BinaryLog } from '../server/binary-logs.ts';
import { connect, SHORT_QUESTIONS, type ServerConnection } from '../server/connection.ts';
import { peekBinlog } from '../server/peek-binlog.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Finding } from './finding.ts';
import { readPurgeGuard, type PurgeGuard, type SealedFiles } from './purge-guard.ts';
import { spellSeconds } from './spell.ts';

/** What would be lost if the source were lost now. null is "we do not know", never 0. */
export interface Exposure {
  /** Age of the first transaction that is not archived. */
  readonly seconds: number | null;
  readonly groups: number | null;
}

/** Where a lineage's archive ends, and what of it is sealed. */
export interface ArchivedTo extends Coordinates, SealedFiles {
  readonly gtidState: string | null;
  /** When the source began the file, seconds since 1970. */
  readonly openedAt: number;
}

/**
 * The end of a lineage's archive; null while nothing of it is archived. Asks only for the segments that it is about: there may be a
 * million. The catalog must have caught up.
 */
export function archivedTo(catalog: Pick<Catalog, 'newestSegment' | 'segment'>, lineage: Lineage): ArchivedTo | null {
  const last = catalog.newestSegment(lineage.id)?.digest;
  if (last === undefined) return null;
  const { file, indexedTo: position, gtidEnd: gtidState, openedAt } = last;
  const isSealed = (name: string): boolean => catalog.segment(lineage.id, name)?.state === 'sealed';
  return { file, position, gtidState, openedAt, lineage, isSealed };
}

/** An exposure, when it was so, and what is worth telling. */
export interface ExposureReading {
  readonly exposure: Exposure;
  /** Seconds since 1970 on the source's own clock; null when it could not be asked. */
  readonly asOf: number | null;
  /** Null when the source could not be asked, or has another log. */
  readonly purge: PurgeGuard | null;
  readonly findings: readonly Finding[];
}

const UNKNOWN: Exposure = { seconds: null, groups: null };
const NOTHING: Exposure = { seconds: 0, groups: 0 };

/** Asks the source what it has that the archive has not. A source that cannot be asked gives a finding, not an error. */
export async function readExposure(primary: ServerOptions, archived: ArchivedTo): Promise<ExposureReading> {
  try {
    await using connection = await connect(primary, SHORT_QUESTIONS);
    const difference = await identityDifference(connection, archived);
    if (difference !== null) return unknown(difference);
    return await measure(connection, archived);
  } catch (error) {
    if (!isLastgoodError(error) || error.code === 'INTERRUPTED') throw error;
    return unknown(cannotAsk(primary, error.message));
  }
}

function unknown(finding: Finding): ExposureReading {
  return { exposure: UNKNOWN, asOf: null, purge: null, findings: [finding] };
}

async function measure(connection: ServerConnection, archived: ArchivedTo): Promise<ExposureReading> {
  // The source's own clock, before its log: groups carry that one's times.
  const [clock] = await connection.query<{ now: string }>('SELECT UNIX_TIMESTAMP() AS now');
  const asOf = Number(clock?.now);
  const { guard: purge, findings } = await readPurgeGuard(connection, archived, asOf);
  const exposure = await readNotArchived(connection, archived, asOf);
  return { exposure, asOf, purge, findings: [...findings, ...lagFindings(connection, exposure)] };
}

async function readNotArchived(connection: ServerConnection, archived: ArchivedTo, asOf: number): Promise<Exposure> {
  const { coordinates, gtidState } = await readBinlogEnd(connection);
  if (formatCoordinates(coordinates) === formatCoordinates(archived)) return NOTHING;
  const place = placeOnSource(archived, await listBinaryLogs(connection));
  const { firstGroupTime } = await peekBinlog(connection.options, place);
  if (firstGroupTime === null) return NOTHING;
  const groups = countGroups(connection.flavor, archived.gtidState, gtidState);
  return { seconds: Math.max(0, asOf - firstGroupTime), groups };
}

/** An archiver at work is seconds behind. */
const LAG_SECONDS = 300;

function lagFindings({ options }: ServerConnection, { seconds }: Exposure): Finding[] {
  if (seconds === null || seconds < LAG_SECONDS) return [];
  return [
    {
      severity: 'warning',
      check: 'archive lag',
      object: options.name,
      found: `what the primary wrote ${spellSeconds(seconds)} ago is not archived yet`,
      fix: 'Is `lastgood archive` running, and what does its log say? Are network and disk fast enough for this primary?',
    },
  ];
}

/** By GTID arithmetic; null where there are no GTIDs to count by. */
function countGroups(flavor: Flavor, archived: string | null, source: string): number | null {
  if (archived === null || source === '') return null;
  if (flavor === 'mysql') return GtidSet.parse(source).subtract(GtidSet.parse(archived)).size;
  const before = GtidPosition.parse(archived);
  let groups = 0;
  for (const { domain, sequence } of GtidPosition.parse(source).gtids()) {
    const last = before.last(domain);
    // Where a new domain's numbers begin is not known.
    if (last === undefined) return null;
    groups += sequence - last.sequence;
  }
  return groups;
}

/** Why the source's log is not the archived one, as a finding; null when it is. */
async function identityDifference(connection: ServerConnection, archived: ArchivedTo): Promise<Finding | null> {
  const logs = await listBinaryLogs(connection);
  const oldest = logs[0]?.file;
  // Numbers only rise: after a reset they begin anew.
  if (oldest !== undefined && compareFiles(oldest, nextNeeded(archived)) > 0)
    return purged(connection.options, nextNeeded(archived), oldest);
  const difference =
    (await logDifference(connection, archived, logs)) ?? (await fileDifference(connection, archived, logs));
  return difference === null ? null : otherLog(connection.options, difference);
}

/** The file that holds what comes next. */
function nextNeeded({ file, isSealed }: ArchivedTo): string {
  return isSealed(file) ? nextFile(file) : file;
}

/** Where the source has what comes next: a sealed file may be gone there, rightly. */
function placeOnSource(archived: ArchivedTo, logs: readonly BinaryLog[]): Coordinates {
  const { file, position } = archived;
  const isGone = archived.isSealed(file) && !logs.some((log) => log.file === file);
  return isGone ? { file: nextFile(file), position: FIRST_EVENT_OFFSET } : { file, position };
}

/** The source must still have the archive's last file, at least as long, with the same GTIDs at that place. */
async function logDifference(
  connection: ServerConnection,
  archived: ArchivedTo,
  logs: readonly BinaryLog[],
): Promise<string | null> {
  const place = placeOnSource(archived, logs);
  const where = formatCoordinates(place);
  const log = logs.find(({ file }) => file === place.file);
  if (log === undefined) return `it no longer has ${place.file}, where the archive ends`;
  if (log.bytes < place.position)
    return `its ${place.file} has ${log.bytes} bytes, the archive ends at ${place.position}`;
  if (archived.gtidState === null) return null;
  if (connection.flavor === 'mysql') {
    const { gtidState } = await readBinlogEnd(connection);
    const missing = GtidSet.parse(archived.gtidState).subtract(GtidSet.parse(gtidState)).toString();
    return missing === '' ? null : `it has not executed ${missing}, which is archived`;
  }
  const there = await gtidStateAt(connection, place);
  if (there === null || GtidPosition.parse(there).equals(GtidPosition.parse(archived.gtidState))) return null;
  return `at ${where} it has GTID ${there}, the archive ${archived.gtidState}`;
}

/** After RESET MASTER the same name, length and GTIDs may stand in another file. */
async function fileDifference(
  { options }: ServerConnection,
  { file, openedAt }: ArchivedTo,
  logs: readonly BinaryLog[],
): Promise<string | null> {
  if (!logs.some((log) => log.file === file)) return null;
  const { format } = await peekBinlog(options, { file, position: FIRST_EVENT_OFFSET });
  return format.time === openedAt ? null : `its ${file} was begun at another time than the archived one`;
}

function otherLog(primary: ServerOptions, difference: string): Finding {
  return {
    severity: 'error',
    check: 'lineage',
    object: primary.name,
    found: `the primary's log is not the one archived, or has lost part of it: ${difference}`,
    fix: 'Was the log reset or purged, or the server rebuilt? Start `lastgood archive`, then take a new backup.',
  };
}

function purged(primary: ServerOptions, needed: string, oldest: string): Finding {
  return {
    severity: 'error',
    check: 'purge guard',
    object: primary.name,
    found: `the primary has removed ${needed}, which was not archived whole; its oldest file is ${oldest}`,
    fix: 'Is the file left in a copy? Keep it. Start `lastgood archive`, which goes on from the oldest file, then take a backup: `lastgood backup`.',
  };
}

function cannotAsk(primary: ServerOptions, why: string): Finding {
  return {
    severity: 'warning',
    check: 'exposure',
    object: primary.name,
    found: `the primary cannot be asked what is not archived yet: ${why}`,
    fix: 'Run `lastgood doctor`.',
  };
}
