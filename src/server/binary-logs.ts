import type { Coordinates } from '../binlog/coordinates.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import { describeServer, type ServerConnection } from './connection.ts';

/** ER_PARSE_ERROR: this version knows the statement by another name. */
const PARSE_ERROR = 1064;
/** Two reads of a moving position may never agree; after so many the server is asked to compute the state. */
const ATTEMPTS = 3;

export interface BinaryLog {
  readonly file: string;
  readonly bytes: number;
}

export interface BinlogEnd {
  readonly coordinates: Coordinates;
  /** gtid_binlog_pos (MariaDB) or gtid_executed (MySQL) at the coordinates; '' where the server writes no GTIDs. */
  readonly gtidState: string;
}

/** The server's own binary log files, oldest first. */
export async function listBinaryLogs(connection: ServerConnection): Promise<BinaryLog[]> {
  const rows = await connection.query<{ Log_name: string; File_size: string | number }>('SHOW BINARY LOGS');
  return rows.map(({ Log_name: file, File_size: bytes }) => ({ file, bytes: Number(bytes) }));
}

/** Where the server writes next. @throws LastgoodError `SERVER_QUERY_FAILED` when its binary log is off */
export async function readBinlogEnd(connection: ServerConnection): Promise<BinlogEnd> {
  let end = await readOnce(connection);
  if (connection.flavor === 'mysql') return end; // one statement gives both
  for (let attempt = 1; attempt < ATTEMPTS; attempt += 1) {
    const { coordinates } = await readOnce(connection);
    if (coordinates.file === end.coordinates.file && coordinates.position === end.coordinates.position) return end;
    end = await readOnce(connection);
  }
  return { ...end, gtidState: (await gtidStateAt(connection, end.coordinates)) ?? end.gtidState };
}

/**
 * MariaDB's GTID position at a group boundary of its binary log: the server reads that file up to there. Null on
 * MySQL, which has no such function, and where the server does not know the place.
 */
export async function gtidStateAt(connection: ServerConnection, coordinates: Coordinates): Promise<string | null> {
  if (connection.flavor === 'mysql') return null;
  const [row] = await connection.query<{ state: string | null }>('SELECT BINLOG_GTID_POS(?, ?) AS state', [
    coordinates.file,
    coordinates.position,
  ]);
  return row?.state ?? null;
}

/** Schemas whose changes a server writes into its binary log, by its option file. */
export interface LogFilters {
  /** `binlog_do_db`: only these; all where it is empty. */
  readonly only: readonly string[];
  /** `binlog_ignore_db`. */
  readonly without: readonly string[];
}

/** Source: MariaDB manual, "SHOW MASTER STATUS": no variable tells them before 11.7. @throws LastgoodError `PRIVILEGE_MISSING` */
export async function readLogFilters(connection: ServerConnection): Promise<LogFilters> {
  const [row] = await showStatus(connection);
  const names = (list = ''): string[] => list.split(',').filter((name) => name !== '');
  return { only: names(row?.Binlog_Do_DB), without: names(row?.Binlog_Ignore_DB) };
}

interface StatusRow {
  File: string;
  Position: string | number;
  Binlog_Do_DB?: string;
  Binlog_Ignore_DB?: string;
  Executed_Gtid_Set?: string;
}

async function readOnce(connection: ServerConnection): Promise<BinlogEnd> {
  const [row] = await showStatus(connection);
  if (row === undefined) {
    throw new LastgoodError('SERVER_QUERY_FAILED', `the ${describeServer(connection.options)} writes no binary log`);
  }
  return {
    coordinates: { file: row.File, position: Number(row.Position) },
    gtidState: row.Executed_Gtid_Set?.replaceAll('\n', '') ?? (await mariadbState(connection)),
  };
}

/** Source: MySQL 8.4 manual, "SHOW BINARY LOG STATUS", which replaced SHOW MASTER STATUS in 8.4. */
async function showStatus(connection: ServerConnection): Promise<StatusRow[]> {
  try {
    return await connection.query<StatusRow>('SHOW MASTER STATUS');
  } catch (error) {
    if (!isLastgoodError(error) || error.details['errno'] !== PARSE_ERROR) throw error;
    return await connection.query<StatusRow>('SHOW BINARY LOG STATUS');
  }
}

async function mariadbState(connection: ServerConnection): Promise<string> {
  if (connection.flavor === 'mysql') return '';
  const [row] = await connection.query<{ state: string }>('SELECT @@GLOBAL.gtid_binlog_pos AS state');
  return row?.state ?? '';
}
