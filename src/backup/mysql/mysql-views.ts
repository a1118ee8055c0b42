import type { TableName } from '../../binlog/group.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteInSchema, quoteName } from '../../server/quote-name.ts';
import { showCreate } from './show-create.ts';
import { createStored } from './stored-program.ts';

/** Stand-ins with the same columns: a view may name one that is created later. */
export async function viewPlaceholders(
  connection: ServerConnection,
  schema: string,
  broken: readonly TableName[],
): Promise<Buffer[]> {
  const statements: Buffer[] = [];
  for (const name of await readNames(connection, schema, broken)) {
    const columns = await connection.query<{ name: string }>(
      `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
       WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
      [schema, name],
    );
    const list = columns.map((column) => `1 AS ${quoteName(column.name)}`).join(', ');
    statements.push(Buffer.from(`CREATE VIEW ${quoteInSchema(schema, name)} AS SELECT ${list};\n`));
  }
  return statements;
}

/** The views themselves, in place of the stand-ins. */
export async function readViews(
  connection: ServerConnection,
  schema: string,
  broken: readonly TableName[],
): Promise<Buffer[]> {
  const texts: Buffer[] = [];
  for (const name of await readNames(connection, schema, broken)) {
    const shown = await showCreate(connection, `SHOW CREATE VIEW ${quoteInSchema(schema, name)}`);
    const [, text = Buffer.alloc(0), charset, collation] = shown;
    const creation = Buffer.concat([Buffer.from('CREATE OR REPLACE'), text.subarray('CREATE'.length)]);
    texts.push(createStored({ schema, creation, charset: String(charset), collation: String(collation) }));
  }
  return texts;
}

async function readNames(
  connection: ServerConnection,
  schema: string,
  broken: readonly TableName[],
): Promise<string[]> {
  const views = await connection.query<{ name: string }>(
    'SELECT TABLE_NAME AS name FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME',
    [schema],
  );
  const isBroken = (name: string): boolean => broken.some((view) => view.schema === schema && view.table === name);
  return views.map(({ name }) => name).filter((name) => !isBroken(name));
}
