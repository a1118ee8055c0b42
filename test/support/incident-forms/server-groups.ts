import { compareCoordinates, type Coordinates } from '../../../src/binlog/coordinates.ts';
import { listBinaryLogs } from '../../../src/server/binary-logs.ts';
import type { ServerConnection } from '../../../src/server/connection.ts';

/** A group as the server itself shows it. */
export interface ServerGroup {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  /** null of an INCIDENT event, which is in no group. */
  readonly gtid: string | null;
}

interface EventRow {
  readonly Pos: string;
  readonly Event_type: string;
  readonly End_log_pos: string;
  readonly Info: string;
}

const BEGINNINGS = ['Gtid', 'Incident'];
/** What stands between groups. */
const NO_GROUP = ['Format_desc', 'Gtid_list', 'Previous_gtids', 'Binlog_checkpoint', 'Rotate', 'Stop'];

/** Every group of the server's log, in log order, from its own SHOW BINLOG EVENTS: nothing of ours reads a byte. */
export async function readServerGroups(connection: ServerConnection): Promise<ServerGroup[]> {
  const groups: ServerGroup[] = [];
  for (const { file } of await listBinaryLogs(connection)) {
    groups.push(...groupsOf(file, await connection.query<EventRow>('SHOW BINLOG EVENTS IN ?', [file])));
  }
  return groups;
}

function groupsOf(file: string, events: readonly EventRow[]): ServerGroup[] {
  const groups: ServerGroup[] = [];
  for (const { Pos, Event_type: type, End_log_pos, Info } of events) {
    const last = groups.at(-1);
    if (BEGINNINGS.includes(type)) {
      const gtid = type === 'Gtid' ? gtidIn(Info) : null;
      groups.push({ file, start: Number(Pos), end: Number(End_log_pos), gtid });
    } else if (last !== undefined && !NO_GROUP.includes(type)) {
      groups[groups.length - 1] = { ...last, end: Number(End_log_pos) };
    }
  }
  return groups;
}

/** MariaDB: `BEGIN GTID 0-101-5`; MySQL: `SET @@SESSION.GTID_NEXT= 'uuid:5'`. */
function gtidIn(info: string): string {
  const gtid = /GTID (\d+-\d+-\d+)/.exec(info)?.[1] ?? /GTID_NEXT= '([^']+)'/.exec(info)?.[1];
  if (gtid === undefined) throw new Error(`no GTID in '${info}'`);
  return gtid;
}

/** A part of a log, perhaps over more than one file: `[from, to)`. */
export interface LogRange {
  readonly from: Coordinates;
  readonly to: Coordinates;
}

/** Where the server writes next. */
export async function readLogEnd(connection: ServerConnection): Promise<Coordinates> {
  const [row] = await connection.query<{ File: string; Position: string }>('SHOW MASTER STATUS');
  if (row === undefined) throw new Error('the server writes no binary log');
  return { file: row.File, position: Number(row.Position) };
}

export function isWithin({ file, start }: { file: string; start: number }, { from, to }: LogRange): boolean {
  const place = { file, position: start };
  return compareCoordinates(from, place) <= 0 && compareCoordinates(place, to) < 0;
}
