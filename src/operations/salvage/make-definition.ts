import type { ServerConnection } from '../../server/connection.ts';
import { keepEncoding } from '../../server/session-encoding.ts';
import { sentAs } from './carry-definition.ts';
import type { Definition } from './definitions.ts';

/** ER_NO_SUCH_USER: made, but whoever it runs as does not exist. */
const NO_SUCH_USER = 1449;

/** A statement without tables leaves the warnings of the one before. Source: MariaDB 10.11 sql/sql_parse.cc, opt_clear_warning_info. */
const FORGET_WARNINGS = 'SELECT 1 FROM information_schema.ENGINES LIMIT 0';

/**
 * Makes an object in the session's default schema, as it was written: with its own sql_mode, character sets and zone.
 *
 * @returns what the server had to say about it that a person should know
 */
export async function makeDefinition(live: ServerConnection, definition: Definition): Promise<string[]> {
  const { type, name, sql, sqlMode, collation, timeZone } = definition;
  await keepEncoding(live);
  await live.query(FORGET_WARNINGS);
  await live.query('SET SESSION sql_mode = ?', [sqlMode]);
  if (timeZone !== null) await live.query('SET SESSION time_zone = ?', [timeZone]);
  await live.query(`SET SESSION collation_connection = ?`, [collation]);
  try {
    await live.query('SET SESSION character_set_client = ?', [sentAs(definition)]);
    await live.query(sql);
    const warnings = await live.query<{ Code: string | number; Message: string }>('SHOW WARNINGS');
    return warnings
      .filter(({ Code: code }) => Number(code) === NO_SUCH_USER)
      .map(({ Message: message }) => `${type} ${name}: ${message}`);
  } finally {
    await live.query("SET NAMES utf8mb4, SESSION sql_mode = ''");
  }
}
