import { argumentsFrom, callsTable, definitionTokens, namedCollations, type Token } from './definition-tokens.ts';
import { viewKey, type ViewKey } from './view-order.ts';

/** Something that a definition reads. */
export interface ReadObject {
  readonly key: ViewKey;
  readonly schema: string;
  readonly kind: 'table' | 'view' | 'sequence';
  readonly columns: readonly string[];
}

/** A stored function that a definition calls. */
export interface CalledFunction {
  /** Null: it is the view's, or whatever is the default one where the view is made. */
  readonly schema: string | null;
  readonly name: string;
  readonly arguments: number;
}

/** What must be there before a view with this definition can be made. */
export interface Needs {
  readonly objects: readonly ReadObject[];
  readonly functions: readonly CalledFunction[];
  readonly collations: readonly string[];
  /** False: to ask for it with SHOW CREATE VIEW would end the server, where what it reads is gone (MariaDB 10.11.19, JSON_TABLE). */
  readonly isShowable: boolean;
}

/**
 * Reads them from a definition as information_schema has it: each table there with its schema, each column behind its table's alias, or
 * behind schema and table, or, of a view that has no alias, behind the view's name alone (tried on MariaDB 10.11.19 and MySQL 5.6.24).
 * A text of another form gives less, or a column too many. Pure.
 */
export function needsOf(definition: string): Needs {
  const tokens = definitionTokens(definition);
  const names = new NameReader(tokens).read();
  return { ...names, collations: namedCollations(tokens), isShowable: !callsTable(tokens) };
}

/** What stands between two parentheses. */
interface Frame {
  isQuery: boolean;
  /** In its FROM, up to the next clause. */
  isInFrom: boolean;
  isTableNext: boolean;
}

interface Found {
  readonly schema: string;
  readonly name: string;
  readonly aliases: Set<string | null>;
  readonly isSequence: boolean;
}

const BEHIND_FROM = new Set(['where', 'group', 'having', 'order', 'limit', 'union', 'except', 'intersect', 'window']);
const JOINS = new Set(['join', 'straight_join']);
const OF_SEQUENCE = new Set(['nextval', 'lastval', 'setval']);

function isSequenceCall(before: Token, sign: Token): boolean {
  return before.kind === 'word' && OF_SEQUENCE.has(before.value) && sign.value === '(';
}

class NameReader {
  readonly #tokens: readonly Token[];
  readonly #frames: Frame[] = [];
  #frame: Frame = { isQuery: true, isInFrom: false, isTableNext: false };
  #at = 0;
  readonly #found = new Map<ViewKey, Found>();
  /** As they are written: of two names or of three. */
  readonly #columns: (readonly string[])[] = [];
  readonly #functions = new Map<string, CalledFunction>();

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  read(): Pick<Needs, 'objects' | 'functions'> {
    while (this.#at < this.#tokens.length) {
      const { kind, value } = this.#token();
      if (kind === 'name') this.#names();
      else {
        if (kind === 'word') this.#word(value);
        else if (kind === 'sign') this.#sign(value);
        this.#at += 1;
      }
    }
    const objects = [...this.#found].map(([key, found]) => this.#object(key, found));
    return { objects, functions: [...this.#functions.values()] };
  }

  #token(from = 0): Token {
    return this.#tokens[this.#at + from] ?? { kind: 'sign', value: '' };
  }

  #word(word: string): void {
    const frame = this.#frame;
    if (word === 'select') frame.isQuery = true;
    if (word === 'from') frame.isInFrom = frame.isQuery;
    if (word === 'select' || BEHIND_FROM.has(word)) frame.isInFrom = false;
    frame.isTableNext = frame.isInFrom && (word === 'from' || JOINS.has(word));
  }

  #sign(sign: string): void {
    if (sign === '(') {
      const { isTableNext } = this.#frame;
      this.#frames.push(this.#frame);
      this.#frame.isTableNext = false;
      this.#frame = { isQuery: false, isInFrom: isTableNext, isTableNext };
    } else if (sign === ')') this.#frame = this.#frames.pop() ?? this.#frame;
  }

  /** Names with points between them. */
  #names(): void {
    const isOfSequence = isSequenceCall(this.#token(-2), this.#token(-1));
    const names = [this.#token().value];
    for (this.#at += 1; this.#token().value === '.' && this.#token(1).kind === 'name'; this.#at += 2)
      names.push(this.#token(1).value);
    if (this.#frame.isTableNext) this.#table(names);
    else if (isOfSequence) this.#find(names, true);
    else if (this.#token().value === '(') this.#call(names);
    else this.#columns.push(names);
  }

  /** What the server has itself stands without quotes. */
  #call(names: readonly string[]): void {
    const [name = '', schema = null] = names.toReversed();
    this.#functions.set(names.join('.'), { schema, name, arguments: argumentsFrom(this.#tokens, this.#at) });
  }

  #table(names: readonly string[]): void {
    this.#frame.isTableNext = false;
    const found = this.#find(names, false);
    const alias = this.#token().kind === 'name' ? this.#token().value : null;
    if (alias !== null) this.#at += 1;
    found?.aliases.add(alias);
  }

  /** One name alone is one that the text itself defines, behind WITH. */
  #find([schema = '', name]: readonly string[], isSequence: boolean): Found | null {
    if (name === undefined) return null;
    const key = viewKey({ schema, table: name });
    const found = this.#found.get(key) ?? { schema, name, aliases: new Set(), isSequence };
    this.#found.set(key, found);
    return found;
  }

  #object(key: ViewKey, { schema, name, aliases, isSequence }: Found): ReadObject {
    const pairs = this.#columns.filter((names) => names.length === 2);
    const behindAll = this.#columns.filter((names) => names.length === 3 && names[0] === schema && names[1] === name);
    const behindName = pairs.filter(([first]) => aliases.has(null) && first === name);
    const behindAlias = pairs.filter(([first = '']) => aliases.has(first));
    const isView = behindName.length > 0 && behindAll.length === 0;
    const columns = [...behindAll, ...behindName, ...behindAlias].flatMap((names) => names.at(-1) ?? []);
    const byName = new Map(columns.map((column) => [column.toLowerCase(), column]));
    return { key, schema, kind: isSequence ? 'sequence' : isView ? 'view' : 'table', columns: [...byName.values()] };
  }
}
