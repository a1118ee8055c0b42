import { join } from 'node:path';
import type { Logger } from '../platform/logger.ts';
import { isLastgoodError } from '../platform/errors.ts';
import type { ServerConnection } from '../server/connection.ts';
import { quoteName } from '../server/quote-name.ts';
import { BACKUP_FILES, type BackupFile } from './backup-files.ts';
import { writeCompressed } from './compressed-file.ts';
import { withoutStaleGrants } from './object-grant.ts';
import { runDump } from './sql-dump.ts';

/** ER_PASSWORD_NO_MATCH: with skip_name_resolve the server does not load accounts of named hosts, and nobody can use them. */
const ACCOUNT_NOT_LOADED = 1133;
/** ER_NONEXISTING_GRANT */
const NO_GRANT = 1141;

export interface ServerDumpOptions {
  readonly folder: string;
  readonly connection: ServerConnection;
  readonly log: Logger;
  readonly signal?: AbortSignal | undefined;
}

/** What to load before the schemas, and what after them. */
export interface ServerFiles {
  readonly accounts: BackupFile;
  readonly grants: BackupFile;
}

/** Without a mode and a character set of its own, a server reads the statements as they are meant. */
const SESSION = ['SET NAMES utf8mb4', "SET SESSION sql_mode = ''"];

/**
 * Writes what belongs to no schema: foreign servers, time zones, accounts and roles with their privileges. Run while
 * applying is stopped: no lock holds accounts still.
 */
export async function dumpServer({ folder, connection, log, signal }: ServerDumpOptions): Promise<ServerFiles> {
  const { creations, grants } = await readAccountStatements(connection, log);
  const path = (name: string): string => join(folder, name);
  const lines = (statements: readonly string[]): string =>
    [...SESSION, ...statements].map((statement) => `${statement};\n`).join('');
  const accounts = await writeCompressed(path(BACKUP_FILES.accounts), async (write) => {
    await runDump(
      { path: path(BACKUP_FILES.accounts), replica: connection.options, signal },
      ['--skip-dump-date', '--system=servers,timezones'],
      write,
    );
    await write(lines(creations));
  });
  const granted = await writeCompressed(path(BACKUP_FILES.grants), async (write) => {
    await write(lines(grants));
  });
  return {
    accounts: { name: BACKUP_FILES.accounts, ...accounts },
    grants: { name: BACKUP_FILES.grants, ...granted },
  };
}

interface AccountRow {
  User: string;
  Host: string;
  is_role: 'Y' | 'N';
}

/**
 * Accounts and roles can do everything while schemas load: a view on another one can only be created when the other
 * one's definer may read what it reads. Then they lose it all, and get what is theirs. An account that the server has
 * already, root above all, keeps its password and privileges until its own statements at the very end: after a load
 * that was killed, an administrator can still log in and put things right.
 */
async function readAccountStatements(
  connection: ServerConnection,
  log: Logger,
): Promise<{ creations: string[]; grants: string[] }> {
  await connection.query("SET SESSION sql_mode = '', sql_quote_show_create = 1");
  const accounts = await connection.query<AccountRow>(
    'SELECT User, Host, is_role FROM mysql.user ORDER BY is_role, User, Host',
  );
  const creations: string[] = [];
  const revocations: string[] = [];
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
    const own = await readGrants(connection, account, log);
    if (account.is_role === 'N') {
      creations.push(`CREATE USER IF NOT EXISTS ${creation}`);
      grants.push(`CREATE OR REPLACE USER ${creation}`);
    } else if (!isPublic(account)) {
      creations.push(`CREATE OR REPLACE ROLE ${creation}`);
      revocations.push(`REVOKE ALL PRIVILEGES, GRANT OPTION FROM ${creation}`);
    }
    grants.push(...own);
    if (!isPublic(account)) creations.push(`GRANT ALL PRIVILEGES ON *.* TO ${nameOf(account)}`);
  }
  return { creations, grants: [...revocations, ...grants] };
}

/** What follows CREATE USER, a role's name alone; null for an account that the server itself cannot use. */
async function readCreation(connection: ServerConnection, account: AccountRow): Promise<string | null> {
  if (account.is_role === 'Y') return nameOf(account);
  try {
    const [row] = await connection.query(`SHOW CREATE USER ${nameOf(account)}`);
    return String(Object.values(row ?? {})[0]).replace(/^CREATE USER /, '');
  } catch (error) {
    if (isLastgoodError(error) && error.details['errno'] === ACCOUNT_NOT_LOADED) return null;
    throw error;
  }
}

async function readGrants(connection: ServerConnection, account: AccountRow, log: Logger): Promise<string[]> {
  const grants: string[] = [];
  for (const line of await showGrants(connection, account)) {
    const grant = await withoutStaleGrants(connection, line);
    if (grant !== null) grants.push(grant);
    if (grant !== line)
      log.info(
        { user: account.User, host: account.Host, grant: line },
        'privileges left out: what they are for is gone',
      );
  }
  return grants;
}

async function showGrants(connection: ServerConnection, account: AccountRow): Promise<string[]> {
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
  const user = quoteName(account.User);
  return account.is_role === 'Y' ? user : `${user}@${quoteName(account.Host)}`;
}
