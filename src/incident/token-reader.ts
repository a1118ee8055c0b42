import type { Token, Tokenizer } from './tokenizer.ts';

/** Reads a statement's tokens one ahead, which is as far as its grammar needs to look. */
export class TokenReader {
  readonly #tokenizer: Tokenizer;
  #next: Token;

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
    this.#next = tokenizer.next();
  }

  get peek(): Token {
    return this.#next;
  }

  take(): Token {
    const taken = this.#next;
    this.#next = this.#tokenizer.next();
    return taken;
  }

  /** True when the next token is one of these keywords, in capitals, or symbols. */
  isAt(words: readonly string[]): boolean {
    return words.some((word) => isWord(this.#next, word));
  }

  /** Takes the next token if it is the keyword, in capitals, or symbol. */
  takeWord(word: string): boolean {
    if (!isWord(this.#next, word)) return false;
    this.take();
    return true;
  }

  /** Takes a name, quoted or not; undefined when there is none. */
  takeName(): string | undefined {
    const { kind } = this.#next;
    return kind === 'name' || kind === 'word' ? this.take().text : undefined;
  }
}

/** Compares as the servers do, letters A to Z in either case; `toUpperCase` would make an S of a long s. */
export function isWord({ kind, text }: Token, word: string): boolean {
  if (kind === 'symbol') return text === word;
  return kind === 'word' && text.length === word.length && /^\w+$/.test(text) && text.toUpperCase() === word;
}
