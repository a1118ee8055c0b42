import type { ServerConnection } from '../server/connection.ts';
import { tableExists } from '../server/table-exists.ts';
import type { RestoreNote } from './restore-note.ts';
import type { BorrowedSetting } from './restore-target.ts';
import { PLACE_TABLE } from './session/place-table.ts';

/** In a schema of the server's own: no dump takes it along, and no log touches it. */
export const MARKER_TABLE = 'mysql.lastgood_restore';

/** What an existing server keeps while a restore runs on it, so that a run that was killed never looks finished. */
export interface Marker {
  readonly note: RestoreNote | null;
  /** Not yet what they were. */
  readonly borrowed: readonly BorrowedSetting[];
  /** Ours, quoted; null once it is gone. */
  readonly account: string | null;
}

/** null where no restore was left unfinished. */
export async function readMarker(connection: ServerConnection): Promise<Marker | null> {
  const [schema = '', table = ''] = MARKER_TABLE.split('.');
  if (!(await tableExists(connection, { schema, table }))) return null;
  const [row] = await connection.query<{ content: string }>(`SELECT content FROM ${MARKER_TABLE}`);
  // A run that was killed just after it made the table had done nothing else.
  return row === undefined ? { note: null, borrowed: [], account: null } : (JSON.parse(row.content) as Marker);
}

/**
 * In InnoDB's log before the work that it announces: a crash never leaves that work without it. Durable as the server is set; while a
 * restore has innodb_flush_log_at_trx_commit = 0, within a second, as FLUSH does nothing then. Seen on MariaDB 10.11.19.
 */
export async function writeMarker(connection: ServerConnection, marker: Marker): Promise<void> {
  await connection.query(
    `CREATE TABLE IF NOT EXISTS ${MARKER_TABLE} (id INT PRIMARY KEY, content LONGTEXT CHARACTER SET utf8mb4) ENGINE=InnoDB`,
  );
  await connection.query(`REPLACE INTO ${MARKER_TABLE} VALUES (1, ?)`, [JSON.stringify(marker)]);
  await connection.query('FLUSH LOCAL ENGINE LOGS');
}

/** The marker last: who finds none takes the server for its own. */
export const REMOVE_MARKER = `DROP TABLE IF EXISTS ${PLACE_TABLE}, ${MARKER_TABLE}`;

/** Only once there is nothing left to tell. */
export async function removeMarker(connection: ServerConnection): Promise<void> {
  await connection.query(REMOVE_MARKER);
}
