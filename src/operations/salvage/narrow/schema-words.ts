/** Names that are found as words of a text, however they are quoted. */
export function isPlainName(name: string): boolean {
  return /^[\w$]+$/.test(name);
}

/** Above it memory would not be flat. */
const MOST_WORDS = 2_000_000;

/** What is known of schemas: the words of their definitions, each of which may be the name of another schema, and their tables. */
export class SchemaWords {
  readonly #words = new Map<string, Set<string>>();
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

  /** Definitions of the schema hold these words; both in lower case. */
  learn(schema: string, words: readonly string[]): void {
    let known = this.#words.get(schema);
    if (known === undefined) this.#words.set(schema, (known = new Set()));
    if (!this.isWhole) return;
    const before = known.size;
    for (const word of words) known.add(word);
    this.#count += known.size - before;
  }

  learnTable(schema: string, table: string): void {
    const tables = this.#tables.get(schema.toLowerCase()) ?? new Set();
    this.#tables.set(schema.toLowerCase(), tables.add(table));
  }

  /** Tables, views and sequences, as they are written. */
  tablesOf(schema: string): readonly string[] {
    return [...(this.#tables.get(schema.toLowerCase()) ?? [])];
  }

  /** The other schemas that definitions of this one may name. */
  namedBy(schema: string): readonly string[] {
    const words = this.#words.get(schema);
    return words === undefined ? [] : this.schemas.filter((other) => other !== schema && words.has(other));
  }
}
