import { executableOpening, type Dialect } from './dialect.ts';

/** word: keyword, name or number as written · name: quoted identifier · string: literal · symbol: one other character. */
export type TokenKind = 'word' | 'name' | 'string' | 'symbol' | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** Without the quotes. Doubled quotes are single in names; strings are as written. */
  readonly text: string;
  /** `[start, end)` in the statement, quotes included. */
  readonly start: number;
  readonly end: number;
}

/** What a character begins. Above ASCII every character is part of a word, as in the servers' own parser. */
const CLASS = { other: 0, blank: 1, word: 2, quote: 3, slash: 4, star: 5, dash: 6, hash: 7 } as const;
type CharacterClass = (typeof CLASS)[keyof typeof CLASS];

const CLASS_OF: readonly CharacterClass[] = Array.from({ length: 128 }, (_, code) => {
  const character = String.fromCharCode(code);
  if (/[ \t\n\v\f\r]/.test(character)) return CLASS.blank;
  if (/[A-Za-z0-9_$]/.test(character)) return CLASS.word;
  if (/['"`]/.test(character)) return CLASS.quote;
  return ({ '/': CLASS.slash, '*': CLASS.star, '-': CLASS.dash, '#': CLASS.hash } as const)[character] ?? CLASS.other;
});

const NO_BREAK_SPACE = 0xa0;

/**
 * Cuts one statement into tokens, on demand, as the source's own parser did: comments are passed over, what
 * executable comments hold is not. Never throws: what is not terminated ends with the statement.
 */
export class Tokenizer {
  readonly #text: string;
  readonly #dialect: Dialect;
  #at = 0;
  /** Inside an executable comment a closing mark is white space. The servers keep one flag, not a depth. */
  #executable = false;

  constructor(text: string, dialect: Dialect) {
    this.#text = text;
    this.#dialect = dialect;
  }

  /** The next token; from the end on always one of kind 'end'. */
  next(): Token {
    this.#skipBlanks();
    const start = this.#at;
    if (start >= this.#text.length) return { kind: 'end', text: '', start, end: start };
    const kind = this.#classAt(start);
    if (kind === CLASS.quote) return this.#quoted(start);
    if (kind === CLASS.word) return this.#word(start);
    this.#at += 1;
    return { kind: 'symbol', text: this.#text.slice(start, this.#at), start, end: this.#at };
  }

  #classAt(at: number): CharacterClass {
    const code = this.#text.charCodeAt(at);
    if (code < 128) return CLASS_OF[code] ?? CLASS.other;
    return code === NO_BREAK_SPACE && this.#dialect.nbspIsBlank ? CLASS.blank : CLASS.word;
  }

  #skipBlanks(): void {
    while (this.#at < this.#text.length && this.#skipBlank());
  }

  /** @returns false at the first character of a token */
  #skipBlank(): boolean {
    const kind = this.#classAt(this.#at);
    if (kind === CLASS.hash) return this.#skipLine();
    if (kind === CLASS.dash) return this.#opensDashComment() && this.#skipLine();
    if (kind === CLASS.slash) return this.#text.startsWith('/*', this.#at) && this.#openComment();
    if (kind === CLASS.star) return this.#closeExecutable();
    if (kind !== CLASS.blank) return false;
    this.#at += 1;
    return true;
  }

  #skipLine(): true {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end + 1;
    return true;
  }

  /** Two dashes are a comment only before white space, a control character or the end. */
  #opensDashComment(): boolean {
    if (!this.#text.startsWith('--', this.#at)) return false;
    const at = this.#at + 2;
    return at >= this.#text.length || isControl(this.#text.charCodeAt(at)) || this.#classAt(at) === CLASS.blank;
  }

  #openComment(): true {
    const opening = executableOpening(this.#text.slice(this.#at, this.#at + LONGEST_OPENING), this.#dialect);
    if (opening === null) this.#at = this.#endOfComment(this.#at);
    else {
      this.#executable = true;
      this.#at += opening;
    }
    return true;
  }

  /**
   * A comment ends at its first closing mark; one marked for another version may hold one plain comment.
   * Source: MariaDB 10.11 sql/sql_lex.cc, consume_comment.
   */
  #endOfComment(start: number): number {
    const mariadb = this.#dialect.flavor === 'mariadb';
    const marked = this.#text[start + 2] === '!' || (mariadb && this.#text.startsWith('M!', start + 2));
    const inner = this.#text.indexOf('/*', start + 2);
    const close = this.#text.indexOf('*/', start + 2);
    const nested = marked && inner !== -1 && inner < close;
    return this.#afterClosing(nested ? this.#afterClosing(inner + 2) : start + 2);
  }

  #afterClosing(from: number): number {
    const close = this.#text.indexOf('*/', from);
    return close === -1 ? this.#text.length : close + 2;
  }

  #closeExecutable(): boolean {
    if (!this.#executable || !this.#text.startsWith('*/', this.#at)) return false;
    this.#executable = false;
    this.#at += 2;
    return true;
  }

  #word(start: number): Token {
    let end = start + 1;
    while (end < this.#text.length && this.#classAt(end) === CLASS.word) end += 1;
    this.#at = end;
    return { kind: 'word', text: this.#text.slice(start, end), start, end };
  }

  #quoted(start: number): Token {
    const quote = this.#text.charAt(start);
    const kind = quote === '`' || (quote === '"' && this.#dialect.ansiQuotes) ? 'name' : 'string';
    const escapes = kind === 'string' && this.#dialect.backslashEscapes;
    let at = start + 1;
    let doubled = false;
    for (; at < this.#text.length; at += 1) {
      const character = this.#text[at];
      if (escapes && character === '\\') at += 1;
      else if (character === quote) {
        if (this.#text[at + 1] !== quote) break;
        doubled = true;
        at += 1;
      }
    }
    const inside = this.#text.slice(start + 1, at);
    const text = doubled && kind === 'name' ? inside.replaceAll(quote + quote, quote) : inside;
    this.#at = Math.min(at + 1, this.#text.length);
    return { kind, text, start, end: this.#at };
  }
}

/** As long as the longest: slash, star, M, exclamation mark, six digits and the character after them. */
const LONGEST_OPENING = 11;

function isControl(code: number): boolean {
  return code < 0x20 || code === 0x7f;
}
