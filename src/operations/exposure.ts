import { formatCoordinates, type Coordinates } from '../binlog/coordinates.ts';
import type { Flavor } from '../binlog/gtid.ts';
import { GtidPosition } from '../binlog/mariadb-gtid.ts';
import { GtidSet } from '../binlog/mysql-gtid.ts';
import { isLastgoodError } from '../platform/errors.ts';
import { gtidStateAt, listBinaryLogs, readBinlogEnd } from '../server/binary-logs.ts';
import { connect, type ServerConnection } from '../server/connection.ts';
import { peekBinlog } from '../server/peek-binlog.ts';
import type { ServerOptions } from '../server/server-options.ts';
import type { Finding } from './finding.ts';

/** What would be lost if the source were lost now. null is "we do not know", never 0. */
export interface Exposure {
  /** Age of the first transaction that is not archived. */
  readonly seconds: number | null;
  readonly groups: number | null;
}

/** Where a lineage's archive ends. */
export interface ArchivedTo extends Coordinates {
  readonly gtidState: string | null;
}

/** An exposure, when it was so, and what is worth telling. */
export interface ExposureReading {
  readonly exposure: Exposure;
  /** Seconds since 1970 on the source's own clock; null when it could not be asked. */
  readonly asOf: number | null;
  readonly findings: readonly Finding[];
}

const UNKNOWN: Exposure = { seconds: null, groups: null };
const NOTHING: Exposure = { seconds: 0, groups: 0 };

/** Asks the source what it has that the archive has not. A source that cannot be asked gives a finding, not an error. */
export async function readExposure(primary: ServerOptions, archived: ArchivedTo): Promise<ExposureReading> {
  try {
    await using connection = await connect(primary);
    const difference = await identityDifference(connection, archived);
    if (difference !== null) return unknown(otherLog(primary, difference));
    return await measure(connection, archived);
  } catch (error) {
    if (!isLastgoodError(error) || error.code === 'INTERRUPTED') throw error;
    return unknown(cannotAsk(primary, error.message));
  }
}

function unknown(finding: Finding): ExposureReading {
  return { exposure: UNKNOWN, asOf: null, findings: [finding] };
}

async function measure(connection: ServerConnection, archived: ArchivedTo): Promise<ExposureReading> {
  // The source's own clock, before its log: groups carry that one's times.
  const [clock] = await connection.query<{ now: string }>('SELECT UNIX_TIMESTAMP() AS now');
  const asOf = Number(clock?.now);
  const { coordinates, gtidState } = await readBinlogEnd(connection);
  if (formatCoordinates(coordinates) === formatCoordinates(archived)) return { exposure: NOTHING, asOf, findings: [] };
  const { firstGroupTime } = await peekBinlog(connection.options, archived);
  if (firstGroupTime === null) return { exposure: NOTHING, asOf, findings: [] };
  const groups = countGroups(connection.flavor, archived.gtidState, gtidState);
  return { exposure: { seconds: Math.max(0, asOf - firstGroupTime), groups }, asOf, findings: [] };
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

/** The source must still have the archive's last file, at least as long, with the same GTIDs at that place. */
async function identityDifference(connection: ServerConnection, archived: ArchivedTo): Promise<string | null> {
  const where = formatCoordinates(archived);
  const log = (await listBinaryLogs(connection)).find(({ file }) => file === archived.file);
  if (log === undefined) return `it no longer has ${archived.file}, where the archive ends`;
  if (log.bytes < archived.position)
    return `its ${archived.file} has ${log.bytes} bytes, the archive ends at ${archived.position}`;
  if (archived.gtidState === null) return null;
  if (connection.flavor === 'mysql') {
    const { gtidState } = await readBinlogEnd(connection);
    const missing = GtidSet.parse(archived.gtidState).subtract(GtidSet.parse(gtidState)).toString();
    return missing === '' ? null : `it has not executed ${missing}, which is archived`;
  }
  const there = await gtidStateAt(connection, archived);
  if (there === null || GtidPosition.parse(there).equals(GtidPosition.parse(archived.gtidState))) return null;
  return `at ${where} it has GTID ${there}, the archive ${archived.gtidState}`;
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

function cannotAsk(primary: ServerOptions, why: string): Finding {
  return {
    severity: 'warning',
    check: 'exposure',
    object: primary.name,
    found: `the primary cannot be asked what is not archived yet: ${why}`,
    fix: 'Run `lastgood doctor`.',
  };
}
