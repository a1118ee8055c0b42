import type { Group, QueryEvent } from '../binlog/group.ts';
import { dialectOf, type Source } from './dialect.ts';
import { readName, type Match } from './match.ts';
import { decodeStatement } from './statement-text.ts';
import { TokenReader } from './token-reader.ts';
import { Tokenizer } from './tokenizer.ts';
import { letterPair } from './word-search.ts';

/** More than all connections of a server make. A table that is forgotten is shown, as a suspicion. */
const MOST_KNOWN = 10_000;

/** A table, by the names that a statement and its event give. */
interface Named {
  readonly schema: string;
  readonly name: string;
}

/**
 * Tells temporary tables from others, as far as one file does. A server marks the event of a statement that used one, or CONNECTION_ID(),
 * and in a routine, event or block also those of all statements after it, whatever table they are about. Seen on MariaDB 10.11.19
 * and MySQL 5.6.24.
 */
export class TemporaryTables {
  readonly #known = new Set<string>();
  /** Connections that made some. */
  readonly #makers = new Set<number>();
  /** Changes of rows are written as rows; and as text. */
  #hasRows = false;
  #hasTexts = false;
  /** Of the group that is read. */
  #statements = 0;
  #isText = false;

  /** Another file begins: another run of the server may use the numbers of connections again. */
  clear(): void {
    this.#known.clear();
    this.#makers.clear();
    this.#hasRows = false;
    this.#hasTexts = false;
    this.groupBegins();
  }

  groupBegins(): void {
    this.#statements = 0;
    this.#isText = false;
  }

  query(query: QueryEvent, source: Source): void {
    this.#statements += 1;
    this.#isText ||= mayChangeRows(query.text);
    const made = query.threadSpecific ? madeBy(query, source) : undefined;
    if (made === undefined) return;
    keep(this.#known, keyOf(query, made));
    keep(this.#makers, query.threadId);
  }

  groupEnded({ ending }: Pick<Group, 'ending'>): void {
    if (ending === 'commit' && this.#statements === 0) this.#hasRows = true;
    if (ending === 'commit' && this.#isText) this.#hasTexts = true;
    this.groupBegins();
  }

  /**
   * True when the connection of a marked statement made a temporary table of that name. False when it made others, and when the file has
   * changes of rows as rows only: then statements about temporary tables are not logged. null when nobody knows: an earlier file may
   * have it.
   */
  has(query: QueryEvent, table: Named): boolean | null {
    if (this.#known.has(keyOf(query, table))) return true;
    return this.#makers.has(query.threadId) || (this.#hasRows && !this.#hasTexts) ? false : null;
  }
}

function keep<Value>(values: Set<Value>, value: Value): void {
  values.add(value);
  const [oldest] = values;
  if (values.size > MOST_KNOWN && oldest !== undefined) values.delete(oldest);
}

/** What begins so stands in transactions of rows too: SAVEPOINT, ROLLBACK TO, CREATE TABLE ... SELECT, DROP TEMPORARY TABLE. */
const BESIDE_ROWS: ReadonlySet<number> = new Set(
  ['sa', 'ro', 'cr', 'dr'].map((word) => letterPair(Buffer.from(word), 0)),
);

function mayChangeRows(text: Buffer): boolean {
  return !BESIDE_ROWS.has(letterPair(text, 0));
}

/** CREATE [OR REPLACE] TEMPORARY TABLE [IF NOT EXISTS] a */
function madeBy({ text, clientCharset, sqlMode, schema }: QueryEvent, source: Source): Named | undefined {
  const decoded = decodeStatement(text, clientCharset, source.flavor);
  const reader = new TokenReader(new Tokenizer(decoded.text, dialectOf(source, sqlMode, decoded.nbspIsBlank)));
  const match: Match = { reader, schema, objects: [], parts: [], names: [] };
  if (!reader.skipTo(['CREATE', 'TEMPORARY']) || !reader.takeWord('CREATE')) return undefined;
  if (reader.takeWord('OR')) reader.takeWord('REPLACE');
  if (!reader.takeWord('TEMPORARY') || !reader.takeWord('TABLE')) return undefined;
  if (reader.takeWord('IF')) while (reader.takeWord('NOT', 'EXISTS'));
  return readName(match);
}

/** No name can hold a zero. */
function keyOf({ threadId }: QueryEvent, { schema, name }: Named): string {
  return `${threadId}\0${schema.toLowerCase()}\0${name.toLowerCase()}`;
}
