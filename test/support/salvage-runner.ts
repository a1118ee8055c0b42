/** A program for tests: salvages schema shop from one server into another; both are in its first argument (JSON). */
import { salvageInto } from '../../src/operations/salvage/salvage-into.ts';
import { takeOut } from '../../src/operations/salvage/take-out.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { listTables, readTableStates } from '../../src/recovery/table-state.ts';
import { connect } from '../../src/server/connection.ts';
import type { ServerOptions } from '../../src/server/server-options.ts';

interface Settings {
  readonly scratch: ServerOptions;
  readonly live: ServerOptions;
  readonly temporary: string;
}

const { scratch: login, live, temporary } = JSON.parse(process.argv[2] ?? '{}') as Settings;
await using admin = await connect(login);
const tables = await readTableStates(admin, await listTables(admin));
const found = await takeOut({ admin, login, temporary }, { tables }, { schema: 'shop', names: [] });
await salvageInto({
  ...{ ...found, server: live, as: 'shop', enableEvents: false, onProgress: () => undefined },
  log: createLogger({ level: 'info', pretty: false }),
});
