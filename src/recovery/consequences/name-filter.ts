import { isAscii } from 'node:buffer';
import type { QueryEvent } from '../../binlog/group.ts';
import type { Named } from './touch.ts';

/** Comments before a statement rarely take more. */
const HEAD_BYTES = 1024;
const ABOUT_ROWS = /^(?:\s|\/\*(?!M?!)[^*]*(?:\*(?!\/)[^*]*)*\*\/)*(?:insert|update|delete|replace)\b/i;

/** Tells which statements about rows, and which rows, cannot be about any of some names: nearly all of a log is passed over so. */
export class NameFilter {
  readonly #words: readonly string[];
  readonly #keys: ReadonlySet<string>;
  readonly #schemas: ReadonlySet<string>;
  /** Names that may be written in other bytes than ours. */
  readonly #isBlind: boolean;
  readonly #takesAll: boolean;

  /** @param o.takesAll what is of other names may matter as well, but for what is only read */
  constructor(names: readonly Named[], { takesAll = false }: { readonly takesAll?: boolean } = {}) {
    this.#takesAll = takesAll;
    this.#words = [...new Set(names.map(({ schema, name }) => (name ?? schema).toLowerCase()))];
    this.#keys = new Set(names.map(({ schema, name }) => `${schema}\0${name ?? ''}`.toLowerCase()));
    this.#schemas = new Set(names.filter(({ name }) => name === null).map(({ schema }) => schema.toLowerCase()));
    this.#isBlind = this.#words.some((word) => !isAscii(Buffer.from(word)) || /[`"]/.test(word));
  }

  /** True for INSERT, UPDATE, DELETE and REPLACE. */
  static isAboutRows({ text }: Pick<QueryEvent, 'text'>): boolean {
    return ABOUT_ROWS.test(text.toString('latin1', 0, HEAD_BYTES));
  }

  /** False is certain. */
  mayMean({ text, schema, truncated }: Pick<QueryEvent, 'text' | 'schema' | 'truncated'>): boolean {
    if (this.#takesAll || this.#isBlind || truncated || this.#schemas.has(schema.toLowerCase())) return true;
    const statement = text.toString('latin1').toLowerCase();
    return this.#words.some((word) => statement.includes(word));
  }

  /** False where rows of the table cannot matter. */
  mayConcern(schema: string, table: string): boolean {
    return this.#takesAll || this.has(schema, table) || this.#schemas.has(schema.toLowerCase());
  }

  /** True for one of the names, whatever its case. */
  has(schema: string, name: string): boolean {
    return this.#keys.has(`${schema}\0${name}`.toLowerCase());
  }
}
