import type { Dialect } from '../../incident/dialect.ts';
import { isWord } from '../../incident/token-reader.ts';
import { Tokenizer, type Token } from '../../incident/tokenizer.ts';
import { quoteName } from '../../server/quote-name.ts';

export interface SchemaRename {
  readonly from: string;
  readonly to: string;
  readonly dialect: Dialect;
  /** As the server compares names of schemas: false where `lower_case_table_names` is not 0. */
  readonly caseSensitive: boolean;
}

/** A definition that names the new schema, or why nobody can be sure what it names. */
export type RenamedText = { readonly sql: string; readonly why: null } | { readonly sql: null; readonly why: string };

/**
 * Rewrites the schema's name where it is certainly one: before a dot, in a text that uses the name for nothing else and
 * builds no statements as it runs. Whoever has doubts has the definition and can do it by hand; a wrong guess would
 * make a copy that writes to the original.
 */
export function renameSchema(sql: string, rename: SchemaRename): RenamedText {
  const tokens = tokensOf(sql, rename.dialect);
  const spans: Token[] = [];
  for (const [at, token] of tokens.entries()) {
    const doubt = doubtAbout(tokens, at, rename);
    if (doubt !== null) return { sql: null, why: doubt };
    if (isSchema(token, rename) && !isAccount(tokens, at)) spans.push(token);
  }
  return { sql: replace(sql, spans, quoteName(rename.to)), why: null };
}

function doubtAbout(tokens: readonly Token[], at: number, rename: SchemaRename): string | null {
  const token = tokens[at];
  if (token === undefined) return null;
  if (token.kind === 'string' && mentions(token.text, rename.from))
    return `it has the name ${rename.from} in a string, which may be a statement`;
  if (isWord(token, 'PREPARE') || isWord(token, 'EXECUTE')) return 'it builds statements as it runs';
  if (!isSchema(token, rename) || isAccount(tokens, at)) return null;
  if (isQualifier(tokens, at)) return null;
  return `it uses the name ${rename.from} for something that may not be the schema`;
}

/** Before a dot, behind none, and no variable. */
function isQualifier(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.text;
  return isSymbol(tokens[at + 1], '.') && before !== '.' && before !== '@';
}

/** `shop`@`localhost` in DEFINER=: people call accounts after schemas. */
function isAccount(tokens: readonly Token[], at: number): boolean {
  return isSymbol(tokens[at + 1], '@') && isSymbol(tokens[at - 1], '=');
}

function isSchema({ kind, text }: Token, { from, caseSensitive }: SchemaRename): boolean {
  if (kind !== 'name' && kind !== 'word') return false;
  // Also where the case tells a difference, a text that plays with it is not one to be sure about.
  return caseSensitive ? text === from : text.toLowerCase() === from.toLowerCase();
}

function isSymbol(token: Token | undefined, text: string): boolean {
  return token?.kind === 'symbol' && token.text === text;
}

function mentions(text: string, name: string): boolean {
  return text.toLowerCase().includes(name.toLowerCase());
}

function tokensOf(sql: string, dialect: Dialect): Token[] {
  const tokenizer = new Tokenizer(sql, dialect);
  const tokens: Token[] = [];
  for (let token = tokenizer.next(); token.kind !== 'end'; token = tokenizer.next()) tokens.push(token);
  return tokens;
}

function replace(sql: string, spans: readonly Token[], by: string): string {
  let text = '';
  let at = 0;
  for (const { start, end } of spans) {
    // Two quoted names side by side would be one with a quote in it.
    const apart = sql[start - 1] === '`' ? ' ' : '';
    text += sql.slice(at, start) + apart + by;
    at = end;
  }
  return text + sql.slice(at);
}
