import type { ServerConnection } from '../../server/connection.ts';
import { within } from '../../server/quote-name.ts';
import { isSchema } from '../../server/same-schema.ts';
import { withWholeDefiner } from '../event-definers.ts';
import { readHeads, withHeads } from '../program-heads.ts';
import { showCreate } from '../show-create.ts';
import { createStored } from './stored-program.ts';

/** Functions and procedures of a schema, as SQL that creates them. */
export async function readRoutines(connection: ServerConnection, schema: string): Promise<Buffer[]> {
  const routines = await connection.query<{ type: string; name: string }>(
    `SELECT ROUTINE_TYPE AS type, ROUTINE_NAME AS name FROM information_schema.ROUTINES
     WHERE ${isSchema('ROUTINE_SCHEMA')} ORDER BY ROUTINE_TYPE, ROUTINE_NAME`,
    [schema, schema],
  );
  return await readAll(connection, schema, routines);
}

/** Triggers of a schema, in the order in which those of one event run. */
export async function readTriggers(connection: ServerConnection, schema: string): Promise<Buffer[]> {
  const triggers = await connection.query<{ name: string }>(
    `SELECT TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE ${isSchema('TRIGGER_SCHEMA')}
     ORDER BY EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER`,
    [schema, schema],
  );
  return await readAll(
    connection,
    schema,
    triggers.map(({ name }) => ({ type: 'TRIGGER', name })),
  );
}

/** Events of a schema. */
export async function readEvents(connection: ServerConnection, schema: string): Promise<Buffer[]> {
  const events = await connection.query<{ name: string }>(
    `SELECT EVENT_NAME AS name FROM information_schema.EVENTS WHERE ${isSchema('EVENT_SCHEMA')} ORDER BY EVENT_NAME`,
    [schema, schema],
  );
  return await readAll(
    connection,
    schema,
    events.map(({ name }) => ({ type: 'EVENT', name })),
  );
}

interface Program {
  readonly type: string;
  readonly name: string;
}

async function readAll(connection: ServerConnection, schema: string, programs: readonly Program[]): Promise<Buffer[]> {
  const now = await collationOf(connection, schema);
  const texts: Buffer[] = [];
  const heads = await readHeads(connection);
  for (const { type, name } of programs) {
    const shown = await showCreate(connection, `SHOW CREATE ${type} ${within(schema, name)}`);
    // Name, mode, for events the zone, text, character set, collation, the schema's collation; newer servers add more.
    const [, mode, ...rest] = shown;
    const zone = type === 'EVENT' ? rest.shift() : undefined;
    const [text = Buffer.alloc(0), charset, collation, schemaCollation] = rest;
    const whole = type === 'EVENT' ? Buffer.from(withWholeDefiner(text.toString('latin1')), 'latin1') : text;
    const creation = withHeads(whole, heads.get(String(charset)) ?? []);
    const then = String(schemaCollation);
    texts.push(
      createStored({
        ...{ schema, creation, charset: String(charset), collation: String(collation), sqlMode: String(mode) },
        ...(zone === undefined ? {} : { timeZone: zone.toString('utf8') }),
        schemaCollation: then === now ? null : { then, now },
      }),
    );
  }
  return texts;
}

async function collationOf(connection: ServerConnection, schema: string): Promise<string> {
  const [row] = await connection.query<{ name: string }>(
    'SELECT DEFAULT_COLLATION_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
    [schema],
  );
  return row?.name ?? '';
}
