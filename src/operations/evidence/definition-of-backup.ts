import { createReadStream } from 'node:fs';
import { DecompressStream } from 'zstd-napi';
import type { ColumnDefinition, TableDefinition } from './table-definition.ts';
import { tableKey } from './table-definition.ts';

/** A line longer than this is rows, not a definition. */
const LONGEST_LINE = 1024 * 1024;

/**
 * Reads definitions of tables out of a compressed SQL dump, up to the last one wanted.
 *
 * @param wanted by `tableKey`
 * @param from what people call the backup
 * @throws when the file cannot be read
 */
export async function definitionsInDump(
  path: string,
  wanted: ReadonlySet<string>,
  from: string,
): Promise<Map<string, TableDefinition>> {
  const found = new Map<string, TableDefinition>();
  const reader = new DumpReader(wanted, from, found);
  for await (const line of dumpLines(path)) {
    reader.line(line);
    if (found.size === wanted.size) break;
  }
  return found;
}

/** The lines of a compressed SQL dump, without their ends; of one with many rows, only that it is there. */
export async function* dumpLines(path: string): AsyncGenerator<string> {
  const file = createReadStream(path);
  const plain = new DecompressStream();
  file.on('error', (error) => plain.destroy(error));
  file.pipe(plain);
  try {
    yield* linesOf(plain as AsyncIterable<Buffer>);
  } finally {
    plain.destroy();
    file.destroy();
  }
}

/** Lines without their ends; of one that is too long, only that it is there. */
async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    let at = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, at)) {
      rest.push(chunk.subarray(at, end));
      length += end - at;
      yield length > LONGEST_LINE ? '' : Buffer.concat(rest).toString('utf8');
      [rest, length, at] = [[], 0, end + 1];
    }
    length += chunk.length - at;
    if (length <= LONGEST_LINE) rest.push(Buffer.from(chunk.subarray(at)));
    else rest = [];
  }
}

/** Follows a dump line by line: which schema, which table. */
class DumpReader {
  readonly #wanted: ReadonlySet<string>;
  readonly #from: string;
  readonly #found: Map<string, TableDefinition>;
  #schema = '';
  #key: string | null = null;
  #lines: string[] = [];

  constructor(wanted: ReadonlySet<string>, from: string, found: Map<string, TableDefinition>) {
    this.#wanted = wanted;
    this.#from = from;
    this.#found = found;
  }

  line(line: string): void {
    if (this.#key !== null) {
      this.#inside(this.#key, line);
      return;
    }
    const schema = /^USE `((?:[^`]|``)+)`;$/.exec(line)?.[1];
    if (schema !== undefined) this.#schema = unquote(schema);
    const name = /^CREATE TABLE (?:IF NOT EXISTS )?`((?:[^`]|``)+)` \($/.exec(line)?.[1];
    if (name === undefined) return;
    const key = tableKey({ schema: this.#schema, name: unquote(name) });
    if (this.#wanted.has(key)) [this.#key, this.#lines] = [key, []];
  }

  #inside(key: string, line: string): void {
    if (!line.startsWith(')')) {
      this.#lines.push(line);
      return;
    }
    this.#found.set(key, { source: 'backup', from: this.#from, ...parseDefinition(this.#lines, line) });
    this.#key = null;
  }
}

/** Parses the lines between `CREATE TABLE (` and the line that begins with the closing parenthesis. */
function parseDefinition(lines: readonly string[], end: string): Pick<TableDefinition, 'columns' | 'primaryKey'> {
  const common = /\b(?:DEFAULT )?(?:CHARSET|CHARACTER SET)[ =](\w+)/i.exec(withoutStrings(end))?.[1] ?? 'unknown';
  const columns = lines.flatMap((line) => parseColumn(line, common) ?? []);
  const key = lines.map((line) => /^ *PRIMARY KEY \((.*?)\)(?: USING \w+)?,?$/.exec(line)?.[1]).find(Boolean);
  const names = [...(key ?? '').matchAll(/`((?:[^`]|``)+)`/g)].map(([, name = '']) => unquote(name));
  return { columns, primaryKey: names };
}

const TEXT_TYPE = /^(?:char|varchar|tinytext|text|mediumtext|longtext|enum|set)\b/i;
const TYPE_AND_REST =
  /^((?:enum|set)\((?:'(?:[^'\\]|\\.|'')*',?)+\)|\w+(?: precision)?(?:\([\d,]+\))?(?: unsigned)?)(.*)$/is;

function parseColumn(line: string, common: string): ColumnDefinition | null {
  const [, name, definition] = /^ *`((?:[^`]|``)+)` (.*)$/s.exec(line) ?? [];
  if (name === undefined || definition === undefined) return null;
  const [, type = '', more = ''] = TYPE_AND_REST.exec(definition) ?? [];
  const rest = withoutStrings(more);
  const generated = /\b(?:GENERATED ALWAYS )?AS \(/i.test(rest);
  const charset = TEXT_TYPE.test(type) ? charsetOf(rest, common) : null;
  // Of a computed column it is not always written.
  return {
    name: unquote(name),
    type,
    generated,
    charset,
    ...(generated ? {} : { nullable: !/\bNOT NULL\b/i.test(rest) }),
  };
}

function charsetOf(rest: string, common: string): string | null {
  const own = /\bCHARACTER SET (\w+)/i.exec(rest)?.[1] ?? /\bCOLLATE ([^\W_]+)_\w+/i.exec(rest)?.[1];
  const charset = own ?? common;
  return charset === 'binary' ? null : charset;
}

/** Comments and default values may say anything. */
function withoutStrings(text: string): string {
  return text.replaceAll(/'(?:[^'\\]|\\.|'')*'/g, "''");
}

function unquote(name: string): string {
  return name.replaceAll('``', '`');
}
