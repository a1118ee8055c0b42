import type { TableName } from '../binlog/group.ts';
import { isLastgoodError, LastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';
import { within } from '../server/quote-name.ts';

interface TableRows {
  readonly schema: string;
  readonly name: string;
  readonly rows: number;
}

/** What a dump will hold. */
export interface DumpScope {
  readonly schemas: readonly string[];
  /** What the server believes the rows take, bytes: an estimate for progress. */
  readonly estimatedBytes: number;
  /** About how many rows tables have, for those with many; see `BackupRecord.tables`. */
  readonly tables: readonly TableRows[];
  /** Tables that a snapshot does not cover: engines other than InnoDB, and sequences, which no transaction rolls back. */
  readonly outsideSnapshot: number;
  /** Tables with FLOAT columns, which mariadb-dump prints with six digits. */
  readonly inexactTables: readonly TableName[];
  readonly views: readonly TableName[];
  /** Of these: what the server itself cannot read, as after a table of theirs was dropped. */
  readonly brokenViews: readonly TableName[];
}

/** mariadb-dump leaves their rows out: they are elsewhere. Source: client/mysqldump.c, check_if_ignore_table() of MariaDB 10.11. */
export const ROWS_ELSEWHERE = "'MRG_MyISAM', 'MRG_ISAM', 'CONNECT', 'OQGRAPH', 'SPIDER', 'VIRTUAL', 'FEDERATED'";

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
  const views = await readViewNames(connection);
  return {
    schemas: schemas.map(({ name }) => name),
    estimatedBytes: Number(row?.bytes ?? 0),
    outsideSnapshot: Number(row?.outside ?? 0),
    tables: await readTableRows(connection),
    inexactTables: await readInexactTables(connection),
    views,
    brokenViews: await findBroken(connection, views),
  };
}

/** No change of fewer rows is ever an incident. */
const FEW_ROWS = 100;

/** InnoDB estimates, from its statistics: nothing is counted. */
async function readTableRows(connection: ServerConnection): Promise<TableRows[]> {
  const tables = await connection.query<{ schema: string; name: string; rows: string }>(
    `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS name, TABLE_ROWS AS \`rows\` FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND TABLE_ROWS >= ${FEW_ROWS} ORDER BY 1, 2`,
  );
  return tables.map(({ schema, name, rows }) => ({ schema, name, rows: Number(rows) }));
}

/** Tables with FLOAT columns, of one schema or of all; see `DumpScope.inexactTables`. */
export async function readInexactTables(connection: ServerConnection, schema?: string): Promise<TableName[]> {
  if (connection.flavor === 'mysql') return []; // dumped without that tool, all of them exactly
  return await connection.query<{ schema: string; table: string }>(
    `SELECT DISTINCT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\` FROM information_schema.COLUMNS
     WHERE DATA_TYPE = 'float' AND IS_GENERATED = 'NEVER' AND ${schema === undefined ? `TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS})` : 'TABLE_SCHEMA = ?'}
     AND (TABLE_SCHEMA, TABLE_NAME) IN (
       SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES
       WHERE TABLE_TYPE = 'BASE TABLE' AND ENGINE NOT IN (${ROWS_ELSEWHERE}))
     ORDER BY 1, 2`,
    schema === undefined ? [] : [schema],
  );
}

/** Views that the server cannot read, of one schema or of all. */
export async function readBrokenViews(connection: ServerConnection, schema?: string): Promise<TableName[]> {
  return await findBroken(connection, await readViewNames(connection, schema));
}

async function readViewNames(connection: ServerConnection, schema?: string): Promise<TableName[]> {
  return await connection.query<{ schema: string; table: string }>(
    `SELECT TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\` FROM information_schema.TABLES
     WHERE TABLE_TYPE = 'VIEW' AND ${schema === undefined ? `TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS})` : 'TABLE_SCHEMA = ?'}
     ORDER BY 1, 2`,
    schema === undefined ? [] : [schema],
  );
}

/**
 * Errors of the moment, not of a view: out of memory, shutdown, a lock's wait, a deadlock, KILL QUERY, and the limits of
 * time of MariaDB and MySQL. Source: MariaDB manual, "MariaDB Error Codes".
 */
const SAYS_NOTHING: ReadonlySet<number> = new Set([1037, 1038, 1041, 1053, 1205, 1213, 1317, 1969, 3024]);

/** True for an error that tells nothing of a view that was asked for. */
export function saysNothing(error: unknown): boolean {
  return !isLastgoodError(error, 'SERVER_QUERY_FAILED') || SAYS_NOTHING.has(Number(error.details['errno']));
}

async function findBroken(connection: ServerConnection, views: readonly TableName[]): Promise<TableName[]> {
  const broken: TableName[] = [];
  for (const view of views) {
    try {
      await connection.query(`SHOW FIELDS FROM ${within(view.schema, view.table)}`);
    } catch (error) {
      if (saysNothing(error)) throw error;
      broken.push(view);
    }
  }
  return broken;
}
