import { throwIfAborted } from '../../platform/wait.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import { carryExpression, type CarryOptions, type NotCarried } from './carry-definition.ts';
import { describeForeignKey, readForeignKeys, type ForeignKey } from './foreign-keys.ts';
import type { SchemaContent } from './schema-content.ts';

/** A default that draws from a sequence: it can be set only once the sequence has its final name. */
export interface SequenceDefault {
  readonly table: string;
  readonly column: string;
  /** With the name of the schema where it goes to. */
  readonly expression: string;
}

export interface StagedTables {
  readonly defaults: readonly SequenceDefault[];
  readonly notCarried: readonly NotCarried[];
}

/** A schema's name is unescaped in this; `%` and `_` in it are not. */
export interface StageOptions extends CarryOptions {
  readonly content: SchemaContent;
  /** The schema to make, the same here and where the tables go. */
  readonly staging: string;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Moves tables and sequences of the scratch server into a schema of their own, so that the server itself writes their
 * definitions as they have to be there: a foreign key among them names no schema, one to the outside does. The
 * scratch server is ours: nothing is put back.
 */
export async function stageTables(scratch: ServerConnection, o: StageOptions): Promise<StagedTables> {
  const { content, staging, signal } = o;
  await scratch.query('SET SESSION foreign_key_checks = 0');
  await scratch.query(createSchema(content, staging));
  for (const { name } of content.triggers) await scratch.query(`DROP TRIGGER ${within(content.schema, name)}`);
  const cut = o.as === content.schema ? [] : await cutForeignKeys(scratch, content);
  const { defaults, notCarried } = await takeDefaults(scratch, o);
  const moves = content.tables.map(({ name }) => `${within(content.schema, name)} TO ${within(staging, name)}`);
  throwIfAborted(signal);
  if (moves.length > 0) await scratch.query(`RENAME TABLE ${moves.join(', ')}`);
  return { defaults, notCarried: [...cut, ...notCarried] };
}

/** CREATE DATABASE with all that the schema has of its own. */
export function createSchema(
  { characterSet, collation, comment }: Pick<SchemaContent, 'characterSet' | 'collation' | 'comment'>,
  name: string,
): string {
  const remark = comment === '' ? '' : ` COMMENT '${comment.replaceAll(/['\\]/g, '\\$&')}'`;
  return `CREATE DATABASE ${quoteName(name)} CHARACTER SET ${characterSet} COLLATE ${collation}${remark}`;
}

/** A copy beside the original must not hold on to the original's rows: it would keep them from being deleted. */
async function cutForeignKeys(scratch: ServerConnection, content: SchemaContent): Promise<NotCarried[]> {
  const leaving = (await readForeignKeys(scratch, content.schema)).filter((key) => leaves(key, content));
  for (const { schema, table, name } of leaving)
    await scratch.query(`ALTER TABLE ${within(schema, table)} DROP FOREIGN KEY ${quoteName(name)}`);
  return leaving.map((key) => ({
    type: 'foreign key',
    name: describeForeignKey(key),
    why: 'under another name a copy must not hold rows of other tables',
  }));
}

function leaves({ table, schema, parent }: ForeignKey, { tables }: SchemaContent): boolean {
  const names = tables.map(({ name }) => name);
  return names.includes(table) && !(parent.schema === schema && names.includes(parent.table));
}

/** Source: MariaDB 10.11 sql/item_func.h: a default prints as `nextval(`schema`.`sequence`)`, or lastval, setval. */
const DRAWS = 'nextval\\\\(|lastval\\\\(|setval\\\\(';

async function takeDefaults(scratch: ServerConnection, o: StageOptions): Promise<StagedTables> {
  const { content } = o;
  const columns = await scratch.query<{ table: string; column: string; expression: string }>(
    `SELECT TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`, COLUMN_DEFAULT AS expression
     FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND COLUMN_DEFAULT REGEXP '${DRAWS}' ORDER BY 1, 2`,
    [content.schema],
  );
  const defaults: SequenceDefault[] = [];
  const notCarried: NotCarried[] = [];
  for (const { table, column, expression } of columns) {
    if (!content.tables.some(({ name }) => name === table)) continue;
    await scratch.query(`ALTER TABLE ${within(content.schema, table)} ALTER COLUMN ${quoteName(column)} DROP DEFAULT`);
    const { sql, why } = carryExpression(expression, o);
    if (sql === null) notCarried.push({ type: 'default', name: `${table}.${column}`, why });
    else defaults.push({ table, column, expression: sql });
  }
  return { defaults, notCarried };
}
