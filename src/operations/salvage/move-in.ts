import { isLastgoodError } from '../../platform/errors.ts';
import { throwIfAborted } from '../../platform/wait.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import { isSchema } from '../../server/same-schema.ts';
import type { NotCarried } from './carry-definition.ts';
import type { Definition, DefinedType } from './definitions.ts';
import { makeDefinition } from './make-definition.ts';
import type { SchemaContent } from './schema-content.ts';
import { createSchema, type SequenceDefault } from './staged-tables.ts';
import type { Undo } from './undo.ts';

export interface MoveInOptions {
  readonly live: ServerConnection;
  /** A new session, for removing what was made when this one is lost. */
  readonly reconnect: () => Promise<ServerConnection>;
  readonly content: SchemaContent;
  /** Where the tables are now, and the schema where they go. */
  readonly staging: string;
  readonly as: string;
  readonly defaults: readonly SequenceDefault[];
  readonly definitions: readonly Definition[];
  readonly undo: Undo;
  readonly signal?: AbortSignal | undefined;
}

export interface MovedIn {
  readonly notCarried: readonly NotCarried[];
  readonly warnings: readonly string[];
}

/**
 * Gives the loaded and checked tables their final place, and makes around them what consists of text: routines first,
 * which no table needs, then at once all tables, then what needs tables. Whatever was made is in `undo`, until the
 * tables are in use with all their triggers: then everything stays.
 */
export async function moveIn(o: MoveInOptions): Promise<MovedIn> {
  const { live, as, definitions } = o;
  await live.query('SET SESSION foreign_key_checks = 0');
  await makeSchema(o);
  await live.query(`USE ${quoteName(as)}`);
  const warnings: string[] = [];
  const make = async (types: readonly DefinedType[]): Promise<void> => {
    for (const definition of definitions.filter(({ type }) => types.includes(type)))
      warnings.push(...(await makeOne(o, definition)));
  };
  throwIfAborted(o.signal);
  await make(['package', 'package body', 'function', 'procedure']);
  await moveTables(o, 'sequence');
  const notCarried = await setDefaults(o);
  await moveTables(o, 'table');
  await make(['trigger']);
  o.undo.keep();
  const last = await makeOptional(o);
  return { notCarried: [...notCarried, ...last.notCarried], warnings: [...warnings, ...last.warnings] };
}

/** The schema, unless it is there. It goes again only while it is empty: others may have begun to use it. */
async function makeSchema({ live, as, content, undo, reconnect }: MoveInOptions): Promise<void> {
  const there = await live.query('SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [as]);
  if (there.length > 0) return;
  const forget = undo.add({
    what: `schema ${as}`,
    remove: async () => {
      await using session = await reconnect();
      const [row] = await session.query<{ things: string | number }>(
        `SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?)
              + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ${isSchema('ROUTINE_SCHEMA')})
              + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE ${isSchema('EVENT_SCHEMA')}) AS things`,
        Array.from({ length: 5 }, () => as),
      );
      if (Number(row?.things) === 0) await session.query(`DROP DATABASE IF EXISTS ${quoteName(as)}`);
    },
  });
  await unlessRefused(forget, () => live.query(createSchema(content, as)));
}

/** Either all of them are there under their final names, or none. */
async function moveTables(o: MoveInOptions, type: 'table' | 'sequence'): Promise<void> {
  const { live, staging, as, content, signal } = o;
  const names = content.tables.filter((table) => table.type === type).map(({ name }) => name);
  throwIfAborted(signal);
  if (names.length === 0) return;
  o.undo.add({ what: `${type}s in ${as} (${names.length})`, remove: async () => removeMoved(o, names, type) });
  await live.query(`RENAME TABLE ${names.map((name) => `${within(staging, name)} TO ${within(as, name)}`).join(', ')}`);
}

/**
 * What is not in the staging schema any more went where it was meant to go: nobody else knows its name. Without that
 * schema, which somebody may have taken for one left behind, tables of those names are of others.
 */
async function removeMoved(
  { reconnect, staging, as }: MoveInOptions,
  names: readonly string[],
  type: 'table' | 'sequence',
): Promise<void> {
  await using session = await reconnect();
  const schema = await session.query('SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [staging]);
  if (schema.length === 0) throw new Error(`schema ${staging} is gone, so it is not known whether they were moved`);
  const waiting = await session.query<{ name: string }>(
    'SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?',
    [staging],
  );
  const moved = names.filter((name) => !waiting.some((table) => table.name === name));
  await session.query('SET SESSION foreign_key_checks = 0');
  if (moved.length > 0)
    await session.query(`DROP ${type.toUpperCase()} IF EXISTS ${moved.map((name) => within(as, name)).join(', ')}`);
}

/** Before the tables move: nobody finds one without its default. The sequence may not have been salvaged, nor be there. */
async function setDefaults({ live, staging, defaults }: MoveInOptions): Promise<NotCarried[]> {
  const notCarried: NotCarried[] = [];
  for (const { table, column, expression } of defaults) {
    try {
      await live.query(
        `ALTER TABLE ${within(staging, table)} ALTER COLUMN ${quoteName(column)} SET DEFAULT (${expression})`,
      );
    } catch (error) {
      if (!isLastgoodError(error, 'SERVER_QUERY_FAILED')) throw error;
      notCarried.push({ type: 'default', name: `${table}.${column}`, why: error.message });
    }
  }
  return notCarried;
}

/**
 * Views and events: no table needs them, so one that cannot be made, as a view on a table that is not there any more,
 * is no reason to give nothing back, nor is a connection that is lost now. A view on another one can only be made after
 * it: those that fail are tried again as long as others succeed.
 */
async function makeOptional(o: MoveInOptions): Promise<MovedIn> {
  const warnings: string[] = [];
  let left = o.definitions.filter(({ type }) => type === 'view' || type === 'event');
  for (;;) {
    const failed: NotCarried[] = [];
    const again: Definition[] = [];
    for (const definition of left) {
      try {
        warnings.push(...(await makeOne(o, definition)));
      } catch (error) {
        if (!isLastgoodError(error)) throw error;
        failed.push({ type: definition.type, name: definition.name, why: error.message });
        again.push(definition);
      }
    }
    if (again.length === left.length) return { notCarried: failed, warnings };
    left = again;
  }
}

async function makeOne({ live, as, undo, reconnect }: MoveInOptions, definition: Definition): Promise<string[]> {
  const { type, name } = definition;
  const forget = undo.add({
    what: `${type} ${name} in ${as}`,
    remove: async () => {
      await using session = await reconnect();
      await session.query(`DROP ${type.toUpperCase()} IF EXISTS ${within(as, name)}`);
    },
  });
  return await unlessRefused(forget, () => makeDefinition(live, definition));
}

/** What the server refuses it has not made; what of that name is there is of others. */
async function unlessRefused<T>(forget: () => void, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    if (!isLastgoodError(error, 'SERVER_UNREACHABLE')) forget();
    throw error;
  }
}
