import type { Dialect } from './dialect.ts';
import { isWord, TokenReader } from './token-reader.ts';
import { Tokenizer, type Token } from './tokenizer.ts';

/** So many characters of a statement are kept. */
export const MAX_STATEMENT_CHARACTERS = 4096;

const ELLIPSIS = '…';
const REDACTED = `'***'`;

/**
 * Makes a statement fit for indexes, logs and screens: secrets are replaced by '***', a long text is cut and ends
 * with an ellipsis. What may be a secret is taken for one: a literal too many is lost rather than one too few.
 */
export function redactStatement(statement: string, dialect: Dialect): string {
  const head = statement.slice(0, MAX_STATEMENT_CHARACTERS);
  let redacted = '';
  let at = 0;
  for (const { start, end } of secretsOf(head, dialect)) {
    redacted += head.slice(at, start) + REDACTED;
    at = end;
  }
  redacted += head.slice(at);
  return cut(redacted, head.length < statement.length);
}

function cut(text: string, already: boolean): string {
  if (text.length <= MAX_STATEMENT_CHARACTERS && !already) return text;
  // A pair of surrogates is one character: half of it is none.
  return text.slice(0, MAX_STATEMENT_CHARACTERS - ELLIPSIS.length).replace(/[\ud800-\udbff]$/, '') + ELLIPSIS;
}

/**
 * What makes the literals behind a word secret. clause: up to the next comma · value: behind = or parentheses or
 * nothing · arguments: in the parentheses that follow.
 */
type Reach = 'clause' | 'value' | 'arguments';

/** Source: MariaDB and MySQL manuals, "Account Management", "CHANGE MASTER TO", "CREATE SERVER", "Encryption Functions". */
const SECRET_WORDS: readonly { readonly word: RegExp; readonly reach: Reach }[] = [
  { word: /^IDENTIFIED$/i, reach: 'clause' },
  { word: /PASSWORD$/i, reach: 'value' },
  { word: /^CONNECTION$/i, reach: 'value' },
  { word: /(?:ENCRYPT|DECRYPT)$/i, reach: 'arguments' },
];

function secretsOf(text: string, dialect: Dialect): Token[] {
  const reader = new TokenReader(new Tokenizer(text, dialect));
  const secrets: Token[] = [];
  while (reader.peek.kind !== 'end') {
    const token = reader.take();
    if (token.kind !== 'word') continue;
    const reach = SECRET_WORDS.find(({ word }) => word.test(token.text))?.reach;
    if (reach !== undefined) secrets.push(...READERS[reach](reader));
  }
  return secrets;
}

const READERS: Readonly<Record<Reach, (reader: TokenReader) => Token[]>> = {
  clause: (reader) => literalsUntil(reader, ','),
  value: readValue,
  arguments: (reader) => (reader.takeWord('(') ? literalsUntil(reader, ')') : []),
};

/** `= 'x'`, `('x')`, `'x'`, and `FOR user = PASSWORD('x')`, whose user is no secret. */
function readValue(reader: TokenReader): Token[] {
  if (reader.takeWord('FOR')) while (reader.peek.kind !== 'end' && !isWord(reader.peek, '=')) reader.take();
  for (const symbol of [':', '=', '(']) reader.takeWord(symbol);
  return isLiteral(reader.peek) ? [reader.take()] : [];
}

/** Up to the symbol, but not to one in parentheses opened on the way. */
function literalsUntil(reader: TokenReader, symbol: string): Token[] {
  const found: Token[] = [];
  let depth = 0;
  while (reader.peek.kind !== 'end' && (depth > 0 || !isWord(reader.peek, symbol))) {
    const token = reader.take();
    if (isWord(token, '(')) depth += 1;
    else if (isWord(token, ')')) depth -= 1;
    else if (isLiteral(token)) found.push(token);
  }
  return found;
}

/** A quoted name in a secret's place is hidden as well; MySQL 8 writes hashes as hexadecimal numbers. */
function isLiteral({ kind, text }: Token): boolean {
  return kind === 'string' || kind === 'name' || (kind === 'word' && /^0x/i.test(text));
}
