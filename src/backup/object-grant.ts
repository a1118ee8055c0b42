import type { ServerConnection } from '../server/connection.ts';

/** A quoted name; what is between the quotes. */
const NAME = '`((?:[^`]|``)*)`';
/** What stands before ON: words, and columns in quotes. */
const PRIVILEGES = '((?:[^`]|`(?:[^`]|``)*`)+?)';
const OBJECT_GRANT = new RegExp(
  `^GRANT ${PRIVILEGES} ON (?:(PROCEDURE|FUNCTION|PACKAGE BODY|PACKAGE) )?${NAME}\\.${NAME} (TO .*)$`,
  's',
);
/** One privilege, with its columns where it is for some only. */
const PRIVILEGE = /([A-Z][A-Z ]*[A-Z])(?: \(((?:[^`)]|`(?:[^`]|``)*`)*)\))?/g;

/**
 * What of a line of SHOW GRANTS can be granted on a server that has what `connection` shows. Privileges outlive what they are for: a
 * table that is dropped, a column, a routine. Only CREATE may come before its table.
 *
 * @returns the statement without what is for nothing; null when nothing is left of it
 */
export async function withoutStaleGrants(connection: ServerConnection, grant: string): Promise<string | null> {
  const [, privileges = '', type, schema = '', name = '', to = ''] = OBJECT_GRANT.exec(grant) ?? [];
  if (to === '') return grant;
  const object = [schema, name].map(plain);
  if (type !== undefined) return (await routineExists(connection, type, object)) ? grant : null;
  const columns = await readColumns(connection, object);
  const left = [...privileges.matchAll(PRIVILEGE)].flatMap(([, words = '', named]) => present(words, named, columns));
  const mayComeFirst = left.some((words) => words === 'CREATE' || words === 'ALL PRIVILEGES');
  if (left.length === 0 || (columns.size === 0 && !mayComeFirst)) return null;
  return `GRANT ${left.join(', ')} ON \`${schema}\`.\`${name}\` ${to}`;
}

function present(words: string, named: string | undefined, columns: ReadonlySet<string>): string[] {
  if (named === undefined) return [words];
  const existing = [...named.matchAll(new RegExp(NAME, 'g'))]
    .filter(([, name = '']) => columns.has(plain(name).toLowerCase()))
    .map(([quoted]) => quoted);
  return existing.length === 0 ? [] : [`${words} (${existing.join(', ')})`];
}

/** None where there is no such table, or a view that the server itself cannot read. */
async function readColumns(connection: ServerConnection, object: readonly string[]): Promise<Set<string>> {
  const rows = await connection.query<{ name: string }>(
    'SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?',
    object,
  );
  return new Set(rows.map(({ name }) => name.toLowerCase()));
}

async function routineExists(connection: ServerConnection, type: string, object: readonly string[]): Promise<boolean> {
  const rows = await connection.query(
    `SELECT 1 FROM information_schema.ROUTINES
     WHERE ROUTINE_TYPE = ? AND ROUTINE_SCHEMA = ? AND ROUTINE_NAME = ?`,
    [type, ...object],
  );
  return rows.length > 0;
}

function plain(name: string): string {
  return name.replaceAll('``', '`');
}
