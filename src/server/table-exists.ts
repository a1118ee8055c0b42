import type { ServerConnection } from './connection.ts';

/** Whether the server has a table or view of this name, as the account sees it. @throws LastgoodError what `ServerConnection.query` throws */
export async function tableExists(
  connection: ServerConnection,
  { schema, table }: { readonly schema: string; readonly table: string },
): Promise<boolean> {
  const rows = await connection.query(
    'SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    [schema, table],
  );
  return rows.length > 0;
}
