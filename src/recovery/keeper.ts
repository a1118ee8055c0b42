import { LastgoodError } from '../platform/errors.ts';
import { connect, describeServer, type ServerConnection } from '../server/connection.ts';
import type { ServerOptions } from '../server/server-options.ts';

/** So that two restores never run into one server. Source: MariaDB manual, "GET_LOCK". */
const LOCK = 'lastgood restore';

/**
 * Opens a session on an existing target that keeps other restores away as long as it lives.
 *
 * @throws LastgoodError `LOCKED`, `SERVER_UNREACHABLE`, `ACCESS_DENIED`
 */
export async function openKeeper(server: ServerOptions): Promise<ServerConnection> {
  const keeper = await connect(server);
  try {
    await keeper.query("SET SESSION autocommit = 1, sql_mode = ''"); // names are quoted in one way only
    await lock(keeper);
    return keeper;
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

async function lock(keeper: ServerConnection): Promise<void> {
  const [row] = await keeper.query<{ taken: string | number | null }>('SELECT GET_LOCK(?, 0) AS taken', [LOCK]);
  if (Number(row?.taken) === 1) return;
  throw new LastgoodError('LOCKED', `another restore runs into the ${describeServer(keeper.options)}`);
}
