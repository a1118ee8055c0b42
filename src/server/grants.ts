import type { ServerConnection } from './connection.ts';

/** What an account is for. */
export type AccountRole = 'archiver' | 'backup';

/** What an account may do on the whole server, in the words of `PRIVILEGES`. */
export interface AccountPrivileges {
  /** `user@host` as the server matched it. */
  readonly account: string;
  readonly privileges: ReadonlySet<string>;
}

/**
 * The least that works, tried with accounts that had nothing else. Source: MariaDB manual, "GRANT" (names from
 * 10.5.9 on); MySQL manual, "Privileges Provided by MySQL".
 */
export const PRIVILEGES: Readonly<Record<AccountRole, Readonly<Record<'mariadb' | 'mysql', readonly string[]>>>> = {
  archiver: {
    mariadb: ['REPLICATION SLAVE', 'BINLOG MONITOR'],
    mysql: ['REPLICATION SLAVE', 'REPLICATION CLIENT'],
  },
  backup: {
    mariadb: ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'REPLICATION SLAVE ADMIN', 'SLAVE MONITOR', 'BINLOG MONITOR'],
    mysql: ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT', 'EXECUTE', 'SUPER', 'REPLICATION CLIENT'],
  },
};

/** Other names that servers print for the same privilege. */
const SAME: Readonly<Record<string, string>> = {
  'REPLICATION REPLICA': 'REPLICATION SLAVE',
  'REPLICATION REPLICA ADMIN': 'REPLICATION SLAVE ADMIN',
  'REPLICA MONITOR': 'SLAVE MONITOR',
};

/** What SUPER still includes on MariaDB 10.11 (tried). */
const WITHIN_SUPER = ['REPLICATION SLAVE ADMIN', 'SLAVE MONITOR', 'BINLOG MONITOR', 'REPLICATION CLIENT'];

/** Reads the privileges of the account that this connection signed in with, those of its active roles too. */
export async function readPrivileges(connection: ServerConnection): Promise<AccountPrivileges> {
  const [row] = await connection.query<{ account: string }>('SELECT CURRENT_USER() AS account');
  const grants = await connection.query('SHOW GRANTS');
  const privileges = new Set(grants.flatMap((grant) => globalPrivileges(String(Object.values(grant)[0]))));
  return { account: row?.account ?? '', privileges };
}

/** The privileges of `PRIVILEGES` that the account lacks. */
export function missingPrivileges(
  { privileges }: AccountPrivileges,
  needed: { role: AccountRole; flavor: 'mariadb' | 'mysql' },
): string[] {
  const has = (name: string): boolean =>
    privileges.has('ALL PRIVILEGES') ||
    privileges.has(name) ||
    (privileges.has('SUPER') && WITHIN_SUPER.includes(name));
  return PRIVILEGES[needed.role][needed.flavor].filter((name) => !has(name));
}

/** A statement to hand to the server's administrator. */
export function grantStatement(account: string, privileges: readonly string[]): string {
  const at = account.lastIndexOf('@');
  return `GRANT ${privileges.join(', ')} ON *.* TO ${quote(account.slice(0, at))}@${quote(account.slice(at + 1))};`;
}

/** `GRANT A, B ON *.* TO ...` -> A, B; nothing of a grant on less than everything. */
function globalPrivileges(grant: string): string[] {
  const names = /^GRANT (.+?) ON \*\.\* TO /.exec(grant)?.[1]?.split(', ') ?? [];
  return names.map((name) => SAME[name] ?? name);
}

function quote(name: string): string {
  return `'${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
