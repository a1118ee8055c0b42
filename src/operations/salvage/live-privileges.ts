import { LastgoodError } from '../../platform/errors.ts';
import { describeServer, type ServerConnection } from '../../server/connection.ts';
import { quoteName } from '../../server/quote-name.ts';
import type { SchemaContent } from './schema-content.ts';
import { STAGING_PREFIX } from '../../recovery/staging-name.ts';

const FOR_TABLES = ['SELECT', 'INSERT', 'CREATE', 'ALTER', 'DROP', 'INDEX', 'REFERENCES'];

/**
 * Refuses an account that could not finish what it begins.
 *
 * @param as the schema's name on the live server
 * @param content null: only what every salvage needs
 * @throws LastgoodError `PREFLIGHT_FAILED` with the GRANT statements
 */
export async function requirePrivileges(
  live: ServerConnection,
  as: string,
  content: SchemaContent | null,
): Promise<void> {
  const [row] = await live.query<{ account: string }>('SELECT CURRENT_USER() AS account');
  const lines = (await live.query('SHOW GRANTS')).map((grant) => String(Object.values(grant)[0]));
  const staging = `${STAGING_PREFIX}${'0'.repeat(8)}`;
  const statements = [
    grant(missing(lines, as, [...FOR_TABLES, ...forDefinitions(content)]), `${pattern(as)}.*`, row?.account),
    grant(missing(lines, staging, FOR_TABLES), `${pattern(STAGING_PREFIX, '%')}.*`, row?.account),
    grant(needsDefiner(content) && !mayBeAnyone(lines) ? ['SET USER'] : [], '*.*', row?.account),
    (await needsTrust(live, content)) && !mayLogCode(lines) ? 'SET GLOBAL log_bin_trust_function_creators = 1;' : null,
  ].flatMap((statement) => statement ?? []);
  if (statements.length === 0) return;
  throw new LastgoodError(
    'PREFLIGHT_FAILED',
    `the account ${row?.account ?? ''} of the ${describeServer(live.options)} lacks privileges for a salvage`,
    { hint: `Nothing was written there. Run as its administrator: ${statements.join(' ')}` },
  );
}

function forDefinitions(content: SchemaContent | null): string[] {
  if (content === null) return [];
  const { views, triggers, routines, events } = content;
  return [
    ...(views.length > 0 ? ['CREATE VIEW', 'SHOW VIEW'] : []),
    ...(triggers.length > 0 ? ['TRIGGER'] : []),
    ...(routines.length > 0 ? ['CREATE ROUTINE', 'ALTER ROUTINE'] : []),
    ...(events.length > 0 ? ['EVENT'] : []),
  ];
}

function needsDefiner(content: SchemaContent | null): boolean {
  return forDefinitions(content).length > 0;
}

function mayBeAnyone(lines: readonly string[]): boolean {
  return ['SET USER', 'SUPER'].some((privilege) => privilegesOn(lines, null).has(privilege)) || hasAll(lines, null);
}

/** Source: MariaDB manual, "Binary Logging of Stored Routines". Else triggers would be refused when the tables are in use already. */
async function needsTrust(live: ServerConnection, content: SchemaContent | null): Promise<boolean> {
  const written =
    (content?.triggers.length ?? 0) + (content?.routines.filter(({ type }) => type === 'function').length ?? 0);
  if (written === 0) return false;
  const [row] = await live.query<{ distrusts: string | number }>(
    'SELECT @@GLOBAL.log_bin AND NOT @@GLOBAL.log_bin_trust_function_creators AS distrusts',
  );
  return Number(row?.distrusts) === 1;
}

function mayLogCode(lines: readonly string[]): boolean {
  return privilegesOn(lines, null).has('SUPER') || hasAll(lines, null);
}

function missing(lines: readonly string[], schema: string, wanted: readonly string[]): string[] {
  if (hasAll(lines, null) || hasAll(lines, schema)) return [];
  const has = new Set([...privilegesOn(lines, null), ...privilegesOn(lines, schema)]);
  return wanted.filter((privilege) => !has.has(privilege));
}

function hasAll(lines: readonly string[], schema: string | null): boolean {
  return privilegesOn(lines, schema).has('ALL PRIVILEGES');
}

const GRANT = /^GRANT ([A-Z ,]+) ON (?:\*|`((?:[^`]|``)*)`)\.\* TO /;

/** Of grants on the whole server (null), or on whole schemas that this one is among. */
function privilegesOn(lines: readonly string[], schema: string | null): Set<string> {
  return new Set(
    lines.flatMap((line) => {
      const [, privileges = '', place] = GRANT.exec(line) ?? [];
      const fits = schema === null ? place === undefined : place !== undefined && matches(place, schema);
      return fits ? privileges.split(', ') : [];
    }),
  );
}

/** As LIKE does. */
function matches(quoted: string, schema: string): boolean {
  const escaped = quoted.replaceAll('``', '`').replaceAll(/\\?[\s\S]/g, (part) => {
    if (part === '%') return '[\\s\\S]*';
    if (part === '_') return '[\\s\\S]';
    return part.replace(/^\\(?=.)/s, '').replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${escaped}$`, 'u').test(schema);
}

function pattern(name: string, more = ''): string {
  return quoteName(name.replaceAll(/[\\_%]/g, '\\$&') + more);
}

function grant(privileges: readonly string[], on: string, account = ''): string | null {
  if (privileges.length === 0) return null;
  const at = account.lastIndexOf('@');
  return `GRANT ${privileges.join(', ')} ON ${on} TO ${quoteName(account.slice(0, at))}@${quoteName(account.slice(at + 1))};`;
}
