import type { ServerConnection } from './connection.ts';

/**
 * Keeps our side writing UTF-8 whatever character set the session gets: else each one that the server tells of is taken over, and one that
 * `mysql2` does not know, as dec8 or keybcs2, ends the connection. For a session that sets `character_set_client`.
 */
export async function keepEncoding(connection: ServerConnection): Promise<void> {
  const [told] = await connection.query("SHOW VARIABLES LIKE 'session_track_system_variables'");
  if (told !== undefined) await connection.query("SET SESSION session_track_system_variables = ''"); // MySQL 5.6 tells nothing
}
