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
 *
 * @param limit characters that are kept
 */
export function redactStatement(statement: string, dialect: Dialect, limit = MAX_STATEMENT_CHARACTERS): string {
  return redact(statement, [dialect], limit);
}

/**
 * The same where the log does not say in which SQL mode a statement was written, as of the text before row events: what is a
 * secret in any mode is replaced.
 */
export function redactInAnyMode(statement: string, dialect: Dialect, limit = MAX_STATEMENT_CHARACTERS): string {
  const quotes = statement.includes('"') ? [false, true] : [false];
  const escapes = statement.includes('\\') ? [true, false] : [true];
  const dialects = quotes.flatMap((ansiQuotes) =>
    escapes.map((backslashEscapes) => ({ ...dialect, ansiQuotes, backslashEscapes })),
  );
  return redact(statement, dialects, limit);
}

function redact(statement: string, dialects: readonly Dialect[], limit: number): string {
  const head = statement.slice(0, limit);
  const secrets = dialects.flatMap((dialect) => secretsOf(head, dialect)).sort((a, b) => a.start - b.start);
  let redacted = '';
  let at = 0;
  for (const { start, end } of secrets) {
    if (start >= at) redacted += head.slice(at, start) + REDACTED;
    at = Math.max(at, end);
  }
  redacted += head.slice(at);
  return cut(redacted, { already: head.length < statement.length, limit });
}

function cut(text: string, { already, limit }: { already: boolean; limit: number }): string {
  if (text.length <= limit && !already) return text;
  // A pair of surrogates is one character: half of it is none.
  return text.slice(0, limit - ELLIPSIS.length).replace(/[\ud800-\udbff]$/, '') + ELLIPSIS;
}

/**
 * What makes the literals behind a word secret. clause: up to the next comma · value: behind = or parentheses or
 * nothing · arguments: in the parentheses that follow.
 */
type Reach = 'clause' | 'value' | 'arguments';

/**
 * Also columns that are called so: applications write passwords into tables of their own.
 * Source: MariaDB and MySQL manuals, "Account Management", "CHANGE MASTER TO", "START REPLICA", "CREATE SERVER",
 * "Encryption Functions", "FEDERATED", "CONNECT" and "Spider" storage engines.
 */
const SECRET_WORDS: readonly { readonly word: RegExp; readonly reach: Reach }[] = [
  { word: /^(?:IDENTIFIED|CHALLENGE_RESPONSE)$/i, reach: 'clause' },
  { word: /(?:PASSWORD|PASSWD|PASSPHRASE|PASSCODE|SECRET|_PWD|^PWD|TOKEN)$/i, reach: 'value' },
  { word: /(?:API|ACCESS|PRIVATE|SECRET|ENCRYPTION)_?KEY$/i, reach: 'value' },
  { word: /^(?:CONNECTION|OPTION_LIST|AUTH_STRING|AUTHENTICATION_STRING|PASSWORD_HASH)$/i, reach: 'value' },
  { word: /(?:ENCRYPT|DECRYPT|^ENCODE|^DECODE|^MD5|^SHA[12]?|^KDF)$/i, reach: 'arguments' },
];

/** A literal that is a secret wherever it stands: mysql://user:password@host, and wrapper "mysql", password "x" of Spider. */
const SECRET_TEXT = /:\/\/[^\s/@:]+:[^\s/@]+@|pass(?:word|wd)\W{0,3}["'=]/i;

function secretsOf(text: string, dialect: Dialect): Token[] {
  const reader = new TokenReader(new Tokenizer(text, dialect));
  const secrets: Token[] = [];
  while (reader.peek.kind !== 'end') {
    const token = reader.take();
    if (token.kind === 'string' && SECRET_TEXT.test(token.text)) secrets.push(token);
    const reach = reachOf(token, reader);
    if (reach !== undefined) secrets.push(...READERS[reach](reader));
  }
  return secrets;
}

/** A quoted name counts where a value is given to it. */
function reachOf({ kind, text }: Token, reader: TokenReader): Reach | undefined {
  if (kind !== 'word' && !(kind === 'name' && reader.isAt(['=']))) return undefined;
  return SECRET_WORDS.find(({ word }) => word.test(text))?.reach;
}

const READERS: Readonly<Record<Reach, (reader: TokenReader) => Token[]>> = {
  clause: (reader) => literalsUntil(reader, ','),
  value: readValue,
  arguments: (reader) => (reader.takeWord('(') ? literalsUntil(reader, ')') : []),
};

/** `= 'x'`, `('x')`, `'x'`, `= 'x' REPLACE 'y'`, and `FOR user = PASSWORD('x')`, whose user is no secret. */
function readValue(reader: TokenReader): Token[] {
  if (reader.takeWord('FOR')) while (reader.peek.kind !== 'end' && !isWord(reader.peek, '=')) reader.take();
  for (const symbol of [':', '=', '(']) reader.takeWord(symbol);
  const found = readLiterals(reader);
  return reader.takeWord('REPLACE') ? [...found, ...readLiterals(reader)] : found;
}

/** One literal may be written in several: 'a' 'b'; and may say its character set: _utf8'x', N'x'. */
function readLiterals(reader: TokenReader): Token[] {
  const found: Token[] = [];
  for (;;) {
    if (isIntroducer(reader.peek) && reader.peekAt(1).kind === 'string') reader.take();
    if (!isLiteral(reader.peek)) return found;
    found.push(reader.take());
  }
}

function isIntroducer({ kind, text }: Token): boolean {
  return kind === 'word' && /^(?:_\w+|[nxb])$/i.test(text);
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
