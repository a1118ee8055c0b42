import { withWholeDefiner } from '../../backup/event-definers.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { within } from '../../server/quote-name.ts';
import type { ObjectType, SchemaContent } from './schema-content.ts';

/** What a definition is that is a text, and no rows. */
export type DefinedType = Exclude<ObjectType, 'table' | 'sequence'>;

/** How to make an object anew, and with what settings its text is to be read. */
export interface Definition {
  readonly type: DefinedType;
  readonly name: string;
  readonly sql: string;
  /** Of the statement; '' for views, whose text is the server's own. */
  readonly sqlMode: string;
  readonly characterSet: string;
  readonly collation: string;
  /** For events: how the times in the text are meant. */
  readonly timeZone: string | null;
}

/** All definitions of the content but those of broken views, in an order in which they can be made. */
export async function readDefinitions(connection: ServerConnection, content: SchemaContent): Promise<Definition[]> {
  const { schema, views, brokenViews, triggers, routines, events } = content;
  // Without a default schema the server names the schema everywhere, and so do we, whatever it will be called.
  await connection.query("SET SESSION sql_mode = '', sql_quote_show_create = 1");
  const wanted: { type: DefinedType; name: string }[] = [
    ...routines,
    ...triggers.map(({ name }) => ({ type: 'trigger' as const, name })),
    ...views.filter((name) => !brokenViews.includes(name)).map((name) => ({ type: 'view' as const, name })),
    ...events.map(({ name }) => ({ type: 'event' as const, name })),
  ];
  const definitions: Definition[] = [];
  for (const { type, name } of wanted) definitions.push(await readDefinition(connection, schema, { type, name }));
  return definitions;
}

async function readDefinition(
  connection: ServerConnection,
  schema: string,
  { type, name }: Pick<Definition, 'type' | 'name'>,
): Promise<Definition> {
  const [row] = await connection.query<Record<string, string | null>>(
    `SHOW CREATE ${type.toUpperCase()} ${within(schema, name)}`,
  );
  const [, text] = Object.entries(row ?? {}).find(([column]) => isText(column)) ?? [];
  // The account may do everything, so a text that is not shown is one that is not there any more.
  if (row === undefined || text === null || text === undefined)
    throw new Error(`SHOW CREATE ${type} of ${schema}.${name} shows no text`);
  return {
    type,
    name,
    sql: type === 'event' ? withWholeDefiner(text) : text,
    sqlMode: row['sql_mode'] ?? '',
    characterSet: row['character_set_client'] ?? 'utf8mb4',
    collation: row['collation_connection'] ?? 'utf8mb4_general_ci',
    timeZone: row['time_zone'] ?? null,
  };
}

/** `Create View`, `Create Procedure`, ..., `SQL Original Statement`. */
function isText(column: string): boolean {
  return column.startsWith('Create ') || column === 'SQL Original Statement';
}
