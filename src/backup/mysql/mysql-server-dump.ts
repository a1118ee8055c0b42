import { join } from 'node:path';
import { connect } from '../../server/connection.ts';
import { BACKUP_FILES } from '../backup-files.ts';
import { writeCompressed } from '../compressed-file.ts';
import { readAsStored, writeTableRows } from '../exact-rows.ts';
import { sqlLines } from '../sql-lines.ts';
import type { ServerDumpOptions, ServerFiles } from '../server-dump.ts';
import { readMysqlAccounts } from './mysql-accounts.ts';

/** Without a mode and a character set of its own, a server reads the statements as they are meant. */
const SESSION = ['SET NAMES utf8mb4', "SET SESSION sql_mode = ''"];
/** Of the server itself: zones that statements name, and foreign servers that FEDERATED tables do. */
const SYSTEM_TABLES = [
  'servers',
  'time_zone',
  'time_zone_leap_second',
  'time_zone_name',
  'time_zone_transition',
  'time_zone_transition_type',
];

/** Writes what belongs to no schema, as `dumpServer` does for MariaDB: run while applying is stopped. */
export async function dumpMysqlServer({ folder, connection, log }: ServerDumpOptions): Promise<ServerFiles> {
  const { creations, grants } = await readMysqlAccounts(connection, (what) => {
    log.info({ what }, 'left out: the server cannot use it, or what it is for is gone');
  });
  const accounts = await writeCompressed(join(folder, BACKUP_FILES.accounts), async (write) => {
    await using reader = await connect(connection.options);
    await readAsStored(reader);
    await write(sqlLines([...SESSION, "SET SESSION time_zone = '+00:00'"]));
    for (const table of SYSTEM_TABLES) {
      await write(`TRUNCATE TABLE mysql.${table};\n`);
      await writeTableRows(reader, { schema: 'mysql', table, qualified: true }, write);
    }
    await write(sqlLines([...SESSION, 'FLUSH LOCAL PRIVILEGES', ...creations]));
  });
  const granted = await writeCompressed(join(folder, BACKUP_FILES.grants), async (write) => {
    await write(sqlLines([...SESSION, ...grants]));
  });
  return {
    accounts: { name: BACKUP_FILES.accounts, ...accounts },
    grants: { name: BACKUP_FILES.grants, ...granted },
  };
}
