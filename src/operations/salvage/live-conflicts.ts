import { LastgoodError } from '../../platform/errors.ts';
import { describeServer, type ServerConnection } from '../../server/connection.ts';
import { isSchema } from '../../server/same-schema.ts';
import { listShort } from './list-short.ts';
import type { SchemaContent } from './schema-content.ts';

/** Names that a salvage will make in a schema. */
export interface WantedNames {
  readonly content: SchemaContent;
  /** Of foreign keys, which are unique in a schema. */
  readonly foreignKeys: readonly string[];
}

/**
 * Refuses when the schema has anything of a name that the salvage will make.
 *
 * @param as the schema's name on the live server
 * @throws LastgoodError `TARGET_NOT_EMPTY`
 */
export async function refuseConflicts(live: ServerConnection, as: string, wanted: WantedNames): Promise<void> {
  await refuseNames(live, as, namesWanted(wanted));
}

/** The same for tables and views of which nothing but the names is known yet. */
export async function refuseTables(live: ServerConnection, as: string, names: readonly string[]): Promise<void> {
  await refuseNames(
    live,
    as,
    names.map((name) => `table ${name}`),
  );
}

async function refuseNames(live: ServerConnection, as: string, wanted: readonly string[]): Promise<void> {
  const there = await namesThere(live, as);
  const conflicts = wanted.flatMap((name) => {
    const kind = there.get(fold(name));
    return kind === undefined ? [] : [kind === 'view' ? name.replace(/^table/, kind) : name];
  });
  if (conflicts.length === 0) return;
  throw new LastgoodError(
    'TARGET_NOT_EMPTY',
    `schema '${as}' of the ${describeServer(live.options)} already has ${listShort(conflicts)}`,
    {
      details: { schema: as, conflicts: conflicts.length },
      hint: `Nothing was written there. Give --rename NAME to put the salvage beside it, or rename what is there.`,
    },
  );
}

function namesWanted({ content, foreignKeys }: WantedNames): string[] {
  const { tables, views, triggers, routines, events } = content;
  return [
    ...tables.map(({ name }) => `table ${name}`),
    ...views.map((name) => `table ${name}`),
    ...triggers.map(({ name }) => `trigger ${name}`),
    ...routines.map(({ name, type }) => `${type} ${name}`),
    ...events.map(({ name }) => `event ${name}`),
    ...foreignKeys.map((name) => `foreign key ${name}`),
  ];
}

/** What there is, by its name; tables, views, broken ones too, and sequences share theirs. */
async function namesThere(live: ServerConnection, schema: string): Promise<Map<string, string>> {
  const rows = await live.query<{ kind: string; name: string; type: string }>(
    `SELECT 'table' AS kind, TABLE_NAME AS name, IF(TABLE_TYPE = 'VIEW', 'view', '') AS type
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = ?
     UNION ALL SELECT 'trigger', TRIGGER_NAME, '' FROM information_schema.TRIGGERS WHERE ${isSchema('TRIGGER_SCHEMA')}
     UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME, '' FROM information_schema.ROUTINES WHERE ${isSchema('ROUTINE_SCHEMA')}
     UNION ALL SELECT 'event', EVENT_NAME, '' FROM information_schema.EVENTS WHERE ${isSchema('EVENT_SCHEMA')}
     UNION ALL SELECT 'foreign key', CONSTRAINT_NAME, '' FROM information_schema.REFERENTIAL_CONSTRAINTS
       WHERE CONSTRAINT_SCHEMA = ?`,
    Array.from({ length: 8 }, () => schema),
  );
  return new Map(rows.map(({ kind, name, type }) => [fold(`${kind} ${name}`), type]));
}

/** A difference in case only is a conflict on many servers, and a trap on the others. */
function fold(name: string): string {
  return name.toLowerCase();
}
