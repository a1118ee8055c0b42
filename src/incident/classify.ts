import type { QueryEvent } from '../binlog/group.ts';
import { readAlter } from './alter.ts';
import { readDefined } from './definitions.ts';
import { dialectOf, type Dialect, type Source } from './dialect.ts';
import { UNCLASSIFIED, type Found } from './found.ts';
import { STATEMENTS, type Form, type Special } from './grammar.ts';
import type { IncidentObject } from './incident.ts';
import { matchAll, takeHead, type Match } from './match.ts';
import { mayDestroy } from './may-destroy.ts';
import { readDelete, readInsert, readLoad, readReplace, readUpdate } from './row-statements.ts';
import { decodeStatement, type StatementText } from './statement-text.ts';
import { isWord, TokenReader } from './token-reader.ts';
import { Tokenizer } from './tokenizer.ts';

/** What a statement says it destroys; whether it did depends on its group's end. */
export interface Destruction {
  readonly form: Form;
  /** In the statement's order. Tables that did not exist are among them: the log cannot tell. */
  readonly objects: readonly IncidentObject[];
  /** True when the statement or a name could not be read for sure, or its text cannot tell whether anything is lost. */
  readonly suspicious: boolean;
  /** The statement's text, decoded, and how to read it. */
  readonly statement: string;
  readonly dialect: Dialect;
}

/** Whether a table that a marked statement names is a temporary one; null when nobody knows. */
type IsTemporary = (query: QueryEvent, table: { readonly schema: string; readonly name: string }) => boolean | null;

/**
 * Tells what a statement destroys; null when it is none of the destructive ones. Pure, never throws.
 *
 * @param isTemporary without it, the only table of a marked statement counts as temporary
 */
export function classify(query: QueryEvent, source: Source, isTemporary: IsTemporary = () => true): Destruction | null {
  if (!mayDestroy(query)) return null;
  const decoded = decodeStatement(query.text, query.clientCharset, source.flavor);
  const dialect = dialectOf(source, query.sqlMode, decoded.nbspIsBlank);
  const reader = new TokenReader(new Tokenizer(decoded.text, dialect));
  const match: Match = { reader, schema: query.schema, objects: [], parts: [], names: [] };
  const found = read(match);
  if (found === null) return null;
  const isOwn = query.threadSpecific && ofTemporary(found, { query, dialect, text: decoded.text, isTemporary });
  if (isOwn === true) return null;
  const { form, objects } = found;
  const readable = !query.truncated && match.names.every((name) => isSureOf(name, decoded));
  const suspicious = form.kind !== 'unclassified' && !(found.sure && readable && isOwn === false);
  return { form, objects, suspicious, statement: decoded.text, dialect };
}

/** Whether all that a marked statement destroys was never anybody else's; null when nobody knows. */
function ofTemporary(
  { form, objects, ofOneTable }: Found,
  o: { query: QueryEvent; dialect: Dialect; text: string; isTemporary: IsTemporary },
): boolean | null {
  const isOfRows = form.kind === 'mass-delete' || form.kind === 'mass-update';
  if (!ofOneTable || hasSubquery(o.text, o.dialect)) return isOfRows ? null : false;
  const [{ schema, name } = NAMELESS] = objects;
  return o.isTemporary(o.query, { schema, name: name ?? '' });
}

/** Reads one statement, behind what may stand before it. */
function read(match: Match): Found | null {
  const { reader, objects } = match;
  for (;;) {
    const rule = takeHead(STATEMENTS, reader);
    if (rule === undefined) return reader.peek.kind === 'end' || reader.isAt([';']) ? null : UNCLASSIFIED;
    const { meaning } = rule;
    if (meaning.is === 'harmless') return null;
    if (meaning.is === 'special') return SPECIAL[meaning.special](match);
    const understood = matchAll(rule.rest, match);
    if (meaning.is === 'prefix') continue;
    const { form } = meaning;
    return { form, objects, sure: understood && atEnd(match), ofOneTable: form.kind === 'truncate-table' };
  }
}

const SPECIAL: Readonly<Record<Special, (match: Match) => Found | null>> = {
  alter: readAlter,
  delete: readDelete,
  update: readUpdate,
  replace: readReplace,
  insert: readInsert,
  load: readLoad,
  define: readDefined,
};

const NAMELESS: Pick<IncidentObject, 'schema' | 'name'> = { schema: '', name: null };

/** A temporary table that the event is marked for may then be in there. */
function hasSubquery(text: string, dialect: Dialect): boolean {
  const reader = new TokenReader(new Tokenizer(text, dialect));
  while (reader.peek.kind !== 'end') {
    const token = reader.take();
    if (isWord(token, 'SELECT') || (isWord(token, '(') && reader.isAt(['TABLE']))) return true;
  }
  return false;
}

function atEnd({ reader }: Match): boolean {
  while (reader.takeWord(';'));
  return reader.peek.kind === 'end';
}

const REPLACEMENT = '\ufffd';
const NON_ASCII = /[^\0-\x7f]/;

function isSureOf(name: string, { charsetKnown }: StatementText): boolean {
  return !name.includes(REPLACEMENT) && (charsetKnown || !NON_ASCII.test(name));
}
