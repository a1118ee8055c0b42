import { isAscii } from 'node:buffer';
import type { QueryEvent } from '../../binlog/group.ts';

type NamedTable = { readonly schema: string; readonly name: string };

/** What these begin changes rows, rights or statistics, never a table's columns. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['insert', 'update', 'delete', 'replace', 'load', 'select', 'savepoint', 'rollback', 'release', 'truncate'],
  ...['analyze', 'optimize', 'check', 'grant', 'revoke', 'flush', 'xa'],
]);

/** Far more than comments before a statement usually take. */
const HEAD_BYTES = 1024;
/** After white space and plain comments; an executable one may hold anything. */
const FIRST_WORD = /^(?:[ \t\r\n]|\/\*(?![!M])[^]*?\*\/)*([a-z]+)/i;

/**
 * The tables that a statement may define anew. It errs to the safe side: the statement only has to name the table, in its schema or
 * beside its schema's name, or its schema and the word for one, and to begin with no word that is known to be harmless.
 */
export function mayRedefine<Table extends NamedTable>(
  { text, truncated, schema: current }: Pick<QueryEvent, 'schema' | 'text' | 'truncated'>,
  tables: readonly Table[],
): readonly Table[] {
  const first = FIRST_WORD.exec(text.toString('latin1', 0, HEAD_BYTES))?.[1]?.toLowerCase() ?? '';
  if (HARMLESS.has(first)) return [];
  if (truncated) return tables;
  const statement = text.toString('latin1').toLowerCase();
  const isOfSchema = /database|schema/.test(statement);
  return tables.filter(({ schema, name }) => {
    const namesSchema = mentions(statement, schema);
    // A name without a schema is of the default one; any other has its schema before it.
    const isThere = namesSchema || current.toLowerCase() === schema.toLowerCase();
    return (isThere && mentions(statement, name)) || (isOfSchema && namesSchema);
  });
}

/** Quotes inside of quoted names are doubled; what is not ASCII may be written in any character set. */
function mentions(statement: string, name: string): boolean {
  if (!isAscii(Buffer.from(name))) return true;
  const wanted = name.toLowerCase();
  const forms = [wanted, wanted.replaceAll('`', '``'), wanted.replaceAll('"', '""')];
  return forms.some((form) => holdsName(statement, form));
}

/** The version that an executable comment begins with may stand right before a name. */
const EXECUTABLE = /\/\*m?!/;
/** What is not ASCII counts as none: in some character sets it is a blank. */
const PART_OF_NAME = /[0-9a-z_]/;

/** The name `orders` does not stand in `orders_2019`. */
function holdsName(statement: string, form: string): boolean {
  const isPart = (at: number): boolean => PART_OF_NAME.test(statement.charAt(at));
  for (let at = statement.indexOf(form); at >= 0; at = statement.indexOf(form, at + 1)) {
    const isWhole = !isPart(at - 1) && !isPart(at + form.length);
    if (isWhole || EXECUTABLE.test(statement)) return true;
  }
  return false;
}
