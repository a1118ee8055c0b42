import { dialectOf, ANSI_QUOTES, NO_BACKSLASH_ESCAPES, sourceOf, type Dialect } from '../../incident/dialect.ts';
import type { Definition, DefinedType } from './definitions.ts';
import { withEventState } from './event-state.ts';
import { renameSchema } from './rename-schema.ts';

/** What was at the last good point and does not come back by itself. */
export interface NotCarried {
  readonly type: DefinedType | 'table' | 'sequence' | 'foreign key' | 'default' | 'grant';
  readonly name: string;
  readonly why: string;
}

export interface CarryOptions {
  readonly schema: string;
  /** Its name where it goes to. */
  readonly as: string;
  readonly caseSensitive: boolean;
  /** Of the server that printed the definitions. */
  readonly serverVersion: string;
  readonly enableEvents: boolean;
}

/** The definition as it is to be made there, or why that cannot be done for certain. Pure. */
export function carryDefinition(definition: Definition, o: CarryOptions): Definition | NotCarried {
  const { type, name } = definition;
  const lost = textDoubt(definition);
  if (lost !== null) return { type, name, why: lost };
  const dialect = dialectFor(definition, o.serverVersion);
  const renamed = renamedSql(definition.sql, { ...o, dialect });
  if (renamed.sql === null) return { type, name, why: renamed.why };
  if (type !== 'event') return { ...definition, sql: renamed.sql };
  const sql = withEventState(renamed.sql, o.enableEvents ? 'ENABLE' : 'DISABLE', dialect);
  return sql === null
    ? { type, name, why: 'its definition has a form that lastgood does not know' }
    : { ...definition, sql };
}

/** An SQL expression of a table definition with the schema's new name. */
export function carryExpression(sql: string, o: CarryOptions): ReturnType<typeof renamedSql> {
  return renamedSql(sql, { ...o, dialect: dialectFor({ sqlMode: '' }, o.serverVersion) });
}

function renamedSql(
  sql: string,
  { schema, as, caseSensitive, dialect }: Pick<CarryOptions, 'schema' | 'as' | 'caseSensitive'> & { dialect: Dialect },
): ReturnType<typeof renameSchema> {
  return schema === as ? { sql, why: null } : renameSchema(sql, { from: schema, to: as, dialect, caseSensitive });
}

/** sql_mode words are as SHOW CREATE prints them: what a combined mode stands for is spelled out. */
function dialectFor({ sqlMode }: Pick<Definition, 'sqlMode'>, serverVersion: string): Dialect {
  const words = new Set(sqlMode.split(','));
  const bits =
    (words.has('ANSI_QUOTES') ? ANSI_QUOTES : 0) + (words.has('NO_BACKSLASH_ESCAPES') ? NO_BACKSLASH_ESCAPES : 0);
  return dialectOf(sourceOf({ flavor: 'mariadb', serverVersion }), bits, false);
}

/** Character sets in which every text that we have is what it was when we send it in UTF-8. */
const AS_THEY_ARE = new Set(['utf8mb4', 'utf8mb3', 'utf8']);

/**
 * We send text as UTF-8. The server turns it into the definition's own character set, but for a literal that names
 * its bytes' character set: those bytes we would change.
 */
function textDoubt({ sql, characterSet }: Definition): string | null {
  if (isAscii(sql) || AS_THEY_ARE.has(characterSet) || !/\b_[a-z0-9]+\s*['"]/i.test(sql)) return null;
  return `it was written in ${characterSet} and names the character set of a text itself`;
}

/** Where the text is the same bytes in its own character set, it is sent as such; else as UTF-8. */
export function sentAs({ sql, characterSet }: Pick<Definition, 'sql' | 'characterSet'>): string {
  return isAscii(sql) || AS_THEY_ARE.has(characterSet) ? characterSet : 'utf8mb4';
}

function isAscii(text: string): boolean {
  return !/[^\0-\x7f]/.test(text);
}
