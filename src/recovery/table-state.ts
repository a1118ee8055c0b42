import { throwIfAborted } from '../platform/wait.ts';
import type { ServerConnection } from '../server/connection.ts';
import { SYSTEM_SCHEMAS } from '../server/facts.ts';

/** A table's content, condensed: equal checksums and rows mean equal tables. */
export interface TableState {
  readonly schema: string;
  readonly name: string;
  /** What CHECKSUM TABLE ... EXTENDED says; null where the server cannot read the table. */
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
  for (const { schema, name } of tables) {
    throwIfAborted(options.signal);
    states.push({ schema, name, ...(await readTable(connection, quote({ schema, name }))) });
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

async function readTable(connection: ServerConnection, table: string): Promise<Pick<TableState, 'checksum' | 'rows'>> {
  const [sum] = await connection.query<{ Checksum: string | null }>(`CHECKSUM TABLE ${table} EXTENDED`);
  const [count] = await connection.query<{ n: string | number }>(`SELECT COUNT(*) AS n FROM ${table}`);
  return { checksum: sum?.Checksum ?? null, rows: Number(count?.n ?? 0) };
}

function quote({ schema, name }: { schema: string; name: string }): string {
  const quoted = (part: string): string => `\`${part.replaceAll('`', '``')}\``;
  return `${quoted(schema)}.${quoted(name)}`;
}
