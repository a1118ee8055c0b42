import { connect, type ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { trySet } from './target-session.ts';

/**
 * Has a session execute statements while a schema is there that is not: so it gets a default schema that was dropped under the source's
 * session. Another session makes it and drops it: in the same one that would commit its transaction, and take its GTID.
 *
 * @throws LastgoodError what `connect` and `ServerConnection.query` throw; a schema that is there after all stays
 */
export async function whileSchemaExists(
  session: ServerConnection,
  schema: string,
  statements: readonly string[],
): Promise<void> {
  await using helper = await connect(session.options);
  await trySet(helper, 'SET SESSION sql_log_bin = 0');
  await helper.query(`CREATE DATABASE ${quoteName(schema)}`);
  try {
    for (const statement of statements) await session.query(statement);
  } finally {
    await helper.query(`DROP DATABASE ${quoteName(schema)}`);
  }
}
