import type { ObjectType } from './incident.ts';

/**
 * The notation of the grammars, as in the manuals: A|B is one of both, [ ] may be absent, a placeholder stands in < >.
 * From the first word to the first bracket or placeholder, the head, it is certain which statement it is.
 */
export type Element =
  | { readonly type: 'words'; readonly words: readonly string[] }
  | { readonly type: 'optional'; readonly elements: readonly Element[] }
  | ({ readonly type: 'place' } & Placeholder);

/**
 * Places of no objects. database: a name with no schema before it · part, parts: columns or partitions of the table ·
 * renames: a TO b, c TO d · new: the name of what did not exist · value: one token · settings: up to FOR · clauses: up
 * to the statement that they belong to · clause: up to the next comma, if any · rest: up to the end.
 */
const OTHERS = [
  'database',
  'part',
  'parts',
  'renames',
  'new',
  'value',
  'settings',
  'clauses',
  'clause',
  'rest',
] as const;

/** Places of names of objects; those in the plural, of a list. */
const OBJECTS: Readonly<Record<string, ObjectType>> = {
  ...{ table: 'table', tables: 'table', views: 'view', trigger: 'trigger', routine: 'routine', event: 'event' },
  ...{ sequence: 'sequence', sequences: 'sequence', users: 'user' },
};

/** What stands in the place of a placeholder; `many`: a list of them. */
export type Placeholder =
  | { readonly of: 'objects'; readonly object: ObjectType; readonly many: boolean }
  | { readonly of: (typeof OTHERS)[number] };

function placeholderOf(name: string): Placeholder | undefined {
  const object = OBJECTS[name];
  if (object !== undefined) return { of: 'objects', object, many: name.endsWith('s') };
  const of = OTHERS.find((other) => other === name);
  return of === undefined ? undefined : { of };
}

/** A row of a grammar, ready to be matched: the words of `head` decide, `rest` gives the names. */
export interface Rule<Meaning> {
  readonly meaning: Meaning;
  readonly head: readonly (readonly string[])[];
  readonly rest: readonly Element[];
}

/** Reads one row; `syntax` must begin with a word. */
export function ruleOf<Meaning>(syntax: string, meaning: Meaning): Rule<Meaning> {
  const elements = parseSyntax(syntax);
  const certain = elements.findIndex(({ type }) => type !== 'words');
  const words = certain === -1 ? elements : elements.slice(0, certain);
  const head = words.flatMap((element) => (element.type === 'words' ? [element.words] : []));
  return { meaning, head, rest: elements.slice(head.length) };
}

function parseSyntax(syntax: string): Element[] {
  return Array.from(syntax.matchAll(/\[([^\]]*)\]|<(\w+)>|\S+/g), ([part, optional, name]): Element => {
    if (optional !== undefined) return { type: 'optional', elements: parseSyntax(optional) };
    const placeholder = name === undefined ? undefined : placeholderOf(name);
    return placeholder === undefined ? { type: 'words', words: part.split('|') } : { type: 'place', ...placeholder };
  });
}

/** The rows of a grammar, by their first words: a statement meets few of them. */
export class Grammar<Meaning> {
  readonly #byFirstWord = new Map<string, Rule<Meaning>[]>();
  readonly rules: readonly Rule<Meaning>[];

  constructor(rules: readonly Rule<Meaning>[]) {
    this.rules = rules;
    // The longest head first, so that the most particular row is found.
    for (const rule of rules.toSorted((a, b) => b.head.length - a.head.length)) {
      for (const word of rule.head[0] ?? [])
        this.#byFirstWord.set(word, [...(this.#byFirstWord.get(word) ?? []), rule]);
    }
  }

  /** Rows that begin with this word, in capitals; the longest heads first. */
  beginningWith(word: string): readonly Rule<Meaning>[] {
    return this.#byFirstWord.get(word) ?? [];
  }
}
