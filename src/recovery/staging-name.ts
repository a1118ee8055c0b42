import type { ServerConnection } from '../server/connection.ts';

/** How the schemas begin in which a salvage loads: the account may be given rights on the pattern, and nobody is alerted of them. */
export const STAGING_PREFIX = 'lastgood_salvage_';

/** The schemas of salvages, also of those that were killed: nobody can tell which of them are at work. */
export async function readStaging(server: ServerConnection): Promise<string[]> {
  const schemas = await server.query<{ name: string }>(
    'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE ? ORDER BY 1',
    [`${STAGING_PREFIX.replaceAll('_', String.raw`\_`)}%`],
  );
  return schemas.map(({ name }) => name);
}
