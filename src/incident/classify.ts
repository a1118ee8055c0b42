import type { QueryEvent } from '../binlog/group.ts';
import { dialectOf, type Dialect, type Source } from './dialect.ts';
import { RULES, type Element, type Form, type Rule } from './grammar.ts';
import type { IncidentObject } from './incident.ts';
import { mayDestroy } from './may-destroy.ts';
import { decodeStatement, type StatementText } from './statement-text.ts';
import { TokenReader } from './token-reader.ts';
import { Tokenizer } from './tokenizer.ts';

/** What a statement says it destroys; whether it did depends on its group's end. */
export interface Destruction {
  readonly form: Form;
  /** In the statement's order. Tables that did not exist are among them: the log cannot tell. */
  readonly objects: readonly IncidentObject[];
  /** True when the statement or a name could not be read for sure. */
  readonly suspicious: boolean;
  /** The statement's text, decoded, and how to read it. */
  readonly statement: string;
  readonly dialect: Dialect;
}

/** Tells what a statement destroys; null when it is none of the destructive ones. Pure, never throws. */
export function classify(query: QueryEvent, source: Source): Destruction | null {
  if (!mayDestroy(query.text)) return null;
  const decoded = decodeStatement(query.text, query.clientCharset, source.flavor);
  const dialect = dialectOf(source, query.sqlMode, decoded.nbspIsBlank);
  const reader = new TokenReader(new Tokenizer(decoded.text, dialect));
  const match: Match = { reader, schema: query.schema, objects: [], names: [] };
  for (;;) {
    const rule = findRule(reader);
    if (rule === undefined) return null;
    const understood = matchAll(rule.rest, match);
    if (rule.form === null) continue;
    const sure =
      understood && atEnd(reader) && !query.truncated && match.names.every((name) => isSureOf(name, decoded));
    return { form: rule.form, objects: match.objects, suspicious: !sure, statement: decoded.text, dialect };
  }
}

interface Match {
  readonly reader: TokenReader;
  /** The event's default schema. */
  readonly schema: string;
  readonly objects: IncidentObject[];
  /** As the statement has them. */
  readonly names: string[];
}

/** Takes words as long as they are the head of some rule. No head is the beginning of another. */
function findRule(reader: TokenReader): Rule | undefined {
  let candidates = RULES;
  for (let depth = 0; candidates.length > 0; depth += 1) {
    candidates = candidates.filter(({ head }) => reader.isAt(head[depth] ?? []));
    const found = candidates.find(({ head }) => head.length === depth + 1);
    if (candidates.length > 0) reader.take();
    if (found !== undefined) return found;
  }
  return undefined;
}

function matchAll(elements: readonly Element[], match: Match): boolean {
  return elements.every((element) => matchOne(element, match));
}

function matchOne(element: Element, match: Match): boolean {
  const { reader } = match;
  switch (element.type) {
    case 'words':
      return takeOneOf(reader, element.words);
    case 'optional':
      return !beginsHere(element.elements[0], reader) || matchAll(element.elements, match);
    case 'database':
      return takeDatabase(match);
    case 'tables':
      return takeTables(match);
    case 'settings':
      return skipSettings(reader);
    case 'value':
      return reader.take().kind !== 'end';
  }
}

function beginsHere(first: Element | undefined, reader: TokenReader): boolean {
  return first?.type === 'words' && reader.isAt(first.words);
}

function takeOneOf(reader: TokenReader, words: readonly string[]): boolean {
  const found = reader.isAt(words);
  if (found) reader.take();
  return found;
}

function takeDatabase(match: Match): boolean {
  const name = takeName(match);
  if (name === undefined) return false;
  // The event's schema is the object here, as the server stores it, which may be in lower case.
  const same = match.schema.toLowerCase() === name.toLowerCase();
  match.objects.push({ schema: same ? match.schema : name, name: null, type: 'database' });
  return true;
}

function takeTables(match: Match): boolean {
  do {
    const first = takeName(match);
    const qualified = match.reader.takeWord('.');
    const name = qualified ? takeName(match) : first;
    if (name === undefined) return false;
    match.objects.push({ schema: (qualified ? first : undefined) ?? match.schema, name, type: 'table' });
  } while (match.reader.takeWord(','));
  return true;
}

function takeName({ reader, names }: Match): string | undefined {
  const name = reader.takeName();
  if (name !== undefined) names.push(name);
  return name;
}

/** Up to the word FOR that is in no parentheses: SUBSTRING(x FROM 1 FOR 2) has one too. */
function skipSettings(reader: TokenReader): boolean {
  let depth = 0;
  while (reader.peek.kind !== 'end' && (depth > 0 || !reader.isAt(['FOR']))) {
    const { kind, text } = reader.take();
    if (kind === 'symbol' && text === '(') depth += 1;
    if (kind === 'symbol' && text === ')') depth -= 1;
  }
  return reader.peek.kind !== 'end';
}

function atEnd(reader: TokenReader): boolean {
  while (reader.takeWord(';'));
  return reader.peek.kind === 'end';
}

const REPLACEMENT = '\ufffd';
const NON_ASCII = /[^\0-\x7f]/;

function isSureOf(name: string, { charsetKnown }: StatementText): boolean {
  return !name.includes(REPLACEMENT) && (charsetKnown || !NON_ASCII.test(name));
}
