import { LastgoodError } from '../../platform/errors.ts';
import { readBrokenViews } from '../../backup/dump-scope.ts';
import { readViewsInOrder } from '../../backup/views/read-views.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { listShort } from './list-short.ts';

export type RoutineType = 'procedure' | 'function' | 'package' | 'package body';

/** What lastgood brings back, one by one. */
export type ObjectType = 'table' | 'sequence' | 'view' | 'trigger' | 'event' | RoutineType;

export interface ContentTable {
  readonly name: string;
  readonly type: 'table' | 'sequence';
  readonly engine: string;
  /** null where it has no text. */
  readonly collation: string | null;
  /** What the server believes rows and indexes take. */
  readonly bytes: number;
}

/** All that one schema holds, or the part of it that is wanted. */
export interface SchemaContent {
  readonly schema: string;
  readonly characterSet: string;
  readonly collation: string;
  readonly comment: string;
  readonly tables: readonly ContentTable[];
  /** System-versioned tables, which are not among `tables`: a dump would keep only their present rows. */
  readonly versioned: readonly string[];
  /** Each behind those that it reads. */
  readonly views: readonly string[];
  /** Of `views`: the server itself cannot read them, as after a table of theirs was dropped. */
  readonly brokenViews: readonly string[];
  /** In the order in which they fire. */
  readonly triggers: readonly { readonly name: string; readonly table: string }[];
  readonly routines: readonly { readonly name: string; readonly type: RoutineType }[];
  /** `passes`: it has a last time and goes after it; from then on no server takes it any more. */
  readonly events: readonly { readonly name: string; readonly passes: boolean }[];
}

/** Reads it. @returns null when there is no such schema */
export async function readSchemaContent(connection: ServerConnection, schema: string): Promise<SchemaContent | null> {
  const [found] = await connection.query<{ name: string; cs: string; collation: string; comment: string }>(
    `SELECT SCHEMA_NAME AS name, DEFAULT_CHARACTER_SET_NAME AS cs, DEFAULT_COLLATION_NAME AS collation,
            SCHEMA_COMMENT AS comment
     FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`,
    [schema],
  );
  if (found === undefined) return null;
  const { name, cs: characterSet, collation, comment } = found;
  const names = async (sql: string): Promise<string[]> =>
    (await connection.query<{ name: string }>(sql, [schema])).map((row) => row.name);
  const ofType = async (type: string): Promise<string[]> =>
    await names(
      `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = '${type}' ORDER BY 1`,
    );
  const brokenViews = await readBrokenViews(connection, name);
  return {
    ...{ schema: name, characterSet, collation, comment },
    views: (await readViewsInOrder(connection, [name], brokenViews)).map(({ table }) => table),
    versioned: await ofType('SYSTEM VERSIONED'),
    tables: await readTables(connection, schema),
    brokenViews: brokenViews.map(({ table }) => table),
    triggers: await readTriggers(connection, name),
    routines: await readRoutines(connection, name),
    events: await readEvents(connection, name),
  };
}

/** These compare names of schemas without regard to case, which on most servers tells two schemas apart. */
interface Placed {
  readonly schema: string;
}

async function readTriggers(connection: ServerConnection, schema: string): Promise<SchemaContent['triggers']> {
  const rows = await connection.query<Placed & { name: string; table: string }>(
    `SELECT TRIGGER_SCHEMA AS \`schema\`, TRIGGER_NAME AS name, EVENT_OBJECT_TABLE AS \`table\`
     FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
     ORDER BY EVENT_OBJECT_TABLE, EVENT_MANIPULATION, ACTION_TIMING, ACTION_ORDER`,
    [schema],
  );
  return rows.filter((row) => row.schema === schema).map(({ name, table }) => ({ name, table }));
}

async function readEvents(connection: ServerConnection, schema: string): Promise<SchemaContent['events']> {
  const rows = await connection.query<Placed & { name: string; passes: string | number }>(
    `SELECT EVENT_SCHEMA AS \`schema\`, EVENT_NAME AS name, 
            (EVENT_TYPE = 'ONE TIME' OR ENDS IS NOT NULL) AND ON_COMPLETION <> 'PRESERVE' AS passes
     FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ? ORDER BY EVENT_NAME`,
    [schema],
  );
  return rows
    .filter((row) => row.schema === schema)
    .map(({ name, passes }) => ({ name, passes: Number(passes) === 1 }));
}

async function readTables(connection: ServerConnection, schema: string): Promise<ContentTable[]> {
  const rows = await connection.query<{
    name: string;
    type: string;
    engine: string | null;
    collation: string | null;
    bytes: string | null;
  }>(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, TABLE_COLLATION AS collation,
            DATA_LENGTH + INDEX_LENGTH AS bytes
     FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = ? AND TABLE_TYPE IN ('BASE TABLE', 'SEQUENCE') ORDER BY TABLE_NAME`,
    [schema],
  );
  return rows.map(({ name, type, engine, collation, bytes }) => ({
    ...{ name, collation, engine: engine ?? '', bytes: Number(bytes ?? 0) },
    type: type === 'SEQUENCE' ? 'sequence' : 'table',
  }));
}

/** Packages before their bodies, and functions before procedures: nothing needs them in another order. */
async function readRoutines(connection: ServerConnection, schema: string): Promise<SchemaContent['routines']> {
  const rows = await connection.query<Placed & { name: string; type: string }>(
    `SELECT ROUTINE_SCHEMA AS \`schema\`, ROUTINE_NAME AS name, ROUTINE_TYPE AS type FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
     ORDER BY FIELD(ROUTINE_TYPE, 'PACKAGE', 'PACKAGE BODY', 'FUNCTION', 'PROCEDURE'), ROUTINE_NAME`,
    [schema],
  );
  return rows
    .filter((row) => row.schema === schema)
    .map(({ name, type }) => ({ name, type: type.toLowerCase() as RoutineType }));
}

/**
 * The part that is asked for: these tables, views and sequences, with the triggers on them; all of it without names.
 *
 * @throws LastgoodError `OBJECT_UNKNOWN`
 */
export function selectTables(content: SchemaContent, names: readonly string[]): SchemaContent {
  if (names.length === 0) return content;
  const all = [...content.tables.map(({ name }) => name), ...content.versioned, ...content.views];
  for (const name of names) if (!all.includes(name)) throw unknownTable(content.schema, name, all);
  const wanted = (name: string): boolean => names.includes(name);
  return {
    ...content,
    tables: content.tables.filter(({ name }) => wanted(name)),
    versioned: content.versioned.filter(wanted),
    views: content.views.filter(wanted),
    brokenViews: content.brokenViews.filter(wanted),
    triggers: content.triggers.filter(({ table }) => wanted(table)),
    routines: [],
    events: [],
  };
}

function unknownTable(schema: string, name: string, all: readonly string[]): LastgoodError {
  return new LastgoodError('OBJECT_UNKNOWN', `schema '${schema}' has no table or view '${name}' at the target`, {
    details: { schema, name },
    hint: all.length === 0 ? 'It has no tables at all there.' : `It has: ${listShort(all)}.`,
  });
}
