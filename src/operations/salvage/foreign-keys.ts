import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import { tableExists } from '../../server/table-exists.ts';

export interface ForeignKey {
  readonly name: string;
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly string[];
  readonly parent: { readonly schema: string; readonly table: string; readonly columns: readonly string[] };
}

/** Those of the schema's tables, whatever they refer to. */
export async function readForeignKeys(connection: ServerConnection, schema: string): Promise<ForeignKey[]> {
  return await readKeys(connection, 'TABLE_SCHEMA', schema);
}

/** Those that refer to the schema's tables, of whatever schema, as far as the account may see their tables. */
export async function readReferences(connection: ServerConnection, schema: string): Promise<ForeignKey[]> {
  return await readKeys(connection, 'REFERENCED_TABLE_SCHEMA', schema);
}

type Column = 'name' | 'schema' | 'table' | 'column' | 'pschema' | 'ptable' | 'pcolumn';

async function readKeys(
  connection: ServerConnection,
  by: 'TABLE_SCHEMA' | 'REFERENCED_TABLE_SCHEMA',
  value: string,
): Promise<ForeignKey[]> {
  const rows = await connection.query<Record<Column, string>>(
    `SELECT CONSTRAINT_NAME AS name, TABLE_SCHEMA AS \`schema\`, TABLE_NAME AS \`table\`, COLUMN_NAME AS \`column\`,
            REFERENCED_TABLE_SCHEMA AS pschema, REFERENCED_TABLE_NAME AS ptable, REFERENCED_COLUMN_NAME AS pcolumn
     FROM information_schema.KEY_COLUMN_USAGE WHERE ${by} = ? AND REFERENCED_TABLE_NAME IS NOT NULL
     ORDER BY TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION`,
    [value],
  );
  const keys = new Map<string, ForeignKey>();
  for (const row of rows) {
    const id = JSON.stringify([row.schema, row.table, row.name]);
    const before = keys.get(id);
    keys.set(id, {
      ...{ name: row.name, schema: row.schema, table: row.table },
      columns: [...(before?.columns ?? []), row.column],
      parent: { schema: row.pschema, table: row.ptable, columns: [...(before?.parent.columns ?? []), row.pcolumn] },
    });
  }
  return [...keys.values()];
}

/** `orders.fk_customer to crm.customer`. */
export function describeForeignKey({ name, table, parent }: ForeignKey): string {
  return `${table}.${name} to ${parent.schema}.${parent.table}`;
}

/**
 * Why rows of the table do not fit the foreign key, or why nobody could look; null when all do. A null in any column fits, as
 * for the server.
 *
 * @throws LastgoodError `SERVER_UNREACHABLE`
 */
export async function checkForeignKey(connection: ServerConnection, key: ForeignKey): Promise<string | null> {
  try {
    return await findBrokenRows(connection, key);
  } catch (error) {
    if (!isLastgoodError(error) || error.code === 'SERVER_UNREACHABLE') throw error;
    return `not checked, ${error.message}`;
  }
}

async function findBrokenRows(connection: ServerConnection, key: ForeignKey): Promise<string | null> {
  const { parent } = key;
  if (!(await tableExists(connection, parent))) return `there is no table ${parent.schema}.${parent.table}`;
  const pairs = key.columns.map((column, at) => {
    const of = quoteName(parent.columns[at] ?? '');
    return `parent.${of} = child.${quoteName(column)}`;
  });
  const present = key.columns.map((column) => `child.${quoteName(column)} IS NOT NULL`);
  const [row] = await connection.query<{ orphans: string | number }>(
    `SELECT COUNT(*) AS orphans FROM ${within(key.schema, key.table)} AS child WHERE ${present.join(' AND ')}
     AND NOT EXISTS (SELECT 1 FROM ${within(parent.schema, parent.table)} AS parent WHERE ${pairs.join(' AND ')})`,
  );
  const orphans = Number(row?.orphans ?? 0);
  return orphans === 0 ? null : `rows without one in ${parent.schema}.${parent.table}: ${orphans}`;
}
