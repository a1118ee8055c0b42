const WORD = /[\w$]+/g;
/** What follows an escape, as in `'\nshop.t'`, a text that is run later, or the version of a comment that servers run. */
const GLUED = /(?<=\\\w|\/\*m?!\d{5,6}(?!\d))[\w$]+/g;

/**
 * Every word of a text in lower case that may be a plain name. Other characters part words: some of them are white space to a
 * server, as the no-break space of latin1.
 */
export function plainWords(text: string): string[] {
  const lower = text.toLowerCase();
  const words = lower.match(WORD) ?? [];
  return lower.includes('\\') || lower.includes('!') ? [...words, ...(lower.match(GLUED) ?? [])] : words;
}

/** Names that a text cannot hold without one of its words being a word of theirs. */
export function hasWords(name: string): boolean {
  return plainWords(name).length > 0;
}

/** Engines whose tables pass rows on to tables of any schema, also rows that a log has as such. Source: MariaDB manual. */
const PASSING_ENGINES = ['mrg_myisam', 'connect', 'spider', 'federated'];

/** Above it memory would not be flat. */
const MOST_WORDS = 2_000_000;

/** What is known of schemas: the words of their definitions, each of which may be the name of another schema, and their tables. */
export class SchemaWords {
  readonly #words = new Map<string, Set<string>>();
  /** Names of more than one word, or with other characters, by their words. */
  readonly #composed = new Map<string, readonly string[]>();
  /** By schema as it is written. */
  readonly #tables = new Map<string, Set<string>>();
  #count = 0;

  get schemas(): readonly string[] {
    return [...this.#words.keys()];
  }

  /** False: there were so many words that the rest was not kept. */
  get isWhole(): boolean {
    return this.#count <= MOST_WORDS;
  }

  /** @param schema in lower case */
  has(schema: string): boolean {
    return this.#words.has(schema);
  }

  /** The schemas whose names a text of these words may hold. */
  *mentioned(words: readonly string[]): Generator<string> {
    for (const word of words) if (this.#words.has(word)) yield word;
    if (this.#composed.size === 0) return;
    const all = new Set(words);
    for (const [schema, parts] of this.#composed) if (parts.every((part) => all.has(part))) yield schema;
  }

  /** Definitions of the schema hold these words; both in lower case. */
  learn(schema: string, words: readonly string[]): void {
    let known = this.#words.get(schema);
    if (known === undefined) {
      this.#words.set(schema, (known = new Set()));
      const parts = plainWords(schema);
      if (parts.length !== 1 || parts[0] !== schema) this.#composed.set(schema, parts);
    }
    if (!this.isWhole) return;
    const before = known.size;
    for (const word of words) known.add(word);
    this.#count += known.size - before;
  }

  learnTable(schema: string, table: string): void {
    const tables = this.#tables.get(schema) ?? new Set();
    this.#tables.set(schema, tables.add(table));
  }

  /** Tables, views and sequences, as they are written, of all schemas that differ by case alone. */
  tablesOf(schema: string): readonly string[] {
    const all = [...this.#tables].filter(([name]) => name.toLowerCase() === schema.toLowerCase());
    return [...new Set(all.flatMap(([, tables]) => [...tables]))];
  }

  /** The same of the one schema that is written so. */
  tablesOfExactly(schema: string): readonly string[] {
    return [...(this.#tables.get(schema) ?? [])];
  }

  /** True where it may have tables that write to those that their definitions name. */
  passesOn(schema: string): boolean {
    return PASSING_ENGINES.some((engine) => this.#words.get(schema)?.has(engine) === true);
  }

  /** The other schemas that definitions of this one may name. */
  namedBy(schema: string): readonly string[] {
    const words = this.#words.get(schema);
    if (words === undefined) return [];
    return this.schemas.filter((other) => {
      const parts = this.#composed.get(other) ?? [other];
      return other !== schema && parts.every((part) => words.has(part));
    });
  }
}
