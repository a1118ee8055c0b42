import type { ServerConnection } from '../../server/connection.ts';
import { readVariables } from '../../server/facts.ts';

/** What no two servers that run at the same time have in common. */
const PLACE = ['hostname', 'datadir', 'pid_file', 'socket', 'port', 'server_id', 'server_uuid', 'server_uid'] as const;

/** Where and who a server is, in its own words. */
export type ServerPlace = Readonly<Partial<Record<(typeof PLACE)[number], string>>>;

/** Reads it; asks only, so that a server which must not be touched is not. */
export async function readServerPlace(connection: ServerConnection): Promise<ServerPlace> {
  const variables = await readVariables(connection);
  return Object.fromEntries(
    PLACE.flatMap((name) => {
      const value = variables.get(name);
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

/**
 * True when both are one server, whatever address it was reached by. MariaDB has no id of its own before 10.10, and none
 * that a copied machine would not share: so where it runs counts, and all of it.
 */
export function isSameServer(a: ServerPlace, b: ServerPlace): boolean {
  return PLACE.every((name) => a[name] === b[name]);
}
