import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { withoutStaleGrants } from '../object-grant.ts';

/** ER_NONEXISTING_GRANT */
const NO_GRANT = 1141;

/** Statements for accounts: those to run before schemas are loaded, and those after. */
export interface AccountStatements {
  readonly creations: readonly string[];
  readonly grants: readonly string[];
}

interface Account {
  /** As statements take it. */
  readonly name: string;
  readonly plugin: string;
  readonly password: string;
  readonly authentication: string | null;
  readonly expired: 'Y' | 'N';
}

/**
 * Accounts can do everything while schemas load, and get what is theirs at the very end, as `dumpServer` has it for
 * MariaDB. Source: MySQL 5.6 manual, "mysql.user".
 */
export async function readMysqlAccounts(
  connection: ServerConnection,
  leftOut: (what: string) => void,
): Promise<AccountStatements> {
  await connection.query("SET SESSION sql_mode = '', sql_quote_show_create = 1");
  const accounts = await connection.query<Account>(
    `SELECT CONCAT(QUOTE(User), '@', QUOTE(Host)) AS name, plugin, Password AS password,
            authentication_string AS authentication, password_expired AS expired FROM mysql.user ORDER BY User, Host`,
  );
  const usable: Account[] = [];
  const grants: string[] = [];
  for (const account of accounts) {
    const lines = await showGrants(connection, account);
    if (lines === null) {
      leftOut(`account ${account.name}`);
      continue;
    }
    usable.push(account);
    grants.push(...creationOf(account), ...(await currentGrants(connection, lines, leftOut)));
  }
  return {
    creations: usable.map(({ name }) => `GRANT ALL PRIVILEGES ON *.* TO ${name}`),
    grants: [
      ...grants,
      ...usable.flatMap(({ name, expired }) => (expired === 'Y' ? [`ALTER USER ${name} PASSWORD EXPIRE`] : [])),
    ],
  };
}

/** There is no DROP USER IF EXISTS: a grant of nothing makes sure that there is one to drop. */
function creationOf({ name, plugin, password, authentication }: Account): string[] {
  const isOwn = plugin === '' || plugin === 'mysql_native_password' || plugin === 'mysql_old_password';
  const identified = isOwn ? byPassword(password) : ` IDENTIFIED WITH ${plugin} AS ${quote(authentication ?? '')}`;
  return [`GRANT USAGE ON *.* TO ${name}`, `DROP USER ${name}`, `CREATE USER ${name}${identified}`];
}

function byPassword(hash: string): string {
  return hash === '' ? '' : ` IDENTIFIED BY PASSWORD ${quote(hash)}`;
}

/** null for an account that the server itself cannot use: with skip_name_resolve it loads none of named hosts. */
async function showGrants(connection: ServerConnection, { name }: Account): Promise<string[] | null> {
  try {
    const rows = await connection.query(`SHOW GRANTS FOR ${name}`);
    return rows.map((row) => withQuotedColumns(String(Object.values(row)[0])));
  } catch (error) {
    if (isLastgoodError(error) && error.details['errno'] === NO_GRANT) return null;
    throw error;
  }
}

/** `SELECT (id, name)` as MySQL 5.6 writes it, with names in quotes. A quoted name ends the list of privileges. */
function withQuotedColumns(grant: string): string {
  const [, privileges = '', rest = ''] = /^([^`']*?)( ON .*)$/s.exec(grant) ?? ['', grant, ''];
  const quoted = privileges.replaceAll(/\(([^)]*)\)/g, (_, names: string) => {
    const list = names.split(', ').map(quoteName);
    return `(${list.join(', ')})`;
  });
  return quoted + rest;
}

async function currentGrants(
  connection: ServerConnection,
  lines: readonly string[],
  leftOut: (what: string) => void,
): Promise<string[]> {
  const grants: string[] = [];
  for (const line of lines) {
    const grant = await withoutStaleGrants(connection, line);
    if (grant !== null) grants.push(grant);
    if (grant !== line) leftOut(line);
  }
  return grants;
}

function quote(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
