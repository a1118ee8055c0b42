/**
 * A broken view under its own text. Enters: what the text reads. Leaves: SQL that makes the view where nothing of it is there, over
 * stand-ins that are there only meanwhile. Must not know whether a server takes it: what fails leaves nothing behind.
 */
import { isSystemSchema } from '../../server/facts.ts';
import { quoteName, within } from '../../server/quote-name.ts';
import { sqlLines } from '../sql-lines.ts';
import type { CalledFunction, Needs, ReadObject } from './definition-names.ts';
import { quoteText } from './sql-text.ts';

/** A view to be made under its own text. */
export interface OwnText {
  readonly schema: string;
  readonly table: string;
  readonly needs: Needs;
  /** MD5 of its definition, as information_schema has that. */
  readonly digest: string;
}

/** Where procedures and tables may stand meanwhile, and a statement that makes the view. */
interface Means {
  readonly scratch: string;
  readonly make: string;
}

/** Makes something, and takes it away again. */
interface Step {
  readonly make: string;
  readonly undo: string;
}

/** Most functions take any of them; functions of places, or of times, take their own alone. */
const TYPES = ['INT', 'LONGTEXT', 'GEOMETRY', 'DATETIME'];
/** So many collations of one text are tried. */
const MOST_COLLATIONS = 3;
const ON_ERROR = 'HANDLER FOR SQLEXCEPTION BEGIN END';

/**
 * Statements of a procedure that tries to make the view until its definition is the same text: what it reads is there
 * meanwhile, with columns and results of one type after the other. Pure.
 */
export function tryOwnText(view: OwnText, means: Means): string {
  const { objects, functions, collations } = view.needs;
  const read = objects.filter(({ schema }) => !isSystemSchema(schema));
  const called = functions.filter(({ schema }) => schema === null || !isSystemSchema(schema));
  const named = new Set([...read, ...called].map(({ schema }) => schema ?? view.schema));
  const schemas = [...named].filter((schema) => schema !== view.schema);
  const types = [...TYPES, ...collations.slice(0, MOST_COLLATIONS).map((name) => `LONGTEXT COLLATE ${name}`)];
  const attempts = types.map((type) => {
    const steps = [
      ...called.map((one) => calledStandIn(one, { type, scratch: means.scratch })),
      ...read.flatMap((one, number) => standIn(one, { type, table: within(means.scratch, `t${number}`) })),
    ];
    return `IF NOT ${isThere(view, view.digest)} THEN\n${nested(steps, means.make)};\nEND IF;\n`;
  });
  return [
    sqlLines(schemas.map((name, number) => `SET ${missing(number)} = NOT ${schemaIsThere(name)}`)),
    `BEGIN\nDECLARE CONTINUE ${ON_ERROR};\n`,
    ...schemas.map((name, number) => onlyIfMissing(number, `CREATE DATABASE ${quoteName(name)}`)),
    ...attempts,
    ...schemas.map((name, number) => onlyIfMissing(number, `DROP DATABASE ${quoteName(name)}`)),
    'END;\n',
  ].join('');
}

/** A condition: the view is there, with that definition where one is given. Servers compare names without case in some places. */
export function isThere({ schema, table }: Pick<OwnText, 'schema' | 'table'>, digest?: string): string {
  const names = [...equal('TABLE_SCHEMA', schema), ...equal('TABLE_NAME', table)];
  const all = [...names, ...(digest === undefined ? [] : [`MD5(VIEW_DEFINITION) = ${quoteText(digest)}`])];
  return `EXISTS (SELECT 1 FROM information_schema.VIEWS WHERE ${all.join(' AND ')})`;
}

function schemaIsThere(name: string): string {
  return `EXISTS (SELECT 1 FROM information_schema.SCHEMATA WHERE ${equal('SCHEMA_NAME', name).join(' AND ')})`;
}

function equal(column: string, name: string): string[] {
  return ['', 'BINARY '].map((how) => `${how}${column} = ${quoteText(name)}`);
}

function missing(number: number): string {
  return `@lastgood_missing_schema_${number}`;
}

function onlyIfMissing(number: number, statement: string): string {
  return `IF ${missing(number)} THEN ${statement}; END IF;\n`;
}

/** Each step is undone where it was done, and only there. */
function nested([first, ...rest]: readonly Step[], inside: string): string {
  const done = first === undefined ? [inside] : [first.make, nested(rest, inside), first.undo];
  return `BEGIN\nDECLARE EXIT ${ON_ERROR};\n${done.join(';\n')};\nEND`;
}

/** What follows a table's name. Servers may refuse tables without a primary key, and some engines columns that may be null. */
export function keyedTable(columns: readonly string[]): string {
  return `(${[...columns, 'lastgood_key INT PRIMARY KEY'].join(', ')}) ENGINE=InnoDB`;
}

function standIn({ key, kind, columns }: ReadObject, { type, table }: { type: string; table: string }): Step[] {
  const names = columns.map(quoteName);
  const typed = keyedTable(names.map((name) => `${name} ${type}`));
  if (kind === 'sequence') return [{ make: `CREATE SEQUENCE ${key}`, undo: `DROP SEQUENCE ${key}` }];
  if (kind === 'table') return [{ make: `CREATE TABLE ${key} ${typed}`, undo: `DROP TABLE ${key}` }];
  const view = `CREATE SQL SECURITY INVOKER VIEW ${key} AS SELECT ${names.join(', ')} FROM ${table}`;
  return [
    { make: `CREATE TABLE ${table} ${typed}`, undo: `DROP TABLE ${table}` },
    { make: view, undo: `DROP VIEW ${key}` },
  ];
}

/** A procedure takes no CREATE FUNCTION but as text, and MySQL not even that. A name without schema is looked for beside the procedure. */
function calledStandIn(
  { schema, name, ...called }: CalledFunction,
  { type, scratch }: { type: string; scratch: string },
): Step {
  const key = within(schema ?? scratch, name);
  const parameters = Array.from({ length: called.arguments }, (_, number) => `a${number} LONGTEXT`).join(', ');
  const create = `CREATE FUNCTION ${key}(${parameters}) RETURNS ${type} DETERMINISTIC NO SQL RETURN NULL`;
  return { make: asText(create), undo: asText(`DROP FUNCTION ${key}`) };
}

function asText(statement: string): string {
  return `EXECUTE IMMEDIATE ${quoteText(statement)}`;
}
