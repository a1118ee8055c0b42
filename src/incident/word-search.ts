import type { QueryEvent } from '../binlog/group.ts';
import { ANSI_QUOTES, NO_BACKSLASH_ESCAPES } from './dialect.ts';
import { asciiIsAscii } from './statement-text.ts';

/** What a byte begins. */
const CLASS = { other: 0, word: 1, open: 2, close: 3, quote: 4, slash: 5, dash: 6, hash: 7 } as const;
const SIGNS: Readonly<Record<string, number>> = {
  ...{ '(': CLASS.open, ')': CLASS.close, '/': CLASS.slash, '-': CLASS.dash, '#': CLASS.hash },
  ...{ "'": CLASS.quote, '"': CLASS.quote, '`': CLASS.quote },
};

const CLASS_OF = Uint8Array.from({ length: 256 }, (_, code) => {
  // Above ASCII every byte belongs to a word, as in the servers' own parser.
  const isWord = code >= 0x80 || /[\w$]/.test(String.fromCharCode(code));
  return isWord ? CLASS.word : (SIGNS[String.fromCharCode(code)] ?? CLASS.other);
});

/** Words in lower case. */
interface SoughtWord {
  readonly word: Buffer;
  /** Behind it the word means something else: looking ends there. Empty: none does. */
  readonly unless: Buffer;
}

/**
 * Looks for a reserved word outside of quotes, comments and parentheses.
 *
 * It works on the undecoded bytes and allocates nothing: it runs for every INSERT and UPDATE of a log.
 * @returns where the word ends; -1 when it is not there, or when only a real reader can tell
 */
export function afterWordOutside(query: QueryEvent, words: SoughtWord, from: number): number {
  const { text } = query;
  if (!asciiIsAscii(query.clientCharset)) return -1;
  let depth = 0;
  for (let at = from; at < text.length;) {
    const kind = CLASS_OF[text[at] ?? 0];
    if (kind === CLASS.word) {
      const end = endOfWord(text, at);
      if (depth === 0 && isThere(text, at, end, words.word)) return end;
      if (depth === 0 && isThere(text, at, end, words.unless)) return -1;
      at = end;
    } else {
      if (kind === CLASS.open) depth += 1;
      else if (kind === CLASS.close) depth -= 1;
      at = afterNoWord(query, at);
    }
  }
  return -1;
}

// The parts are passed one by one: this runs for every word of a log.
function isThere(text: Buffer, at: number, end: number, word: Buffer): boolean {
  return end - at === word.length && isWordAt(text, at, word);
}

function afterNoWord(query: QueryEvent, at: number): number {
  switch (CLASS_OF[query.text[at] ?? 0] ?? CLASS.other) {
    case CLASS.quote:
      return afterQuoted(query, at);
    case CLASS.slash:
    case CLASS.dash:
    case CLASS.hash:
      return afterSign(query.text, at);
    default:
      return at + 1;
  }
}

/** @returns `from` where no word begins */
export function endOfWord(text: Buffer, from: number): number {
  let at = from;
  while (at < text.length && CLASS_OF[text[at] ?? 0] === CLASS.word) at += 1;
  return at;
}

/** Two letters, lower case, as one number. */
export function letterPair(text: Buffer, at: number): number {
  return (((text[at] ?? 0) | 0x20) << 8) | (text[at + 1] ?? 0) | 0x20;
}

/** Compares with a word in lower case. */
export function isWordAt(text: Buffer, at: number, word: Buffer): boolean {
  for (let index = 0; index < word.length; index += 1) {
    if (((text[at + index] ?? 0) | 0x20) !== word[index]) return false;
  }
  return true;
}

const BACKSLASH = 0x5c;
const BACKTICK = 0x60;
const DOUBLE_QUOTE = 0x22;

function afterQuoted({ text, sqlMode }: QueryEvent, from: number): number {
  const quote = text[from];
  const isName = quote === BACKTICK || (quote === DOUBLE_QUOTE && (sqlMode & ANSI_QUOTES) !== 0);
  const escapes = !isName && (sqlMode & NO_BACKSLASH_ESCAPES) === 0;
  for (let at = from + 1; at < text.length; at += 1) {
    const code = text[at];
    if (escapes && code === BACKSLASH) at += 1;
    else if (code === quote) {
      if (text[at + 1] !== quote) return at + 1;
      at += 1;
    }
  }
  return text.length;
}

const STAR = 0x2a;
const DASH = 0x2d;
const NEWLINE = 0x0a;
const EXCLAMATION = 0x21;
const LETTER_M = 0x4d;

/** Behind a comment, if it is one; to the end where that depends on the source's version or character set. */
function afterSign(text: Buffer, at: number): number {
  const kind = CLASS_OF[text[at] ?? 0];
  const next = text[at + 1];
  const third = text[at + 2] ?? 0;
  if (kind === CLASS.hash) return after(text, NEWLINE, at + 1);
  if (kind === CLASS.slash) {
    if (next !== STAR) return at + 1;
    return third === EXCLAMATION || third === LETTER_M ? text.length : after(text, '*/', at + 2);
  }
  if (next !== DASH || (third > 0x20 && third < 0x7f)) return at + 1;
  return third >= 0x80 ? text.length : after(text, NEWLINE, at + 2);
}

function after(text: Buffer, sought: string | number, from: number): number {
  const found = text.indexOf(sought, from);
  return found === -1 ? text.length : found + (typeof sought === 'string' ? sought.length : 1);
}
