import type { ServerConnection } from '../../server/connection.ts';
import type { TableDefinition } from './table-definition.ts';

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly charset: string | null;
  readonly extra: string;
  readonly key: string;
  readonly nullable: string;
}

/** How a live server defines the table now; null when it has none of that name. @throws LastgoodError as `query` does */
export async function definitionOfServer(
  connection: ServerConnection,
  { schema, name }: { readonly schema: string; readonly name: string },
): Promise<TableDefinition | null> {
  const rows = await connection.query<ColumnRow>(
    `SELECT COLUMN_NAME AS name, COLUMN_TYPE AS type, CHARACTER_SET_NAME AS charset, EXTRA AS extra, COLUMN_KEY AS \`key\`,
              IS_NULLABLE AS nullable
       FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [schema, name],
  );
  if (rows.length === 0) return null;
  return {
    source: 'server',
    from: `${connection.options.name}, as the table is now`,
    columns: rows.map(({ name: column, type, charset, extra, nullable }) => ({
      ...{ name: column, type, charset, nullable: nullable === 'YES' },
      generated: /\b(?:VIRTUAL|STORED|PERSISTENT) ?(?:GENERATED)?\b/i.test(extra),
    })),
    primaryKey: rows.filter(({ key }) => key === 'PRI').map(({ name: column }) => column),
  };
}
