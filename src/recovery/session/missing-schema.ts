import { randomBytes } from 'node:crypto';
import { connect, type ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { trySet } from './try-set.ts';

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

const NOWHERE = 'lastgood_no_schema';

/** Has a session, which has no default schema yet, remember how that is. @throws LastgoodError what `ServerConnection.query` throws */
export async function rememberNoSchema(session: ServerConnection): Promise<void> {
  await session.query(`PREPARE ${NOWHERE} FROM 'DO 0'`);
}

/**
 * Leaves a session that has called `rememberNoSchema` without a default schema, which no statement does by itself. A prepared statement runs with
 * the default schema of when it was prepared, here none, and the session comes back to its own: that one is gone then, so it has none.
 * Source: MariaDB 10.11 and MySQL 5.6 sql/sql_db.cc, mysql_change_db with force_switch; tried on both.
 *
 * @throws LastgoodError what `connect` and `ServerConnection.query` throw
 */
export async function leaveSchema(session: ServerConnection): Promise<void> {
  const gone = `lastgood_${randomBytes(6).toString('hex')}`;
  await whileSchemaExists(session, gone, [`USE ${gone}`]);
  await session.query(`EXECUTE ${NOWHERE}`);
}
