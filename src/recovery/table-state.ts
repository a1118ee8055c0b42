import { ROWS_ELSEWHERE, saysNothing } from '../backup/dump-scope.ts';
import { throwIfAborted, unlessAborted } from '../platform/wait.ts';
import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';
import { quoteName } from '../server/quote-name.ts';

/** A table's content, condensed: equal checksums and rows mean equal tables. */
export interface TableState {
  readonly schema: string;
  readonly name: string;
  /**
   * What CHECKSUM TABLE ... EXTENDED says, or with generated columns `sum-` and a sum of our own; null where the server cannot read the
   * table; `elsewhere`, with 0 rows, where the rows are in other tables or on other servers: those are not asked.
   */
  readonly checksum: string | null;
  readonly rows: number;
}

/** A table's name and what decides how it can be read. */
export interface TableName {
  readonly schema: string;
  readonly name: string;
  /** False for engines that no snapshot covers. */
  readonly inSnapshot: boolean;
}

/** Every user's table, sequences included, ordered by schema and name. */
export async function listTables(connection: ServerConnection): Promise<TableName[]> {
  const rows = await connection.query<{ schema_name: string; table_name: string; in_snapshot: string | number }>(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name,
            (TABLE_TYPE <> 'SEQUENCE' AND ENGINE <=> 'InnoDB') AS in_snapshot
     FROM information_schema.TABLES
     WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS}) AND TABLE_TYPE NOT LIKE '%VIEW' AND TABLE_TYPE <> 'TEMPORARY'
     ORDER BY TABLE_SCHEMA, TABLE_NAME`,
  );
  return rows.map((row) => ({
    schema: row.schema_name,
    name: row.table_name,
    inSnapshot: Number(row.in_snapshot) === 1,
  }));
}

/** Keeps the tables' definitions as they are until the connection's transaction ends: changes of them wait. */
export async function holdDefinitions(connection: ServerConnection, tables: readonly TableName[]): Promise<void> {
  for (const table of tables) await connection.query(`SELECT 1 FROM ${quote(table)} LIMIT 0`);
}

/** Reads every row of the tables. Inside a snapshot transaction the result is the snapshot's. */
export async function readTableStates(
  connection: ServerConnection,
  tables: readonly Pick<TableName, 'schema' | 'name'>[],
  options: {
    progress?: (done: { tables: number; totalTables: number }) => void;
    signal?: AbortSignal | undefined;
  } = {},
): Promise<TableState[]> {
  const states: TableState[] = [];
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  const generated = await tablesWithGenerated(connection, schemas);
  const elsewhere = await tablesElsewhere(connection, schemas);
  for (const { schema, name } of tables) {
    throwIfAborted(options.signal);
    const table = quote({ schema, name });
    const reading = elsewhere.has(table) ? ELSEWHERE : readContent(connection, table, generated.get(table));
    const content = await unlessAborted(Promise.resolve(reading), options.signal); // one table alone may take hours
    states.push({ schema, name, ...content });
    options.progress?.({ tables: states.length, totalTables: tables.length });
  }
  return states;
}

/** Names of tables, as `schema.table`, in alphabetical order. */
export interface TableDifferences {
  /** In both lists, with other content. */
  readonly changed: readonly string[];
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
}

/** Compares two lists of tables by name and content. */
export function compareTables(first: readonly TableState[], second: readonly TableState[]): TableDifferences {
  const [left, right] = [contents(first), contents(second)];
  return {
    changed: [...left.keys()].filter((name) => right.has(name) && left.get(name) !== right.get(name)).sort(),
    onlyFirst: [...left.keys()].filter((name) => !right.has(name)).sort(),
    onlySecond: [...right.keys()].filter((name) => !left.has(name)).sort(),
  };
}

/** Names whose tables are not the same in both lists, or in one only. */
export function differingTables(a: readonly TableState[], b: readonly TableState[]): string[] {
  const { changed, onlyFirst, onlySecond } = compareTables(a, b);
  return [...changed, ...onlyFirst, ...onlySecond].sort();
}

function contents(states: readonly TableState[]): Map<string, string> {
  return new Map(
    states.map(({ schema, name, checksum, rows }) => [`${schema}.${name}`, `${checksum ?? 'unreadable'} ${rows}`]),
  );
}

type Content = Pick<TableState, 'checksum' | 'rows'>;

const ELSEWHERE: Content = { checksum: 'elsewhere', rows: 0 };
const UNREADABLE: Content = { checksum: null, rows: 0 };

/** A table that cannot be read is something to be told of: it must not end what all others have come to. */
async function readContent(
  connection: ServerConnection,
  table: string,
  values: readonly string[] | undefined,
): Promise<Content> {
  try {
    const checksum =
      values === undefined ? await serversChecksum(connection, table) : await rowSum(connection, table, values);
    return checksum === null ? UNREADABLE : { checksum, rows: await countRows(connection, table) };
  } catch (error) {
    if (saysNothing(error)) throw error;
    return UNREADABLE;
  }
}

/** By their quoted names. A live server behind one of them is no business of whoever proves a restore, and may be away. */
async function tablesElsewhere(connection: ServerConnection, schemas: readonly string[]): Promise<Set<string>> {
  if (schemas.length === 0) return new Set();
  const rows = await connection.query<{ schema_name: string; table_name: string }>(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name FROM information_schema.TABLES
     WHERE TABLE_SCHEMA IN (?) AND ENGINE IN (${ROWS_ELSEWHERE})`,
    [schemas],
  );
  return new Set(rows.map(({ schema_name: schema, table_name: name }) => quote({ schema, name })));
}

async function serversChecksum(connection: ServerConnection, table: string): Promise<string | null> {
  const [sum] = await connection.query<{ Checksum: string | null }>(`CHECKSUM TABLE ${table} EXTENDED`);
  return sum?.Checksum ?? null;
}

async function countRows(connection: ServerConnection, table: string): Promise<number> {
  const [count] = await connection.query<{ n: string | number }>(`SELECT COUNT(*) AS n FROM ${table}`);
  return Number(count?.n ?? 0);
}

/**
 * The values of each table that has generated columns, by its quoted name. CHECKSUM TABLE cannot be relied on there: it takes in
 * bits that another statement left behind. Source: tried on MariaDB 10.11, five values in a row for one unchanged table.
 * Of these schemas: to say it of a table the server opens it, and a live one may have a lot of others.
 */
async function tablesWithGenerated(
  connection: ServerConnection,
  schemas: readonly string[],
): Promise<Map<string, string[]>> {
  if (schemas.length === 0) return new Map();
  const rows = await connection.query<Record<'schema_name' | 'table_name' | 'column_name' | 'type', string>>(
    `SELECT TABLE_SCHEMA AS schema_name, TABLE_NAME AS table_name, COLUMN_NAME AS column_name, DATA_TYPE AS type
     FROM information_schema.COLUMNS JOIN
       (SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.COLUMNS
        WHERE EXTRA LIKE '%GENERATED%' AND TABLE_SCHEMA IN (?)) AS computed
       USING (TABLE_SCHEMA, TABLE_NAME)
     WHERE TABLE_SCHEMA IN (?) ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION`,
    [schemas, schemas],
  );
  const values = new Map<string, string[]>();
  for (const { schema_name: schema, table_name: name, column_name: column, type } of rows) {
    const table = quote({ schema, name });
    values.set(table, [...(values.get(table) ?? []), valueOf(column, type)]);
  }
  return values;
}

/** As text a FLOAT has six digits, which others have too. */
function valueOf(column: string, type: string): string {
  return type.toLowerCase() === 'float' ? `${quoteName(column)} + 0e0` : quoteName(column);
}

/** The same for the same rows in any order. Only CRCs are put together: whole rows could be larger than a packet may be. */
async function rowSum(connection: ServerConnection, table: string, values: readonly string[]): Promise<string> {
  const sums = values.map((value) => `IFNULL(CRC32(CAST(${value} AS BINARY)), 'N')`).join(', ');
  await connection.query("SET @lastgood_zone = @@SESSION.time_zone, time_zone = '+00:00'"); // a TIMESTAMP is text in a zone
  try {
    const [sum] = await connection.query<{ total: string }>(
      `SELECT COALESCE(SUM(CRC32(CONCAT_WS(',', ${sums}))), 0) AS total FROM ${table}`,
    );
    return `sum-${sum?.total ?? ''}`;
  } finally {
    await connection.query('SET time_zone = @lastgood_zone');
  }
}

function quote({ schema, name }: { schema: string; name: string }): string {
  return `${quoteName(schema)}.${quoteName(name)}`;
}
