import type { ServerConnection } from '../../../src/server/connection.ts';

/** One line for each thing that a statement can destroy; ? is the schema. */
const THINGS = `
  SELECT CONCAT_WS(' ', table_type, table_name) AS line FROM information_schema.tables WHERE table_schema = ?
  UNION ALL
  SELECT CONCAT_WS(' ', 'column', table_name, column_name, column_type, collation_name)
  FROM information_schema.columns WHERE table_schema = ?
  UNION ALL
  SELECT CONCAT_WS(' ', 'partition', table_name, partition_name)
  FROM information_schema.partitions WHERE table_schema = ? AND partition_name IS NOT NULL
  UNION ALL
  SELECT CONCAT_WS(' ', routine_type, routine_name, MD5(routine_definition))
  FROM information_schema.routines WHERE routine_schema = ?
  UNION ALL
  SELECT CONCAT_WS(' ', 'trigger', trigger_name, MD5(action_statement))
  FROM information_schema.triggers WHERE trigger_schema = ?
  UNION ALL
  SELECT CONCAT_WS(' ', 'event', event_name, MD5(event_definition)) FROM information_schema.events WHERE event_schema = ?
  UNION ALL
  SELECT CONCAT_WS(' ', 'schema', schema_name) FROM information_schema.schemata WHERE schema_name = ?`;

/** What a form may destroy, as the server tells it: the things of the schemas, their rows' checksums, the form's users. */
export async function fingerprintOf(connection: ServerConnection, schemas: readonly string[]): Promise<string> {
  const lines: string[] = [];
  for (const schema of schemas) lines.push(...(await linesOf(connection, schema)));
  const users = await column(connection, 'SELECT CONCAT(user, host) AS line FROM mysql.user WHERE user LIKE ?', [
    `${schemas[0] ?? ''}%`,
  ]);
  return [...lines, ...users].sort().join('\n');
}

async function linesOf(connection: ServerConnection, schema: string): Promise<string[]> {
  const things = await column(
    connection,
    THINGS,
    THINGS.match(/\?/g)?.map(() => schema),
  );
  const tables = things.flatMap((line) => (line.startsWith('BASE TABLE ') ? [line.slice('BASE TABLE '.length)] : []));
  return [...things, ...(await checksums(connection, schema, tables))].map((line) => `${schema}: ${line}`);
}

async function checksums(connection: ServerConnection, schema: string, tables: readonly string[]): Promise<string[]> {
  if (tables.length === 0) return [];
  const names = tables.map((table) => `\`${schema}\`.\`${table.replaceAll('`', '``')}\``);
  const rows = await connection.query<{ Table: string; Checksum: string | null }>(`CHECKSUM TABLE ${names.join()}`);
  return rows.map(({ Table: table, Checksum: checksum }) => `rows ${table} ${checksum ?? 'unreadable'}`);
}

async function column(connection: ServerConnection, sql: string, values: readonly string[] = []): Promise<string[]> {
  const rows = await connection.query<{ line: string }>(sql, values);
  return rows.map(({ line }) => line);
}
