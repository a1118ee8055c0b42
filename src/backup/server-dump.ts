import type { WrittenFile } from '../platform/durable-file.ts';
import type { Logger } from '../platform/logger.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { writeCompressed } from './compressed-file.ts';
import { runDump } from './sql-dump.ts';

/** ER_PASSWORD_NO_MATCH: with skip_name_resolve the server does not load accounts of named hosts, and nobody can use them. */
const ACCOUNT_NOT_LOADED = 1133;
/** ER_NONEXISTING_GRANT */
const NO_GRANT = 1141;

export interface ServerDumpOptions {
  readonly path: string;
  readonly connection: ServerConnection;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Writes what belongs to no schema: foreign servers, time zones, then accounts and roles with their privileges. It
 * loads after the schemas, because privileges on a routine need the routine. Run while applying is stopped: no
 * lock holds accounts still.
 */
export async function dumpServer({ path, connection, log, signal }: ServerDumpOptions): Promise<WrittenFile> {
  return await writeCompressed(path, async (write) => {
    await runDump(
      { path, replica: connection.options, signal },
      ['--skip-dump-date', '--system=servers,timezones'],
      write,
    );
    await write("SET NAMES utf8mb4;\nSET SESSION sql_mode = '';\n");
    for (const statement of await readAccountStatements(connection, log)) await write(`${statement};\n`);
  });
}

interface AccountRow {
  User: string;
  Host: string;
  is_role: 'Y' | 'N';
}

/** All accounts and roles first, then all privileges, so that a role exists before it is granted. */
async function readAccountStatements(connection: ServerConnection, log: Logger): Promise<string[]> {
  await connection.query("SET SESSION sql_mode = '', sql_quote_show_create = 1");
  const accounts = await connection.query<AccountRow>(
    'SELECT User, Host, is_role FROM mysql.user ORDER BY is_role, User, Host',
  );
  const creations: string[] = [];
  const grants: string[] = [];
  for (const account of accounts) {
    const creation = await readCreation(connection, account);
    if (creation === null) {
      log.info(
        { user: account.User, host: account.Host },
        'account left out: skip_name_resolve keeps the server from using it',
      );
      continue;
    }
    creations.push(...creation);
    grants.push(...(await readGrants(connection, account)));
  }
  return [...creations, ...grants];
}

/** None for a role that needs no creation; null for an account that the server itself cannot use. */
async function readCreation(connection: ServerConnection, account: AccountRow): Promise<string[] | null> {
  if (account.is_role === 'Y') return isPublic(account) ? [] : [`CREATE OR REPLACE ROLE ${nameOf(account)}`];
  try {
    const [row] = await connection.query(`SHOW CREATE USER ${nameOf(account)}`);
    return [String(Object.values(row ?? {})[0]).replace(/^CREATE USER/, 'CREATE OR REPLACE USER')];
  } catch (error) {
    if (isLastgoodError(error) && error.details['errno'] === ACCOUNT_NOT_LOADED) return null;
    throw error;
  }
}

async function readGrants(connection: ServerConnection, account: AccountRow): Promise<string[]> {
  try {
    const rows = await connection.query(`SHOW GRANTS FOR ${nameOf(account)}`);
    return rows.map((row) => String(Object.values(row)[0]));
  } catch (error) {
    if (isLastgoodError(error) && error.details['errno'] === NO_GRANT) return [];
    throw error;
  }
}

/** The role that everybody has, from MariaDB 10.11 on; it cannot be created. */
function isPublic({ User, is_role }: AccountRow): boolean {
  return is_role === 'Y' && User === 'PUBLIC';
}

function nameOf(account: AccountRow): string {
  if (isPublic(account)) return 'PUBLIC';
  const quote = (name: string): string => `\`${name.replaceAll('`', '``')}\``;
  return account.is_role === 'Y' ? quote(account.User) : `${quote(account.User)}@${quote(account.Host)}`;
}
