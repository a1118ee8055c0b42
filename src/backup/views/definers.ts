import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import { quoteText } from './sql-text.ts';

/** ER_PASSWORD_NO_MATCH, ER_NONEXISTING_GRANT */
const NO_ACCOUNT = [1133, 1141];
/** No password is known that has it. */
const NO_PASSWORD = `'*${'0'.repeat(40)}'`;

/** A name without a host, as `accountName` gives it. */
const ROLE = /^`(?:[^`]|``)*`$/;
const QUOTED = /`((?:[^`]|``)*)`/g;

/** `user@host` as a statement takes it; a role has no host. */
export function accountName(definer: string): string {
  const at = definer.lastIndexOf('@');
  const [user, host] = [definer.slice(0, at), definer.slice(at + 1)];
  return host === '' ? quoteName(user) : `${quoteName(user)}@${quoteName(host)}`;
}

/** Those of whom the server knows no account or role, as statements take them. */
export async function missingDefiners(connection: ServerConnection, definers: Iterable<string>): Promise<string[]> {
  const missing: string[] = [];
  for (const name of new Set([...definers].map(accountName))) if (!(await exists(connection, name))) missing.push(name);
  return missing;
}

async function exists(connection: ServerConnection, name: string): Promise<boolean> {
  try {
    await connection.query(`SHOW GRANTS FOR ${name}`);
    return true;
  } catch (error) {
    if (isLastgoodError(error) && NO_ACCOUNT.includes(Number(error.details['errno']))) return false;
    throw error;
  }
}

/**
 * Statements for accounts that are there only while views are made: over a view whose definer is gone no server makes
 * another one, though it reads one that is there. Nobody can sign in with them. An account that the server has itself,
 * as root from other hosts, is left as it is.
 */
export function standInAccounts(
  { flavor }: Pick<ServerConnection, 'flavor'>,
  names: readonly string[],
): { readonly create: string[]; readonly drop: string[] } {
  const locked = flavor === 'mariadb' ? 'ACCOUNT LOCK' : `IDENTIFIED BY PASSWORD ${NO_PASSWORD}`;
  const standIns = names.map((name, index) => {
    const missing = `@lastgood_missing_${index}`;
    // A view's definer would become the user of a role's name.
    const [kind, more] = ROLE.test(name) ? ['ROLE', ''] : ['USER', ` ${locked}`];
    const [user, host = ''] = Array.from(name.matchAll(QUOTED), ([, part = '']) => part.replaceAll('``', '`'));
    const found = `SELECT 1 FROM mysql.user WHERE User = ${quoteText(user ?? '')} AND Host = ${quoteText(host)}`;
    return {
      create: [
        `SET ${missing} = NOT EXISTS (${found})`,
        ...runIf(missing, `CREATE ${kind} ${name}${more}`),
        ...runIf(missing, `GRANT ALL PRIVILEGES ON *.* TO ${name}`),
      ],
      drop: runIf(missing, `DROP ${kind} ${name}`),
    };
  });
  return { create: standIns.flatMap(({ create }) => create), drop: standIns.flatMap(({ drop }) => drop) };
}

/** MySQL 5.6 has neither CREATE USER IF NOT EXISTS nor EXECUTE IMMEDIATE. */
function runIf(condition: string, statement: string): string[] {
  const sql = `SET @lastgood_sql = IF(${condition}, ${quoteText(statement)}, 'DO 0')`;
  return [sql, 'PREPARE lastgood FROM @lastgood_sql', 'EXECUTE lastgood'];
}
