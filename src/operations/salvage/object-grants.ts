import { isLastgoodError } from '../../platform/errors.ts';
import type { ServerConnection } from '../../server/connection.ts';
import { quoteName, within } from '../../server/quote-name.ts';

/** A privilege on the salvaged objects, for one account. */
export interface ObjectGrant {
  /** What stands before ON: `GRANT SELECT, INSERT (`a`)`. */
  readonly head: string;
  /** `PROCEDURE`, `FUNCTION`, `PACKAGE`, `PACKAGE BODY`; null for schemas, tables and views. */
  readonly routine: string | null;
  readonly schema: string;
  /** null: all of the schema. */
  readonly name: string | null;
  /** What stands behind the object: `TO `app`@`%``, and more. */
  readonly tail: string;
}

const NAME = '`((?:[^`]|``)*)`';
const GRANT = new RegExp(
  `^(GRANT (?:[^\`]|\`(?:[^\`]|\`\`)*\`)+?) ON (?:(PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?${NAME}\\.(?:(\\*)|${NAME}) (TO .*)$`,
  's',
);

/**
 * Reads a line of SHOW GRANTS. @returns null for one on the whole server, on a role, or on a pattern of schemas
 */
export function parseObjectGrant(line: string): ObjectGrant | null {
  const [, head, routine, schema, all, name, tail] = GRANT.exec(line) ?? [];
  if (head === undefined || schema === undefined || tail === undefined) return null;
  const named = schema.replaceAll('``', '`');
  if (all === undefined)
    return { head, routine: routine ?? null, schema: named, name: name?.replaceAll('``', '`') ?? '', tail };
  const plain = plainSchema(named);
  return plain === null ? null : { head, routine: null, schema: plain, name: null, tail };
}

/**
 * In a grant on a whole schema `%` stands for anything; `_` for any one character, but those who write `my_shop` mean it.
 */
function plainSchema(pattern: string): string | null {
  const literal = pattern.replaceAll(/\\([_%\\])/g, '$1');
  return /(^|[^\\])%/.test(pattern) ? null : literal;
}

/** The statement, for the same or another schema. */
export function grantText(grant: ObjectGrant, schema = grant.schema): string {
  const { head, routine, name, tail } = grant;
  // Unescaped, an underscore would also be for schemas of a like name.
  const whole = schema.replaceAll(/[\\_%]/g, '\\$&');
  const object = name === null ? `${quoteName(whole)}.*` : within(schema, name);
  return `${head} ON ${routine === null ? '' : `${routine} `}${object} ${tail}`;
}

/** ER_NONEXISTING_GRANT; ER_PASSWORD_NO_MATCH: an account that the server itself does not use. */
const NO_GRANTS = new Set<unknown>([1141, 1133]);

/** All privileges on single schemas, tables and routines, of every account and role but `except` at localhost. */
export async function readObjectGrants(connection: ServerConnection, except: string): Promise<ObjectGrant[]> {
  const accounts = await connection.query<{ User: string; Host: string; is_role: string }>(
    `SELECT User, Host, is_role FROM mysql.user WHERE NOT (User = ? AND Host = 'localhost')
     ORDER BY is_role DESC, User, Host`,
    [except],
  );
  const grants: ObjectGrant[] = [];
  for (const { User: user, Host: host, is_role: role } of accounts) {
    const account = role === 'Y' ? roleName(user) : `${quoteName(user)}@${quoteName(host)}`;
    grants.push(...(await showGrants(connection, account)).flatMap((line) => parseObjectGrant(line) ?? []));
  }
  return grants;
}

/** The role that everybody has is a keyword. */
function roleName(name: string): string {
  return name === 'PUBLIC' ? name : quoteName(name);
}

async function showGrants(connection: ServerConnection, account: string): Promise<string[]> {
  try {
    const rows = await connection.query(`SHOW GRANTS FOR ${account}`);
    return rows.map((row) => String(Object.values(row)[0]));
  } catch (error) {
    if (isLastgoodError(error) && NO_GRANTS.has(error.details['errno'])) return [];
    throw error;
  }
}
