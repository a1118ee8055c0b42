import { LastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';

/** What a dump will hold. */
export interface DumpScope {
  readonly schemas: readonly string[];
  /** What the server believes the rows take, bytes: an estimate for progress. */
  readonly estimatedBytes: number;
  /** Tables that a snapshot does not cover: engines other than InnoDB, and sequences, which no transaction rolls back. */
  readonly outsideSnapshot: number;
}

/** Reads it. @throws LastgoodError `PREFLIGHT_FAILED` for what a dump would silently lose */
export async function readDumpScope(connection: ServerConnection): Promise<DumpScope> {
  const schemas = await connection.query<{ name: string }>(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA
     WHERE SCHEMA_NAME NOT IN (${SYSTEM_SCHEMAS}) AND SCHEMA_NAME NOT LIKE '#mysql50#%' ORDER BY SCHEMA_NAME`,
  );
  const [row] = await connection.query<{ bytes: string | null; outside: string | null; versioned: string | null }>(
    `SELECT SUM(DATA_LENGTH) AS bytes,
            SUM(TABLE_TYPE = 'SEQUENCE' OR (ENGINE IS NOT NULL AND ENGINE <> 'InnoDB')) AS outside,
            SUM(TABLE_TYPE = 'SYSTEM VERSIONED') AS versioned
     FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND TABLE_TYPE <> 'VIEW'`,
  );
  if (Number(row?.versioned ?? 0) > 0) {
    throw new LastgoodError(
      'PREFLIGHT_FAILED',
      `${Number(row?.versioned)} tables are system-versioned, and a logical backup would lose their history`,
      { hint: 'This version cannot back such a server up: use a physical backup (mariadb-backup) by hand.' },
    );
  }
  return {
    schemas: schemas.map(({ name }) => name),
    estimatedBytes: Number(row?.bytes ?? 0),
    outsideSnapshot: Number(row?.outside ?? 0),
  };
}
