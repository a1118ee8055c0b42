import { Tokenizer, type Token } from './tokenizer.ts';

/** Reads a statement's tokens; looks ahead as far as is asked for. */
export class TokenReader {
  readonly #tokenizer: Tokenizer;
  /** Read, but not taken. */
  readonly #ahead: Token[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  get peek(): Token {
    return this.peekAt(0);
  }

  /** The token so many after the next one. */
  peekAt(distance: number): Token {
    for (;;) {
      const token = this.#ahead[distance];
      if (token !== undefined) return token;
      this.#ahead.push(this.#tokenizer.next());
    }
  }

  take(): Token {
    return this.#ahead.shift() ?? this.#tokenizer.next();
  }

  /** True when the next token, or the one so many after it, is one of these keywords, in capitals, or symbols. */
  isAt(words: readonly string[], distance = 0): boolean {
    const token = this.peekAt(distance);
    return words.some((word) => isWord(token, word));
  }

  /** Takes the next token if it is one of these keywords, in capitals, or symbols. */
  takeWord(...words: readonly string[]): boolean {
    if (!this.isAt(words)) return false;
    this.take();
    return true;
  }

  /** Takes a name, quoted or not; undefined when there is none. */
  takeName(): string | undefined {
    const { kind } = this.peek;
    return kind === 'name' || kind === 'word' ? this.take().text : undefined;
  }

  /** Passes over everything up to one of these words or symbols that is in no parentheses; false: there is none. */
  skipTo(words: readonly string[]): boolean {
    while (this.peek.kind !== 'end' && !this.isAt(words)) {
      if (!this.skipParentheses()) this.take();
    }
    return this.peek.kind !== 'end';
  }

  /** Passes over what is in parentheses here, if anything. */
  skipParentheses(): boolean {
    if (!this.takeWord('(')) return false;
    for (let depth = 1; depth > 0 && this.peek.kind !== 'end';) {
      const token = this.take();
      if (isWord(token, '(')) depth += 1;
      else if (isWord(token, ')')) depth -= 1;
    }
    return true;
  }
}

/** Compares as the servers do, letters A to Z in either case; `toUpperCase` would make an S of a long s. */
export function isWord({ kind, text }: Token, word: string): boolean {
  if (text.length !== word.length || (kind !== 'word' && kind !== 'symbol')) return false;
  for (let at = 0; at < word.length; at += 1) {
    if (capital(text.charCodeAt(at)) !== word.charCodeAt(at)) return false;
  }
  return true;
}

function capital(code: number): number {
  return code >= 0x61 && code <= 0x7a ? code - 0x20 : code;
}

/** In capitals; '' for what is no word of ASCII letters. */
export function keywordOf({ kind, text }: Token): string {
  if (kind === 'symbol') return text;
  return kind !== 'word' || /[^\0-\x7f]/.test(text) ? '' : text.toUpperCase();
}
