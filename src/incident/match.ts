import type { IncidentObject, ObjectType } from './incident.ts';
import type { Element, Grammar, Placeholder, Rule } from './syntax.ts';
import { keywordOf, type TokenReader } from './token-reader.ts';

/** A statement while it is read. */
export interface Match {
  readonly reader: TokenReader;
  /** The event's default schema. */
  readonly schema: string;
  readonly objects: IncidentObject[];
  /** Columns or partitions. */
  readonly parts: string[];
  /** As the statement has them. */
  readonly names: string[];
}

/** The row whose head stands here, taken; the longest of several. */
export function takeHead<Meaning>(grammar: Grammar<Meaning>, reader: TokenReader): Rule<Meaning> | undefined {
  const rules = grammar.beginningWith(keywordOf(reader.peek));
  const found = rules.find(({ head }) => head.every((words, at) => reader.isAt(words, at)));
  found?.head.forEach(() => reader.take());
  return found;
}

/** Reads what a row has behind its head; false when something else stands there. */
export function matchAll(elements: readonly Element[], match: Match): boolean {
  return elements.every((element) => matchOne(element, match));
}

function matchOne(element: Element, match: Match): boolean {
  switch (element.type) {
    case 'words':
      return match.reader.takeWord(...element.words);
    case 'optional':
      return !beginsHere(element.elements, match.reader) || matchAll(element.elements, match);
    case 'place':
      return PLACES[element.of](match, element);
  }
}

/** Its first two words decide, where it has two. */
function beginsHere(elements: readonly Element[], reader: TokenReader): boolean {
  return elements.slice(0, 2).every((element, at) => element.type !== 'words' || reader.isAt(element.words, at));
}

/** How what stands in a placeholder's place is read; false when it is not there. */
const PLACES: Readonly<Record<Placeholder['of'], (match: Match, place: Placeholder) => boolean>> = {
  database: takeDatabase,
  objects: (match, place) => place.of === 'objects' && takeObjects(match, place),
  part: takePart,
  parts: (match) => match.reader.takeWord('ALL') || takeList(match.reader, () => takePart(match)),
  renames: takeRenames,
  new: (match) => readName(match) !== undefined,
  value: ({ reader }) => reader.take().kind !== 'end',
  settings: ({ reader }) => reader.skipTo(['FOR']), // SUBSTRING(x FROM 1 FOR 2) has one too, in parentheses
  clauses: ({ reader }) => reader.skipTo(['DELETE', 'UPDATE', 'SELECT', 'INSERT', 'REPLACE', 'TABLE', 'VALUES']),
  clause: ({ reader }) => reader.skipTo([',']) || true,
  rest: ({ reader }) => !reader.skipTo([]),
};

function takeList(reader: TokenReader, takeOne: () => boolean): boolean {
  let taken = takeOne();
  while (taken && reader.takeWord(',')) taken = takeOne();
  return taken;
}

function takeDatabase(match: Match): boolean {
  const name = takeName(match);
  if (name === undefined) return false;
  // The event's schema is the object here, as the server stores it, which may be in lower case.
  const same = match.schema.toLowerCase() === name.toLowerCase();
  match.objects.push({ schema: same ? match.schema : name, name: null, type: 'database' });
  return true;
}

function takeObjects(match: Match, { object, many }: { object: ObjectType; many: boolean }): boolean {
  const takeOne = (): boolean => {
    const read = object === 'user' ? readAccount(match) : readName(match);
    if (read !== undefined) match.objects.push({ ...read, type: object });
    return read !== undefined;
  };
  return many ? takeList(match.reader, takeOne) : takeOne();
}

function takePart(match: Match): boolean {
  const part = takeName(match);
  if (part !== undefined) match.parts.push(part);
  return part !== undefined;
}

/** Of a chain (a TO b, c TO a) only what stood there before is named: not what it made itself. */
function takeRenames(match: Match): boolean {
  const made = new Set<string>();
  return takeList(match.reader, () => {
    const from = readName(match);
    if (from === undefined) return false;
    if (!made.has(JSON.stringify(from))) match.objects.push({ ...from, type: 'table' });
    if (match.reader.takeWord('WAIT')) match.reader.take();
    else match.reader.takeWord('NOWAIT');
    const to = match.reader.takeWord('TO') ? readName(match) : undefined;
    made.add(JSON.stringify(to));
    return to !== undefined;
  });
}

interface QualifiedName {
  readonly schema: string;
  readonly name: string;
}

/** Reads `name` or `schema.name`, and `.name`, which stands for the default schema too. */
export function readName(match: Match): QualifiedName | undefined {
  const first = match.reader.isAt(['.']) ? undefined : takeName(match);
  const qualified = !match.reader.isAt(['*'], 1) && match.reader.takeWord('.'); // DELETE a.* FROM a
  const name = qualified ? takeName(match) : first;
  return name === undefined ? undefined : { schema: (qualified ? first : undefined) ?? match.schema, name };
}

/** Reads `user`, `user@host.example`, each quoted or not, and CURRENT_USER(). */
export function readAccount(match: Match): QualifiedName | undefined {
  let name = takeText(match);
  if (name === undefined) return undefined;
  match.reader.skipParentheses();
  while (match.reader.isAt(['@', '.'])) name += match.reader.take().text + (takeText(match) ?? '');
  return { schema: '', name };
}

function takeText(match: Match): string | undefined {
  if (match.reader.peek.kind !== 'string') return takeName(match);
  const { text } = match.reader.take();
  match.names.push(text);
  return text;
}

function takeName({ reader, names }: Match): string | undefined {
  const name = reader.takeName();
  if (name !== undefined) names.push(name);
  return name;
}
