import type { ServerConnection } from '../../src/server/connection.ts';
import { SYSTEM_SCHEMAS } from '../../src/server/facts.ts';
import { quoteName } from '../../src/server/quote-name.ts';

/** What a server holds of its users, by a name for each thing: definitions as SHOW CREATE says them, tables' checksums. */
export type ServerContent = Readonly<Record<string, string | null>>;

/** Reads everything that two equal servers must have alike. */
export async function serverContent(connection: ServerConnection): Promise<ServerContent> {
  const content: Record<string, string | null> = {};
  await connection.query("SET SESSION time_zone = '+00:00'");
  const schemas = await connection.query<{ name: string }>(
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN (${SYSTEM_SCHEMAS}) ORDER BY name`,
  );
  for (const { name } of schemas) content[name] = await shown(connection, `SHOW CREATE DATABASE ${quoteName(name)}`);
  for (const list of LISTS) {
    const things = await connection.query<{ one: string; two: string }>(list.sql);
    for (const { one, two } of things) {
      const name = `${quoteName(one)}.${quoteName(two)}`;
      content[`${list.show} ${name}`] = await shown(connection, `SHOW CREATE ${list.show} ${name}`);
      if (list.show === 'TABLE')
        content[`checksum ${name}`] = await checksum(connection, name, content[`TABLE ${name}`]);
    }
  }
  return content;
}

/** The names of what differs, with both sides. */
export function contentDifferences(expected: ServerContent, found: ServerContent): string[] {
  const names = [...new Set([...Object.keys(expected), ...Object.keys(found)])].sort();
  return names
    .filter((name) => expected[name] !== found[name])
    .map((name) => `${name}: expected ${expected[name] ?? 'nothing'}, found ${found[name] ?? 'nothing'}`);
}

/** An applier disables its source's events in a way of its own; in a session they are as the source said. */
export function asDisabled(content: ServerContent): ServerContent {
  const plain = (shown: string | null): string | null => shown?.replace('DISABLE ON SLAVE', 'DISABLE') ?? null;
  return Object.fromEntries(Object.entries(content).map(([name, shown]) => [name, plain(shown)]));
}

const LISTS = [
  ...['BASE TABLE', 'SYSTEM VERSIONED', 'SEQUENCE'].map((type) => ({ show: 'TABLE', sql: tablesOf(type) })),
  { show: 'VIEW', sql: tablesOf('VIEW') },
  { show: 'TRIGGER', sql: named('TRIGGERS', 'TRIGGER_SCHEMA', 'TRIGGER_NAME') },
  { show: 'EVENT', sql: named('EVENTS', 'EVENT_SCHEMA', 'EVENT_NAME') },
  ...['PROCEDURE', 'FUNCTION'].map((show) => ({
    show,
    sql: `${named('ROUTINES', 'ROUTINE_SCHEMA', 'ROUTINE_NAME')} AND ROUTINE_TYPE = '${show}'`,
  })),
];

function tablesOf(type: string): string {
  return `${named('TABLES', 'TABLE_SCHEMA', 'TABLE_NAME')} AND TABLE_TYPE = '${type}'`;
}

function named(table: string, schema: string, name: string): string {
  return `SELECT ${schema} AS one, ${name} AS two FROM information_schema.${table} WHERE ${schema} NOT IN (${SYSTEM_SCHEMAS})`;
}

/** Without what says when, or where, a thing was made. */
async function shown(connection: ServerConnection, sql: string): Promise<string> {
  try {
    const rows = await connection.query(sql);
    return JSON.stringify(rows, (key, value: unknown) => (key === 'Created' ? undefined : value));
  } catch (error) {
    return `cannot be shown: ${error instanceof Error ? error.message.replace(/^.*?' refused/, 'refused') : ''}`;
  }
}

/** With generated columns CHECKSUM TABLE is not to be relied on (MariaDB 10.11): of these tables the rows themselves are taken. */
async function checksum(
  connection: ServerConnection,
  name: string,
  definition: string | null | undefined,
): Promise<string> {
  if (definition?.includes('GENERATED ALWAYS') === true) {
    const rows = await connection.query(`SELECT * FROM ${name}`);
    return rows
      .map((row) => JSON.stringify(row))
      .sort()
      .join(' ');
  }
  const [sum] = await connection.query<{ Checksum: string | null }>(`CHECKSUM TABLE ${name} EXTENDED`);
  const [count] = await connection.query<{ n: string | number }>(`SELECT COUNT(*) AS n FROM ${name}`);
  return `${sum?.Checksum ?? 'unreadable'}, ${count?.n ?? '?'} rows`;
}
