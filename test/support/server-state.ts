import type { ServerConnection } from '../../src/server/connection.ts';
import { SYSTEM_SCHEMAS } from '../../src/server/facts.ts';
import { quoteName } from '../../src/server/quote-name.ts';

/** Definitions and rows of everything that users made, by what it is: to be compared with those of another server. */
export async function serverState(connection: ServerConnection): Promise<Record<string, string>> {
  const state: Record<string, string> = {};
  for (const { kind, name } of await objects(connection)) {
    state[`${kind} ${name}`] = await firstRow(connection, `SHOW CREATE ${kind} ${name}`);
    if (kind === 'TABLE') state[`rows of ${name}`] = await firstRow(connection, `CHECKSUM TABLE ${name} EXTENDED`);
  }
  return state;
}

const QUERIES = [
  `SELECT 'DATABASE' AS kind, SCHEMA_NAME AS a, NULL AS b FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN (${SYSTEM_SCHEMAS})`,
  `SELECT IF(TABLE_TYPE = 'BASE TABLE', 'TABLE', TABLE_TYPE) AS kind, TABLE_SCHEMA AS a, TABLE_NAME AS b
   FROM information_schema.TABLES WHERE TABLE_SCHEMA NOT IN (${SYSTEM_SCHEMAS})`,
  `SELECT ROUTINE_TYPE AS kind, ROUTINE_SCHEMA AS a, ROUTINE_NAME AS b FROM information_schema.ROUTINES
   WHERE ROUTINE_SCHEMA NOT IN (${SYSTEM_SCHEMAS})`,
  `SELECT 'TRIGGER' AS kind, TRIGGER_SCHEMA AS a, TRIGGER_NAME AS b FROM information_schema.TRIGGERS
   WHERE TRIGGER_SCHEMA NOT IN (${SYSTEM_SCHEMAS})`,
  `SELECT 'EVENT' AS kind, EVENT_SCHEMA AS a, EVENT_NAME AS b FROM information_schema.EVENTS`,
];

async function objects(connection: ServerConnection): Promise<{ kind: string; name: string }[]> {
  const found: { kind: string; name: string }[] = [];
  for (const query of QUERIES) {
    const rows = await connection.query<{ kind: string; a: string; b: string | null }>(query);
    for (const { kind, a, b } of rows) {
      const name = b === null ? quoteName(a) : `${quoteName(a)}.${quoteName(b)}`;
      found.push({ kind: kind === 'SYSTEM VERSIONED' ? 'TABLE' : kind, name });
    }
  }
  return found;
}

async function firstRow(connection: ServerConnection, sql: string): Promise<string> {
  const [row] = await connection.query(sql);
  return Object.values(row ?? {})
    .map(String)
    .join(' | ')
    .replace('DISABLE ON SLAVE', 'DISABLE'); // an applier's events wait for a person, those of a session are as on their source
}
