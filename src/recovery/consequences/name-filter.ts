import { isAscii } from 'node:buffer';
import type { QueryEvent } from '../../binlog/group.ts';
import type { Named } from './touch.ts';

/** Comments before a statement rarely take more. */
const HEAD_BYTES = 1024;
const ABOUT_ROWS = /^(?:\s|\/\*(?!M?!)[^*]*(?:\*(?!\/)[^*]*)*\*\/)*(?:insert|update|delete|replace)\b/i;

/** Tells by bytes which statements about rows cannot be about any of some names: nearly all of a log are passed over so. */
export class NameFilter {
  readonly #words: readonly string[];
  readonly #keys: ReadonlySet<string>;
  readonly #schemas: ReadonlySet<string>;
  /** Names that may be written in other bytes than ours. */
  readonly #isBlind: boolean;

  constructor(names: readonly Named[]) {
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
    if (this.#isBlind || truncated || this.#schemas.has(schema.toLowerCase())) return true;
    const statement = text.toString('latin1').toLowerCase();
    return this.#words.some((word) => statement.includes(word));
  }

  /** True for one of the names, whatever its case. */
  has(schema: string, name: string): boolean {
    return this.#keys.has(`${schema}\0${name}`.toLowerCase());
  }
}
